// A private folder for the contents of archives, removed with its owner.
//
// Each supervisor has one of its own below lambda.unpack_dir and holds a lock on it while it lives.
// What a supervisor that was killed left behind has no lock: the next one removes it. The folder
// itself is locked as well, so that systemd-tmpfiles does not take old files out of it.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "supervisor/account.h"
#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

class UnpackFolder {
 public:
  // `parent` may be empty: the system's temporary folder. `reader` may look into it.
  static std::expected<std::unique_ptr<UnpackFolder>, std::string> create(
      const std::string& parent, const Account& reader = {});
  ~UnpackFolder();
  UnpackFolder(const UnpackFolder&) = delete;
  UnpackFolder& operator=(const UnpackFolder&) = delete;

  // Where the contents of generation `number` go; does not exist yet.
  std::string generation(std::uint64_t number) const;
  void remove(std::uint64_t number);

 private:
  UnpackFolder(std::string path, uv::FileDescriptor lock, uv::FileDescriptor kept)
      : path_(std::move(path)), lock_(std::move(lock)), kept_(std::move(kept)) {}

  std::string path_;
  uv::FileDescriptor lock_;
  uv::FileDescriptor kept_;
};

}  // namespace lambdapool::supervisor
