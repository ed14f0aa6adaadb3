// The folder of crash files: each is written whole or not at all, and the oldest go when there are
// too many or they take too much.
//
// The loop never waits for the disk: one file at a time is written by another thread. What cannot
// be written is a warning in the log, once for each reason in a row, and hurts nobody.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "supervisor/log/log.h"
#include "supervisor/uv/work.h"

namespace lambdapool::supervisor {

struct CrashFolderLimits {
  std::uint32_t files = 100;
  std::size_t bytes = std::size_t{16} << 20;
};

class CrashFolder {
 public:
  // Files that wait to be written; one more is dropped.
  static constexpr std::size_t kMostWaiting = 64;

  CrashFolder(uv::Loop& loop, Log& log, std::string folder, CrashFolderLimits limits);

  // Where a file of that name will be; empty when it would be dropped now.
  std::string path_of(const std::string& name) const;
  // Gives its path, or nothing when it is dropped.
  std::string write(const std::string& name, std::string text);

 private:
  struct File {
    std::string name;
    std::string text;
  };

  void write_next();
  // Empty: all is well again.
  void warn(const std::string& error);

  uv::Loop& loop_;
  Log& log_;
  const std::string folder_;
  const CrashFolderLimits limits_;
  std::deque<File> waiting_;
  std::unique_ptr<uv::Work> work_;
  std::string last_error_;
};

// The parts that run on the other thread. Failure: a line for people, or nothing.
std::string write_crash_file(const std::string& folder, const std::string& name,
                             const std::string& text, const CrashFolderLimits& limits);
void remove_old_crash_files(const std::string& folder, const CrashFolderLimits& limits);

// `crashes` in systemd's state folder; empty without systemd.
std::string default_crash_folder();

}  // namespace lambdapool::supervisor
