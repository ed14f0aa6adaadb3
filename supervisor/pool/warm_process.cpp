#include "supervisor/pool/warm_process.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "supervisor/uv/adopted_process.h"

namespace lambdapool::supervisor {

WarmProcess::WarmProcess(uv::Loop& loop, Log& log, const uv::SpawnOptions& options, Started started,
                         Exited exited)
    : loop_(loop),
      log_(log),
      options_(options),
      started_(std::move(started)),
      exited_(std::move(exited)),
      later_(loop, [this] { execute(); }) {}

std::expected<std::unique_ptr<WarmProcess>, std::string> WarmProcess::order(
    uv::Loop& loop, Log& log, TemplateProcess& from, const uv::SpawnOptions& options,
    Started started, Exited exited) {
  std::unique_ptr<WarmProcess> made(
      new WarmProcess(loop, log, options, std::move(started), std::move(exited)));
  for (int& descriptor : made->options_.descriptors) {
    uv::FileDescriptor copy(descriptor < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC)
                                           : fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!copy.open()) return std::unexpected(std::string("dup: ") + std::strerror(errno));
    descriptor = copy.get();
    made->owned_.push_back(std::move(copy));
  }
  made->template_ = &from;
  from.fork(*made);
  return made;
}

WarmProcess::~WarmProcess() {
  if (template_ != nullptr) template_->forget(*this);
}

std::vector<int> WarmProcess::descriptors() const { return options_.descriptors; }

void WarmProcess::on_forked(int pid) {
  template_ = nullptr;
  auto process = uv::AdoptedProcess::adopt(
      loop_, pid, [this](std::int64_t status, int signal) { exited_(status, signal); });
  if (process) return take(std::move(*process));
  log_.warning("forked worker is not usable", {{"text", process.error()}});
  later_.start(Milliseconds{0});
}

void WarmProcess::on_not_forked() {
  template_ = nullptr;
  later_.start(Milliseconds{0});
}

void WarmProcess::execute() {
  // One that was to be killed need not be made for that.
  if (wanted_signal_ != 0) {
    owned_.clear();
    return exited_(0, wanted_signal_);
  }
  auto process = uv::Process::spawn(
      loop_, options_, [this](std::int64_t status, int signal) { exited_(status, signal); });
  if (process) return take(std::move(*process));
  owned_.clear();
  log_.error("worker cannot be started", {{"text", process.error()}});
  exited_(kNotStarted, 0);
}

void WarmProcess::take(std::unique_ptr<uv::ChildProcess> process) {
  process_ = std::move(process);
  owned_.clear();
  started_(process_->pid());
  if (wanted_signal_ != 0) process_->signal(wanted_signal_);
}

void WarmProcess::signal(int number) {
  if (process_ != nullptr) return process_->signal(number);
  wanted_signal_ = number;
}

void WarmProcess::signal_group(int number) {
  if (process_ != nullptr) process_->signal_group(number);
}

}  // namespace lambdapool::supervisor
