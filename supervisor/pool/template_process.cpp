#include "supervisor/pool/template_process.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "protocol/codec.h"
#include "protocol/template.h"
#include "supervisor/pool/worker_plumbing.h"
#include "supervisor/pool/worker_process.h"
#include "supervisor/uv/adopted_process.h"
#include "supervisor/uv/children.h"

namespace lambdapool::supervisor {
namespace {

// A fork takes milliseconds.
constexpr Milliseconds kForkLimit{2'000};

LogLevel to_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

}  // namespace

TemplateProcess::TemplateProcess(uv::Loop& loop, Log& log, const WorkerSettings& settings,
                                 uv::FileDescriptor socket, Gone gone)
    : loop_(loop),
      log_(log),
      generation_(settings.generation),
      start_limit_(settings.pool.start_timeout),
      gone_(std::move(gone)),
      socket_(std::move(socket)),
      poll_(loop, socket_.get(), [this](uv::Watch) { read(); }),
      limit_(loop,
             [this] {
               become_gone(state_ == State::kStarting
                               ? "it does not become ready in time (pool.start_timeout)"
                               : "it does not fork when it is told to");
             }),
      started_(std::chrono::steady_clock::now()) {}

std::expected<std::unique_ptr<TemplateProcess>, std::string> TemplateProcess::start(
    uv::Loop& loop, Log& log, const WorkerSettings& settings, Gone gone) {
  loop.children().adopt_orphans();
  auto plumbing = WorkerPlumbing::create();
  if (!plumbing) return std::unexpected(plumbing.error());
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return std::unexpected(std::string("socketpair: ") + std::strerror(errno));
  }
  uv::FileDescriptor ours(ends[0]);
  const uv::FileDescriptor theirs(ends[1]);
  std::unique_ptr<TemplateProcess> made(
      new TemplateProcess(loop, log, settings, std::move(ours), std::move(gone)));
  TemplateProcess* self = made.get();

  // The lambda's code must not run as another user than its workers.
  const bool with_lambda =
      settings.pool.preload == Preload::kLambda && settings.limits.user.empty();
  std::vector<std::string> command = worker_command(settings);
  command.insert(command.end(), {"template", with_lambda ? "lambda" : "host"});
  const uv::SpawnOptions options{
      std::move(command),
      {-1, plumbing->worker_out.get(), plumbing->worker_err.get(), theirs.get()},
      settings.lambda_root};
  auto process = uv::Process::spawn(loop, options, [self](std::int64_t status, int signal) {
    self->read();  // What it has said before.
    self->become_gone("it " + ExitStatus{status, signal}.to_string());
  });
  if (!process) return std::unexpected(process.error());
  made->process_ = std::move(*process);

