#include "supervisor/pool/worker_process.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <random>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "supervisor/lines.h"
#include "supervisor/log/escape.h"
#include "supervisor/pool/attribution.h"
#include "supervisor/pool/tight_limits.h"
#include "supervisor/pool/worker_launcher.h"
#include "supervisor/pool/worker_plumbing.h"
#include "supervisor/uv/process_memory.h"

namespace lambdapool::supervisor {
namespace {

// A worker with this much unread input gets no more of it.
constexpr std::size_t kMaxUnsent = std::size_t{1} << 20;
// From SIGABRT, which makes a stuck worker write its stacks, to SIGKILL.
constexpr Milliseconds kAbortGrace{1'000};
// How long the channel of a dead worker may be held open by what it left behind.
constexpr Milliseconds kChannelGrace{300};
// A loop that has taken nothing for this long is not given more.
constexpr Milliseconds kStandstill{500};
// How long a lambda whose client has left may take to notice, in cancellation graces.
constexpr std::uint32_t kMostDispatches = 5;
constexpr int kGracesToNotice = 5;
// How long a loop that is not blocked may take to say what its tasks wait for.
constexpr Milliseconds kTasksLimit{200};

// Whatever a worker calls its lambda's type.
constexpr std::size_t kMaxTypeName = 32;
// So much of the traceback of a failed start is kept for its crash file.
constexpr std::size_t kMaxTraceback = std::size_t{64} << 10;
// A worker that lived this long after it was ready did not die of its start.
constexpr Milliseconds kProvingTime{1'000};

LogLevel to_log_level(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return LogLevel::kInfo;
}

// Adds the request to what is known of the death. Returns where to say what became of it.
std::string& note_request(WorkerDeath& death, const RequestSlots::Slot& slot,
                          const Invocation* invocation, bool begun, bool culprit) {
  DeathRequest& request = death.requests.emplace_back();
  request.begun = begun;
  request.culprit = culprit;
  request.age = std::chrono::steady_clock::now() - slot.dispatched;
  if (invocation == nullptr) return request.fate;
  request.id = invocation->request_id();
  request.age = std::chrono::steady_clock::now() - invocation->received();
  if (const auto target = protocol::read_request_target(invocation->request_fields())) {
    request.method = target->method;
    request.path = target->path;
  }
  return request.fate;
}

double random_fraction() {
  static std::minstd_rand random(std::random_device{}());
  return std::uniform_real_distribution(0.0, 1.0)(random);
}

// Null when its client is gone.
std::unique_ptr<Invocation> take_answered(RequestSlots::Slot& slot) {
  // Who answers has read the body.
  if (slot.invocation != nullptr) slot.invocation->stored_body().returned();
  return std::move(slot.invocation);
}

}  // namespace

Lifespan make_lifespan(const PoolConfig& config, double fraction) {
  constexpr double kMostOff = 0.1;
  const double factor = 1.0 - kMostOff * fraction;
  const auto drawn = [&](auto value) { return std::ceil(static_cast<double>(value) * factor); };
  return {static_cast<std::uint64_t>(drawn(config.max_requests)),
          Milliseconds(static_cast<Milliseconds::rep>(drawn(config.max_lifetime.count()))),
          static_cast<std::uint64_t>(drawn(config.max_rss))};
}

std::vector<std::string> worker_command(const WorkerSettings& settings) {
  std::vector<std::string> command = {settings.program};
  if (settings.system_python) command.emplace_back("--interpreter=system");
  return command;
}

protocol::Start start_message(const WorkerSettings& settings, std::uint32_t number) {
  return {
      .lambda_root = settings.lambda_root,
      .lambda_id = settings.lambda_id,
      .lambda_name = settings.lambda_name,
      .lambda_version = settings.lambda_version,
      .pylib = settings.pylib,
      .venv = settings.venv,
      .event_loop = settings.event_loop,
      .log_level = settings.log_level,
      .worker = number,
      .window = settings.pool.concurrency,
      .settings = settings.settings,
      .limits = settings.limits,
  };
}

WorkerProcess::WorkerProcess(uv::Loop& loop, Log& log, const WorkerSettings& settings,
                             std::uint32_t number, std::uint64_t& dispatched, WorkerEvents& events)
    : loop_(loop),
      log_(log),
      settings_(settings),
      number_(number),
      events_(events),
      lifespan_(make_lifespan(settings.pool, random_fraction())),
      slots_(settings.pool.concurrency, dispatched),
      timer_(loop, [this] { std::exchange(timer_action_, nullptr)(); }),
      started_(std::chrono::steady_clock::now()) {}

std::expected<std::unique_ptr<WorkerProcess>, std::string> WorkerProcess::spawn(
    uv::Loop& loop, Log& log, WorkerLauncher& launcher, const WorkerSettings& settings,
    std::uint32_t number, std::uint64_t& dispatched, WorkerEvents& events) {
  std::unique_ptr<WorkerProcess> worker(
      new WorkerProcess(loop, log, settings, number, dispatched, events));
  WorkerProcess* self = worker.get();

  auto vitals = VitalsPage::create(settings.pool.concurrency);
  if (!vitals) return std::unexpected(vitals.error());
  auto report = CrashReport::create();
  if (!report) return std::unexpected(report.error());
  auto plumbing = WorkerPlumbing::create();
  if (!plumbing) return std::unexpected(plumbing.error());

  const uv::SpawnOptions options{
      worker_command(settings),
      {-1, plumbing->worker_out.get(), plumbing->worker_err.get(), plumbing->worker_channel.get(),
       (*report)->descriptor(), (*vitals)->descriptor()},
      settings.lambda_root};
  auto process = launcher.launch(
      settings, options, [self](int pid) { self->on_started(pid); },
      [self](std::int64_t status, int signal) { self->on_exited(status, signal); });
  if (!process) return std::unexpected(process.error());

  worker->process_ = std::move(*process);
  worker->vitals_ = std::move(*vitals);
  worker->crash_report_ = std::move(*report);
  const auto dropped = [self](std::string_view stream) {
    return [self, stream](std::uint64_t lines) {
      self->log_.warning("worker output dropped",
                         {{"worker", self->number_}, {"stream", stream}, {"lines", lines}});
    };
  };
  worker->stdout_ = std::make_unique<OutputPipe>(
      loop, std::move(plumbing->out),
      [self](std::string_view line) { self->log_output("stdout", line); }, dropped("stdout"));
  worker->stderr_ = std::make_unique<OutputPipe>(
      loop, std::move(plumbing->err),
      [self](std::string_view line) { self->log_output("stderr", line); }, dropped("stderr"));
  worker->channel_ = std::make_unique<WorkerChannel>(loop, std::move(plumbing->channel),
                                                     static_cast<ChannelEvents&>(*worker));
  worker->stacks_ = std::make_unique<StackTaker>(loop, *worker->process_, *worker->crash_report_,
                                                 *worker->channel_);
  worker->send_start();
  return worker;
}

void WorkerProcess::send_start() {
  protocol::Start start = start_message(settings_, number_);
  // Without memory, large responses go through the channel as well.
  answer_memory_ = AnswerMemory::create(
      loop_,
      {[this](std::uint64_t place) { channel_->send(protocol::MemoryFree{place}); },
       [this] { channel_->send(protocol::MemoryIdle{}); }, [this] { return slots_.busy() > 0; }});
  auto shared = answer_memory_ ? answer_memory_->share() : uv::FileDescriptor();
  if (!shared.open()) {
    answer_memory_.reset();
    return channel_->send(start);
  }
  start.answer_memory = AnswerMemory::kCapacity;
  channel_->send_with(start, std::move(shared));
}

void WorkerProcess::on_started(int pid) {
  pid_ = pid;
  log_.info("worker started", {{"worker", number_}, {"pid", pid}});
  if (state_ == WorkerState::kStarting) {
    after(settings_.pool.start_timeout, [this] { on_start_timeout(); });
  }
}

void WorkerProcess::after(Milliseconds delay, std::function<void()> action) {
  timer_action_ = std::move(action);
  timer_.start(delay);
}

bool WorkerProcess::accepts() const {
  return state_ == WorkerState::kReady && !slots_.full() && channel_->unsent() < kMaxUnsent &&
         !stands_still();
}

bool WorkerProcess::worn_out() const {
  if (state_ != WorkerState::kReady) return false;
  if (has_served_enough()) return true;
  if (lifespan_.time.count() > 0 && std::chrono::steady_clock::now() - started_ >= lifespan_.time) {
    return true;
  }
  return lifespan_.resident_bytes > 0 && uv::resident_bytes(pid()) >= lifespan_.resident_bytes;
}

bool WorkerProcess::has_taken_all() const { return took(channel_->frames_sent()); }

std::size_t WorkerProcess::own_calls() const {
  std::size_t count = 0;
  slots_.for_each_busy([&](const RequestSlots::Slot& slot) {
    if (slot.invocation != nullptr && is_own_call(slot.invocation->connection())) ++count;
  });
  return count;
}

// Whether its loop has not taken anything for a while although there is something: what was sent to
// it now would wait for whatever blocks it.
bool WorkerProcess::stands_still() const {
  if (took(channel_->frames_sent())) {
    progressed_ = {};
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  const std::uint64_t progress = vitals_->frames_taken();
  if (progressed_ == uv::TimePoint{} || progress != progress_) {
    progress_ = progress;
    progressed_ = now;
  }
  return now - progressed_ > kStandstill;
}

void WorkerProcess::dispatch(std::unique_ptr<Invocation> invocation) {
  invocation->dispatched(number_);
  const auto deadline = invocation->received() + settings_.pool.request_timeout;
  const auto left =
      std::chrono::duration_cast<Milliseconds>(deadline - invocation->dispatched_at()).count();
  RequestSlots::Slot& slot = slots_.take(std::move(invocation));
  if (answer_memory_) answer_memory_->tell_free();
  channel_->send_request(slot.id, RequestSlots::index(slot),
                         static_cast<std::uint32_t>(std::max<Milliseconds::rep>(left, 1)),
                         slot.invocation->request_fields(), slot.invocation->stored_body());
  slot.request_frame = channel_->frames_sent();
}

void WorkerProcess::retire() {
  if (state_ == WorkerState::kStarting) return stop();
  if (state_ != WorkerState::kReady) return;
  state_ = WorkerState::kRetiring;
  stop_when_retired();
}

bool WorkerProcess::clients_wait() const {
  bool waiting = false;
  slots_.for_each_busy([&](const RequestSlots::Slot& slot) { waiting = waiting || slot.wanted(); });
  return waiting;
}

void WorkerProcess::stop_when_retired() {
  if (state_ != WorkerState::kRetiring) return;
  // What only ignores its cancellation is not waited for.
  if (slots_.busy() == 0 || (spoiled_ && !clients_wait())) stop();
}

void WorkerProcess::stop() {
  if (state_ == WorkerState::kStopping || state_ == WorkerState::kGone) return;
  const bool starting = state_ == WorkerState::kStarting;
  state_ = WorkerState::kStopping;
  cause_ = GoneCause::kStopped;
  // A worker that is still starting has nothing to shut down.
  if (starting) return kill();
  channel_->send(
      protocol::Shutdown{static_cast<std::uint32_t>(settings_.pool.shutdown_timeout.count())});
  after(settings_.pool.shutdown_timeout, [this] {
    log_.error("onShutdown took too long, the worker is killed",
               {{"worker", number_},
                {"pid", pid()},
                {"limit_ms", settings_.pool.shutdown_timeout.count()}});
    kill();
  });
}

void WorkerProcess::kill() {
  if (state_ == WorkerState::kGone) return;
  if (state_ != WorkerState::kStopping) cause_ = GoneCause::kStopped;
  state_ = WorkerState::kStopping;
  killed_ = true;
  process_->signal(SIGKILL);
}

void WorkerProcess::on_message(const protocol::Up& message) {
  std::visit(
      [this]<class Message>(const Message& told) {
        if constexpr (std::is_same_v<Message, protocol::Ready>) {
          on_ready(told);
        } else if constexpr (std::is_same_v<Message, protocol::StartFailed>) {
          on_start_failed(told);
        } else if constexpr (std::is_same_v<Message, protocol::Log>) {
          if (told.request_id.empty()) {
            log_.write(to_log_level(told.level), told.text, {{"worker", number_}});
          } else {
            log_.write(to_log_level(told.level), told.text,
                       {{"worker", number_}, {"request_id", told.request_id}});
          }
        } else if constexpr (std::is_same_v<Message, protocol::StreamHead>) {
          on_stream_head(told);
        } else if constexpr (std::is_same_v<Message, protocol::StreamChunk>) {
          on_stream_chunk(told);
        } else if constexpr (std::is_same_v<Message, protocol::StreamEnd>) {
          on_stream_end(told);
        } else if constexpr (std::is_same_v<Message, protocol::Metric>) {
          events_.on_worker_metric(*this, told);
        } else if constexpr (std::is_same_v<Message, protocol::MemoryRefused>) {
          channel_->memory_refused(told.memory);
        } else if constexpr (std::is_same_v<Message, protocol::Stacks>) {
          stacks_->on_told(told);
        } else if constexpr (std::is_same_v<Message, protocol::Response>) {
          on_response(told);
        } else {
          on_failure(told);
        }
      },
      message);
}

void WorkerProcess::on_ready(const protocol::Ready& ready) {
  if (ready.version != protocol::kVersion) {
    return on_protocol_error(
        "it speaks another version; supervisor and worker must be of one installation");
  }
  if (state_ == WorkerState::kStopping) return;
  if (state_ != WorkerState::kStarting) return on_protocol_error("ready came twice");
  state_ = WorkerState::kReady;
  was_ready_ = true;
  lambda_type_ = clipped(ready.lambda_type, kMaxTypeName);
  timer_.stop();
  const auto now = std::chrono::steady_clock::now();
  log_.info("worker ready",
            {{"worker", number_},
             {"pid", pid()},
             {"lambda_type", ready.lambda_type},
             {"event_loop", ready.event_loop},
             {"start_ms", std::chrono::duration<double, std::milli>(now - started_).count()}});
  started_ = now;
  events_.on_worker_ready(*this);
}

void WorkerProcess::on_start_failed(const protocol::StartFailed& failed) {
  if (state_ == WorkerState::kStopping) return;
  if (state_ != WorkerState::kStarting) return on_protocol_error("start_failed came after ready");
  cause_ = GoneCause::kStartFailed;
  start_error_ = std::string(failed.text) + tight_limits_hint(settings_.limits, failed.text);
  start_traceback_ = clipped(failed.traceback, kMaxTraceback);
  failed_stage_ = failed.stage == "load" ? StartStage::kLoad : StartStage::kLater;
  log_.error("lambda does not start",
             {{"worker", number_}, {"stage", failed.stage}, {"text", start_error_}});
  for_each_line(failed.traceback, [this](std::string_view line) {
    log_.error("traceback", {{"worker", number_}, {"text", line}});
  });
  state_ = WorkerState::kStopping;
  after(settings_.pool.shutdown_timeout, [this] { kill(); });
}

// Null when it holds no such request, or streams its answer already.
RequestSlots::Slot* WorkerProcess::slot_to_answer(std::uint64_t id) {
  RequestSlots::Slot* const slot = slots_.find(id);
  if (slot != nullptr && slot->stream == nullptr) return slot;
  on_protocol_error("an answer to a request that it does not hold");
  return nullptr;
}

void WorkerProcess::on_response(const protocol::Response& response) {
  RequestSlots::Slot* const slot = slot_to_answer(response.id);
  if (slot == nullptr) return;
  if (response.body_in_memory == 0) {
    if (auto invocation = take_answered(*slot)) respond(std::move(invocation), response);
    return release(*slot);
  }
  std::unique_ptr<uv::Content> body;
  if (answer_memory_) body = answer_memory_->body(response.place, response.body_in_memory);
  if (body == nullptr) return on_protocol_error("a response whose body is not in its memory");
  if (auto invocation = take_answered(*slot)) {
    respond(std::move(invocation), response, std::move(body));
  }
  release(*slot);
}

void WorkerProcess::on_failure(const protocol::Failure& told) {
  RequestSlots::Slot* const slot = slot_to_answer(told.id);
  if (slot == nullptr) return;
  if (auto invocation = take_answered(*slot)) {
    Failure failure{told.status,
                    std::string(told.kind),
                    told.error_code,
                    std::string(told.desc),
                    std::string(told.detail),
                    {},
                    std::string(told.route)};
    for (const protocol::Field& field : told.headers)
      failure.headers.emplace_back(field.name, field.value);
    fail(std::move(invocation), failure);
  }
  release(*slot);
}

void WorkerProcess::on_stream_head(const protocol::StreamHead& head) {
  RequestSlots::Slot* slot = slots_.find(head.id);
  if (slot == nullptr || slot->stream != nullptr) {
    return on_protocol_error("a stream for a request that it does not hold");
  }
  slot->credit = protocol::kInitialCredit;
  slot->last_heard = std::chrono::steady_clock::now();
  if (slot->invocation == nullptr) return;
  const auto deadline = slot->invocation->received() + settings_.pool.request_timeout;
  slot->invocation->stored_body().returned();
  slot->stream = begin_stream(std::move(slot->invocation), slot->id, head);
  if (slot->stream == nullptr) cancel(*slot, "disconnect", deadline);
}

void WorkerProcess::on_stream_chunk(const protocol::StreamChunk& chunk) {
  RequestSlots::Slot* slot = slots_.find(chunk.id);
  if (slot == nullptr || chunk.bytes.size() > slot->credit) {
    return on_protocol_error("a piece of a stream that it may not send");
  }
  slot->credit -= chunk.bytes.size();
  slot->last_heard = std::chrono::steady_clock::now();
  if (slot->stream != nullptr) slot->stream->chunk(chunk.bytes);
}

void WorkerProcess::on_stream_end(const protocol::StreamEnd& end) {
  RequestSlots::Slot* slot = slots_.find(end.id);
  if (slot == nullptr || slot->invocation != nullptr) {
    return on_protocol_error("the end of a stream that it has not begun");
  }
  if (auto stream = std::move(slot->stream); stream != nullptr && end.error.empty()) {
    finish(std::move(stream));
  }
  release(*slot);
}

void WorkerProcess::release(RequestSlots::Slot& slot) {
  proved_itself_ = true;
  ++served_;
  slots_.release(slot);
  stop_when_retired();
  events_.on_worker_free(*this);
}

bool WorkerProcess::give_credit(std::uint64_t stream, std::size_t bytes) {
  RequestSlots::Slot* slot = slots_.find(stream);
  if (slot == nullptr || slot->stream == nullptr) return false;
  slot->credit += bytes;
  slot->last_heard = std::chrono::steady_clock::now();
  channel_->send(protocol::Credit{stream, bytes});
  return true;
}

void WorkerProcess::on_protocol_error(std::string_view what) {
  log_.error("worker broke the protocol and is killed",
             {{"worker", number_}, {"pid", pid()}, {"text", what}});
  channel_->close();
  channel_closed_ = true;
  cause_ = GoneCause::kProtocol;
  state_ = WorkerState::kStopping;
  process_->signal(SIGKILL);
  if (exited_) become_gone();
}

void WorkerProcess::on_channel_closed() {
  channel_closed_ = true;
  if (exited_) return become_gone();
  // It lives but can neither take nor answer requests any more. A worker that dies closes its
  // channel a moment before its exit is known, so its own end comes first.
  if (state_ != WorkerState::kStopping) {
    state_ = WorkerState::kStopping;
    after(kChannelGrace, [this] {
      log_.error("worker closed its channel and is killed", {{"worker", number_}, {"pid", pid()}});
      process_->signal(SIGKILL);
    });
  }
}

void WorkerProcess::on_start_timeout() {
  log_.error(
      "worker did not become ready in time and is killed; is onStart stuck?",
      {{"worker", number_}, {"pid", pid()}, {"limit_ms", settings_.pool.start_timeout.count()}});
  cause_ = GoneCause::kStartTimeout;
  state_ = WorkerState::kStopping;
  // An onStart that awaits something shows in its tasks only, one that blocks in the stacks that
  // SIGABRT makes it write.
  stacks_->take_tasks(kTasksLimit, [this](const std::optional<std::string>& tasks) {
    if (exited_) return;
    if (tasks) {
      log_lines("what a worker waits for that did not become ready", *tasks);
      if (const std::string place = place_in_tasks(*tasks, "onStart"); !place.empty()) {
        start_error_ = "worker was not ready within " +
                       std::to_string(settings_.pool.start_timeout.count()) +
                       " ms (pool.start_timeout); onStart waits at " + place;
      }
    }
    process_->signal(SIGABRT);
    after(kAbortGrace, [this] { process_->signal(SIGKILL); });
  });
}

void WorkerProcess::on_exited(std::int64_t status, int signal) {
  exited_ = true;
  exit_status_ = {status, signal};
  timer_.stop();
  stacks_->give_up();
  block_ended(std::chrono::steady_clock::now());
  // What the lambda started goes with it.
  process_->signal_group(SIGKILL);
  // An answer that was whole in the channel before the death is still an answer.
  if (!channel_closed_) channel_->drain();
  if (state_ == WorkerState::kGone) return;
  if (channel_closed_) return become_gone();
  after(kChannelGrace, [this] { become_gone(); });
}

void WorkerProcess::become_gone() {
  if (state_ == WorkerState::kGone) return;
  state_ = WorkerState::kGone;
  timer_.stop();
  channel_->close();
  stdout_->finish();
  stderr_->finish();

  const std::string report = crash_report_->take();
  out_of_memory_ = cause_ == GoneCause::kCrashed && exit_status_.signal == SIGKILL &&
                   events_.ran_out_of_memory();
  const std::string sentence = death_sentence(cause_, exit_status_, report, settings_.lambda_root,
                                              settings_.pool.start_timeout, out_of_memory_);
  end_text_ = sentence;
  WorkerDeath death = this->death(sentence, report);
  if (cause_ == GoneCause::kStopped) {
    // One that crashes instead has perhaps not saved what its onShutdown was for.
    const bool as_told = exit_status_.clean() || (killed_ && exit_status_.signal == SIGKILL);
    const std::string how = pid() == 0 ? "had not been forked yet" : exit_status_.to_string();
    log_.write(as_told ? LogLevel::kInfo : LogLevel::kWarning, "worker stopped",
               {{"worker", number_}, {"pid", pid()}, {"how", how}});
  } else {
    const std::string file = events_.crash_path(death);
    log_.error("worker died", {{"worker", number_},
                               {"pid", pid()},
                               {"cause", to_string(cause_)},
                               {"how", sentence},
                               {"requests", slots_.busy()},
                               {file.empty() ? "" : "crash_file", file}});
    for_each_line(report, [this](std::string_view line) {
      log_.error("traceback", {{"worker", number_}, {"text", line}});
    });
    for (const std::string& line : death.last_stderr) {
      log_.warning("stderr before the death", {{"worker", number_}, {"text", line}});
    }
    if (start_error_.empty() && !was_ready_) {
      start_error_ = sentence + tight_limits_hint(settings_.limits, sentence);
    }
  }

  Departure departure = depart(sentence, death);
  if (cause_ != GoneCause::kStopped) events_.on_worker_died(death);
  proved_itself_ =
      proved_itself_ || (was_ready_ && std::chrono::steady_clock::now() - started_ > kProvingTime);
  if (cause_ != GoneCause::kStopped && !start_error_.empty())
    events_.on_worker_start_failed(*this, failed_stage_, start_error_);
  events_.on_worker_gone(*this, std::move(departure));
}

WorkerDeath WorkerProcess::death(const std::string& sentence, const std::string& report) const {
  return {.worker = number_,
          .pid = pid(),
          .generation = generation(),
          .uptime = std::chrono::steady_clock::now() - made_,
          .served = served_,
          .was_ready = was_ready_,
          .cause = cause_,
          .exit_status = exit_status_,
          .out_of_memory = out_of_memory_,
          .sentence = start_error_.empty() ? sentence : start_error_,
          .traceback = report.empty() ? start_traceback_ : report,
          .last_stdout = stdout_->last_lines(),
          .last_stderr = stderr_->last_lines(),
          .memory = memory_};
}

// Answers what has had its chance, and collects what may run again.
Departure WorkerProcess::depart(const std::string& sentence, WorkerDeath& death) {
  Departure departure{cause_, {}, std::nullopt};
  const std::uint64_t culprit = find_culprit(*vitals_, cause_, exit_status_, out_of_memory_);
  const bool culprit_is_here = slots_.find(culprit) != nullptr;
  slots_.for_each_busy([&](RequestSlots::Slot& slot) {
    const bool is_culprit = slot.id == culprit;
    // Its client may have had its answer: the time limit passed, or a stream has begun.
    // A worker's CPU time is used up by all that it ran, not by the last of them.
    if (is_culprit && exit_status_.signal != SIGXCPU) {
      departure.culprit = slot.invocation ? fingerprint_of(*slot.invocation) : slot.fingerprint;
      if (slot.invocation) departure.culprit_id = slot.invocation->request_id();
    }
    // A stream is cut: its client has a part of it already.
    const bool was_stream = slot.stream != nullptr;
    slot.stream.reset();
    auto invocation = std::move(slot.invocation);
    const bool begun = vitals_->begun(RequestSlots::index(slot), slot.id);
    std::string& fate = note_request(death, slot, invocation.get(), begun, is_culprit);
    fate = was_stream ? "cut" : "answered before";
    if (invocation == nullptr) return;
    if (!took(slot.request_frame)) invocation->never_taken();
    if (!begun && invocation->attempts() < 2 && invocation->dispatches() < kMostDispatches) {
      fate = "sent to another worker";
      return departure.returned.push_back(std::move(invocation));
    }
    proved_itself_ = true;
    if (!is_culprit && cause_ != GoneCause::kStopped &&
        may_replay(*invocation, settings_.pool.replay)) {
      invocation->replay();
      fate = "run again";
      return departure.returned.push_back(std::move(invocation));
    }
    fate = "failed";
    // A call of our own that is known not to be the culprit may be made again.
    const bool again = is_own_call(invocation->connection()) && culprit_is_here && !is_culprit;
    fail(std::move(invocation),
         make_failure(again ? FailureKind::kNoWorker : FailureKind::kWorkerCrashed,
                      is_culprit || !culprit_is_here
                          ? sentence
                          : "another request ended the worker that ran this one: " + sentence));
  });
  return departure;
}

void WorkerProcess::cancel(RequestSlots::Slot& slot, std::string_view reason,
                           uv::TimePoint deadline) {
  channel_->send(protocol::Cancel{slot.id, reason});
  slot.cancel_frame = channel_->frames_sent();
  slot.kill_at = deadline + settings_.pool.cancel_grace;
  slot.spoil_at = reason == "timeout" ? slot.kill_at
                                      : std::chrono::steady_clock::now() +
                                            settings_.pool.cancel_grace * kGracesToNotice;
}

uv::TimePoint WorkerProcess::abandon(ConnectionId connection) {
  auto next = uv::TimePoint::max();
  slots_.for_each_busy([&](RequestSlots::Slot& slot) {
    // A loop that is blocked may be so for as long as any request may take, as if the client were
    // there.
    auto deadline = std::chrono::steady_clock::now() + settings_.pool.request_timeout;
    if (slot.invocation != nullptr && slot.invocation->connection() == connection) {
      deadline = slot.invocation->received() + settings_.pool.request_timeout;
      supervisor::abandon(std::move(slot.invocation));
    } else if (slot.stream != nullptr && slot.stream->connection() == connection) {
      supervisor::abandon(std::move(slot.stream));
    } else {
      return;
    }
    cancel(slot, "disconnect", deadline);
    next = std::min(slot.kill_at, slot.spoil_at);
  });
  return next;
}

void WorkerProcess::fail_all(const Failure& failure) {
  slots_.for_each_busy([&](RequestSlots::Slot& slot) {
    slot.stream.reset();
    if (slot.invocation != nullptr) fail(std::move(slot.invocation), failure);
  });
}

uv::TimePoint WorkerProcess::check_deadlines(uv::TimePoint now) {
  auto next = uv::TimePoint::max();
  bool stuck = false;
  bool spoiled = false;
  bool timed_out = false;
  slots_.for_each_busy([&](RequestSlots::Slot& slot) {
    if (slot.invocation != nullptr) {
      const auto deadline = slot.invocation->received() + settings_.pool.request_timeout;
      if (now < deadline) {
        next = std::min(next, deadline);
        return;
      }
      timed_out = true;
      log_.warning("request over its time limit (pool.request_timeout) is cancelled",
                   {{"worker", number_},
                    {"request_id", slot.invocation->request_id()},
                    {"limit_ms", settings_.pool.request_timeout.count()}});
      cancel(slot, "timeout", now);
      next = std::min(next, slot.kill_at);
      // Should it have to be killed with its worker, its body is no longer there to be looked at.
      slot.fingerprint = fingerprint_of(*slot.invocation);
      // A call of our own that never began, or that another request kept from going on, may be made
      // again.
      const bool again =
          is_own_call(slot.invocation->connection()) &&
          (!vitals_->begun(RequestSlots::index(slot), slot.id) || is_blocked_by_another(slot.id));
      fail(std::move(slot.invocation),
           make_failure(again ? FailureKind::kQueueTimeout : FailureKind::kWorkerTimeout,
                        "no answer within " +
                            std::to_string(settings_.pool.request_timeout.count()) + " ms"));
      return;
    }
    if (slot.stream != nullptr) {
      // While the client is what holds it up, its own time limit counts.
      const auto deadline = slot.last_heard + settings_.pool.request_timeout;
      if (slot.credit == 0 || now < deadline) {
        next = std::min(next, std::max(deadline, now + settings_.pool.request_timeout));
        return;
      }
      log_.warning("stream that stands still is cut (pool.request_timeout)",
                   {{"worker", number_}, {"limit_ms", settings_.pool.request_timeout.count()}});
      slot.stream.reset();
      cancel(slot, "timeout", now);
      next = std::min(next, slot.kill_at);
      timed_out = true;
      return;
    }
    if (slot.cancel_frame == 0) return;
    const bool heard = took(slot.cancel_frame);
    if (now < (heard ? slot.spoil_at : slot.kill_at)) {
      next = std::min(next,
                      heard ? slot.spoil_at
                            : std::min(slot.kill_at, std::max(slot.spoil_at, now + kStandstill)));
    } else if (heard) {
      spoiled = true;
    } else {
      stuck = true;
    }
  });
  if (timed_out && (state_ == WorkerState::kReady || state_ == WorkerState::kRetiring)) {
    stacks_->take_threads([this](const std::string& text) {
      log_lines("stacks of a worker whose request is over its time limit", text);
    });
  }
  if (stuck) {
    end_stuck_loop();
  } else if (spoiled && !spoiled_) {
    spoiled_ = true;
    log_.warning("a request ignores its cancellation, its worker is replaced",
                 {{"worker", number_}, {"pid", pid()}});
    if (state_ == WorkerState::kReady) events_.on_worker_spoiled(*this);
    stop_when_retired();
  }
  return next;
}

// Whether the loop has been in the code of another request for so long that this one could not go
// on.
bool WorkerProcess::is_blocked_by_another(std::uint64_t id) const {
  const std::uint64_t stepping = vitals_->stepping();
  return stepping != 0 && stepping != id &&
         std::chrono::steady_clock::now() - vitals_->stepping_since() > kStandstill;
}

// Whether the worker's loop has come to that frame.
bool WorkerProcess::took(std::uint64_t frame) const {
  return vitals_->frames_taken() + 1 >= frame;  // It does not count the start frame.
}

std::optional<WorkerProcess::Block> WorkerProcess::occupation(uv::TimePoint now) const {
  if (const std::uint64_t request = vitals_->stepping(); request != 0) {
    // A lambda can write there, too.
    return Block{request, std::clamp(vitals_->stepping_since(), started_, now)};
  }
  stands_still();  // Notes the progress.
  if (progressed_ == uv::TimePoint{}) return std::nullopt;
  return Block{0, progressed_};
}

bool WorkerProcess::watch_loop(uv::TimePoint now) {
  const bool serving = state_ == WorkerState::kReady || state_ == WorkerState::kRetiring;
  if (exited_ || !serving) return state_ == WorkerState::kStarting && slots_.busy() > 0;
  const auto current = occupation(now);
  if (block_ && current != block_) block_ended(now);
  if (!block_ && current && now - current->since > settings_.block_warning) warn_of_block(*current);
  return current || slots_.busy() > 0;
}

void WorkerProcess::warn_of_block(const Block& block) {
  block_ = block;
  events_.on_worker_blocked();
  std::string request = block.request == 0 ? "none" : "answered";
  const RequestSlots::Slot* slot = slots_.find(block.request);
  if (slot != nullptr && slot->invocation != nullptr) request = slot->invocation->request_id();
  stacks_->take_threads([this, block, request](const std::string& stacks) {
    const auto blocked = std::chrono::steady_clock::now() - block.since;
    std::string place = crash_place(stacks, settings_.lambda_root);
    if (place.empty()) {
      place = stacks.empty() ? "unknown, the process is stopped or tells no stacks" : "unknown";
    }
    log_.warning("event loop is blocked",
                 {{"worker", number_},
                  {"pid", pid()},
                  {"request_id", request},
                  {"blocked_ms", std::chrono::duration_cast<Milliseconds>(blocked).count()},
                  {"place", place}});
    // It may not be the loop's thread that holds everything up.
    if (block.request == 0) log_lines("stacks of a worker whose event loop is blocked", stacks);
  });
}

void WorkerProcess::block_ended(uv::TimePoint now) {
  if (!block_) return;
  const auto blocked = now - block_->since;
  block_.reset();
  events_.on_worker_unblocked(blocked);
  if (exited_) return;
  log_.info("event loop goes on",
            {{"worker", number_},
             {"pid", pid()},
             {"blocked_ms", std::chrono::duration_cast<Milliseconds>(blocked).count()}});
}

void WorkerProcess::end_stuck_loop() {
  // One that was told to stop, but cannot hear it, is not waited for either.
  if (aborting_ || exited_ || (state_ == WorkerState::kStopping && cause_ != GoneCause::kStopped)) {
    return;
  }
  aborting_ = true;
  log_.error("worker's event loop is blocked, it is killed", {{"worker", number_}, {"pid", pid()}});
  cause_ = GoneCause::kHung;
  state_ = WorkerState::kStopping;
  process_->signal(SIGABRT);
  after(kAbortGrace, [this] { process_->signal(SIGKILL); });
}

void WorkerProcess::log_lines(std::string_view message, std::string_view text) {
  for_each_line(text, [&](std::string_view line) {
    log_.warning(message, {{"worker", number_}, {"text", line}});
  });
}

void WorkerProcess::set_log_level(std::string_view level) {
  channel_->send(protocol::SetLogLevel{level});
}

void WorkerProcess::take_stacks(Milliseconds limit, std::function<void(WorkerStacks)> done) {
  stacks_->take(limit, [this, done = std::move(done)](WorkerStacks stacks) {
    stacks.worker = number_;
    stacks.pid = pid();
    done(std::move(stacks));
  });
}

void WorkerProcess::log_output(std::string_view stream, std::string_view text) {
  log_.info(stream, {{"worker", number_}, {"pid", pid()}, {"text", text}});
}

}  // namespace lambdapool::supervisor
