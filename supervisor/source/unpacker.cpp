#include "supervisor/source/unpacker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "supervisor/pool/exit_status.h"

namespace lambdapool::supervisor {

Unpacker::Unpacker(uv::Loop& loop, Done done)
    : done_(std::move(done)), timer_(loop, [this] {
        timed_out_ = true;
        process_->signal_group(SIGKILL);
      }) {}

std::expected<std::unique_ptr<Unpacker>, std::string> Unpacker::start(
    uv::Loop& loop, const std::string& worker_program, const LambdaConfig& limits,
    const std::string& archive, const std::string& folder, Milliseconds limit, Done done) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(std::string("pipe: ") + std::strerror(errno));
  uv::FileDescriptor ours(ends[0]);
  const uv::FileDescriptor theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);

  std::unique_ptr<Unpacker> unpacker(new Unpacker(loop, std::move(done)));
  Unpacker* self = unpacker.get();
  const uv::SpawnOptions options{{worker_program, "unpack", archive, folder,
                                  "max_entries=" + std::to_string(limits.max_entries),
                                  "max_total=" + std::to_string(limits.max_total),
                                  "max_file=" + std::to_string(limits.max_file),
                                  "max_ratio=" + std::to_string(limits.max_ratio)},
                                 {-1, theirs.get(), theirs.get()}};
  auto process = uv::Process::spawn(
      loop, options, [self](std::int64_t status, int signal) { self->on_exited(status, signal); });
  if (!process) return std::unexpected(process.error());
  unpacker->process_ = std::move(*process);
  unpacker->output_ = std::make_unique<OutputPipe>(
      loop, std::move(ours),
      [self](std::string_view line) {
        if (!self->complaints_.empty()) self->complaints_ += '\n';
        self->complaints_ += line;
      },
      [](std::uint64_t) {});
  unpacker->timer_.start(limit);
  return unpacker;
}

void Unpacker::on_exited(std::int64_t status, int signal) {
  timer_.stop();
  output_->finish();
  const ExitStatus exit{status, signal};
  if (exit.clean()) return done_({});
  if (timed_out_)
    return done_(std::unexpected("unpacking the archive takes too long (pool.start_timeout)"));
  if (!complaints_.empty()) return done_(std::unexpected(complaints_));
  done_(std::unexpected("unpacking the archive failed: the process " + exit.to_string()));
}

}  // namespace lambdapool::supervisor