  const auto line = [self](std::string_view stream) {
    return [self, stream](std::string_view text) {
      self->log_.info(stream, {{"template", true}, {"text", text}});
    };
  };
  made->stdout_ = std::make_unique<OutputPipe>(loop, std::move(plumbing->out), line("stdout"),
                                               [](std::uint64_t) {});
  made->stderr_ = std::make_unique<OutputPipe>(loop, std::move(plumbing->err), line("stderr"),
                                               [](std::uint64_t) {});
  std::string frame;
  protocol::append(frame, start_message(settings, 0));
  if (!made->send(frame, {})) return std::unexpected("the start message cannot be sent");
  made->poll_.watch(uv::Watch::kReadable);
  made->watch_time();
  return made;
}

TemplateProcess::~TemplateProcess() { end(); }

bool TemplateProcess::send(const std::string& packet, std::span<const int> descriptors) {
  iovec part{.iov_base = const_cast<char*>(packet.data()), .iov_len = packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(protocol::kWorkerDescriptors * sizeof(int))>
      control{};
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t count = 0;
  do {
    count = sendmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count == static_cast<ssize_t>(packet.size());
}

void TemplateProcess::fork(ForkOrder& order) {
  pending_.push_back({next_id_++, &order, false});
  if (state_ == State::kReady) send_orders();
}

void TemplateProcess::send_orders() {
  std::vector<ForkOrder*> refused;
  for (auto each = pending_.begin(); each != pending_.end();) {
    if (each->sent) {
      ++each;
    } else if (each->order != nullptr &&
               send(protocol::encode_fork(each->id), each->order->descriptors())) {
      each->sent = true;
      loop_.children().hold();
      ++each;
    } else {
      if (each->order != nullptr) refused.push_back(each->order);
      each = pending_.erase(each);
    }
  }
  watch_time();
  for (ForkOrder* order : refused) order->on_not_forked();
}

void TemplateProcess::forget(const ForkOrder& order) {
  for (Pending& each : pending_) {
    if (each.order == &order) each.order = nullptr;
  }
}

void TemplateProcess::watch_time() {
  if (state_ == State::kStarting) {
    limit_.start(start_limit_);
  } else if (state_ == State::kReady &&
             std::ranges::any_of(pending_, [](const Pending& each) { return each.sent; })) {
    limit_.start(kForkLimit);
  } else {
    limit_.stop();
  }
}

void TemplateProcess::read() {
  std::array<char, protocol::kMaxTemplatePacket> buffer;
  while (state_ != State::kGone) {
    const ssize_t count = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    // Its exit status, which says more, comes at once; the watch would only turn until then.
    if (count <= 0) return poll_.stop();
    on_packet({buffer.data(), static_cast<std::size_t>(count)});
  }
}

void TemplateProcess::on_packet(std::string_view packet) {
  const auto message = protocol::decode_template(packet);
  if (!message) return become_gone("it broke the protocol");
  if (const auto* forked = std::get_if<protocol::TemplateForked>(&*message)) {
    return on_forked(forked->id, forked->pid);
  }
  if (const auto* failed = std::get_if<protocol::TemplateFailed>(&*message)) {
    return become_gone(std::string(failed->text));
  }
  if (const auto* said = std::get_if<protocol::TemplateLog>(&*message)) {
    return log_.write(to_log_level(said->level), said->text, {{"template", true}});
  }
  if (state_ != State::kStarting) return become_gone("it broke the protocol");
  state_ = State::kReady;
  was_ready_ = true;
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - started_;
  log_.info("template ready",
            {{"pid", process_->pid()}, {"generation", generation_}, {"start_ms", took.count()}});
  send_orders();
}

void TemplateProcess::on_forked(std::uint64_t id, int pid) {
  const auto found = std::ranges::find_if(
      pending_, [id](const Pending& each) { return each.id == id && each.sent; });
  if (found == pending_.end()) return become_gone("it broke the protocol");
  ForkOrder* order = found->order;
  pending_.erase(found);
  watch_time();
  if (order == nullptr) {
    // Nobody wants it any more: adopted and dropped, it is killed.
    if (pid > 0) static_cast<void>(uv::AdoptedProcess::adopt(loop_, pid, [](std::int64_t, int) {}));
  } else if (pid > 0) {
    order->on_forked(pid);
  } else {
    order->on_not_forked();
  }
  loop_.children().release();
}

void TemplateProcess::become_gone(const std::string& why) {
  if (state_ == State::kGone) return;
  end();
  gone_(*this, why);
}

void TemplateProcess::end() {
  // From here on it can tell of no worker, so that none runs of which it has not told.
  shutdown(socket_.get(), SHUT_RDWR);
  read();
  if (state_ == State::kGone) return;
  state_ = State::kGone;
  limit_.stop();
  poll_.stop();
  if (stdout_ != nullptr) stdout_->finish();
  if (stderr_ != nullptr) stderr_->finish();
  // Workers that it has forked but not told of end by themselves when it is gone.
  if (process_ != nullptr) process_->signal(SIGKILL);
  release_all();
}

void TemplateProcess::release_all() {
  const auto pending = std::exchange(pending_, {});
  for (const Pending& each : pending) {
    if (each.order != nullptr) each.order->on_not_forked();
    if (each.sent) loop_.children().release();
  }
}

}  // namespace lambdapool::supervisor
