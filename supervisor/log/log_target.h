// Where the log's lines go, as a descriptor: a file that is appended to, or standard error.
//
// A write waits for a slow reader, but never beyond `give_up_at`: whoever joins the log's thread
// must not depend on somebody reading a pipe. That needs writes that do not block, and O_NONBLOCK
// belongs to the open file description, which standard error shares with other processes; so it is
// never set on what was inherited: pipes and terminals are opened a second time, sockets are
// written with a flag of the call.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

class LogTarget {
 public:
  // An empty path is standard error. Failure: why it cannot be opened.
  static std::expected<std::unique_ptr<LogTarget>, std::string> open(const std::string& path);

  // Writes all of `bytes`. Failure: how many are not written, and why.
  struct Unwritten {
    std::size_t bytes;
    std::string reason;
  };
  std::expected<void, Unwritten> write(std::string_view bytes);

  // Opens the file again under its name; goes on with the old one when that fails. Standard error
  // stays as it is.
  std::expected<void, std::string> reopen();

  // Whether it is standard error, and that is a stream to systemd's journal, which takes the level
  // of a line from the line's beginning.
  bool is_journal() const { return is_journal_; }

  // From any thread: from then on no write waits any longer.
  void give_up_at(std::chrono::steady_clock::time_point time);

 private:
  enum class WriteCall {
    kWrite,          // Does not block.
    kSend,           // A socket, written with MSG_DONTWAIT.
    kWaitThenWrite,  // Might block, except for a piece that fits when poll() says so.
  };

  explicit LogTarget(std::string path) : path_(std::move(path)) {}

  std::expected<void, std::string> open_file();
  std::expected<void, std::string> open_standard_error();
  ssize_t write_some(std::string_view bytes) const;
  // Waits until the descriptor can be written. False: it is time to give up.
  bool wait() const;

  const std::string path_;
  uv::FileDescriptor file_;
  WriteCall call_ = WriteCall::kWrite;
  bool is_journal_ = false;
  std::atomic<std::chrono::steady_clock::time_point> give_up_{
      std::chrono::steady_clock::time_point::max()};
};

// Whether standard error is a stream to systemd's journal: JOURNAL_STREAM names its device and
// inode.
bool standard_error_is_journal();

}  // namespace lambdapool::supervisor
