#include "supervisor/tasks/runner.h"

#include <algorithm>
#include <utility>

#include "protocol/codec.h"
#include "supervisor/tasks/json_text.h"

namespace lambdapool::supervisor {
namespace {

// How long to wait before looking again for a worker with room; it doubles up to the longest.
constexpr Milliseconds kShortPause{1};
constexpr Milliseconds kLongPause{50};

// No client can send this method, so no client can make such a call.
constexpr std::string_view kMethod = "TASK";

std::string fields_of(const TaskOrder& order, bool is_split) {
  return protocol::encode_request_fields(protocol::Request{
      .method = kMethod,
      .path = is_split ? "split" : "execute",
      .query = {},
      .headers = {},
      .peer = {},
      .request_id = order.request_id,
      .body = {},
  });
}

}  // namespace

Runner::Runner(uv::Loop& loop, Log& log, TaskWorkers& workers, std::size_t per_worker,
               RunnerEvents& events)
    : loop_(loop),
      log_(log),
      workers_(workers),
      per_worker_(per_worker),
      events_(events),
      turn_(loop, [this] { turn(); }) {}

void Runner::add(TaskKey key, std::unique_ptr<TaskRun> run) {
  runs_.emplace(key, std::move(run));
  wake();
}

TaskRun* Runner::find(TaskKey key) {
  const auto found = runs_.find(key);
  return found == runs_.end() ? nullptr : found->second.get();
}

std::unique_ptr<TaskRun> Runner::cancel(TaskKey key) {
  const auto found = runs_.find(key);
  if (found == runs_.end()) return nullptr;
  auto run = std::move(found->second);
  runs_.erase(found);
  std::erase_if(crashes_, [key](const Crash& crash) { return crash.call.key == key; });
  std::vector<std::uint64_t> calls;
  for (const auto& [id, call] : calls_) {
    if (call.key == key) calls.push_back(id);
  }
  for (const std::uint64_t id : calls) {
    take_call(ConnectionId{id});
    workers_.abandon(ConnectionId{id});
  }
  wake();
  return run;
}

void Runner::wake() { turn_.start(Milliseconds{0}); }

void Runner::hold(std::function<bool(TaskKey)> kept) {
  held_ = std::move(kept);
  wake();
}

bool Runner::is_quiet(const std::function<bool(TaskKey)>& which) const {
  return std::ranges::none_of(calls_, [&](const auto& call) { return which(call.second.key); }) &&
         std::ranges::none_of(crashes_,
                              [&](const Crash& crash) { return which(crash.call.key); }) &&
         std::ranges::none_of(runs_, [&](const auto& run) {
           return which(run.first) && run.second->ledger().has_unkept();
         });
}

std::optional<Runner::Call> Runner::take_call(ConnectionId connection) {
  const auto found = calls_.find(static_cast<std::uint64_t>(connection));
  if (found == calls_.end()) return std::nullopt;
  Call call = std::move(found->second);
  calls_.erase(found);
  if (call.alone) --alone_;
  return call;
}

void Runner::on_response(ConnectionId connection, const protocol::Response& response,
                         const Passage&) {
  const auto found = calls_.find(static_cast<std::uint64_t>(connection));
  if (found == calls_.end()) return;
  Call& call = found->second;
  const TaskRun* run = find(call.key);
  if (run == nullptr) return;
  const std::uint32_t most = run->max_sub_tasks();
  if (response.body.size() <= kLongText) {
    return read(connection, read_answer(call.part.is_split, response.body, most));
  }
  call.reading = uv::Work::start(
      loop_,
      [is_split = call.part.is_split, text = std::string(response.body), most] {
        return read_answer(is_split, text, most);
      },
      [this, connection](PartAnswer answer) { read(connection, std::move(answer)); });
  wake();
}

void Runner::read(ConnectionId connection, PartAnswer answer) {
  const auto call = take_call(connection);
  if (!call) return;
  if (TaskRun* run = find(call->key)) run->answered(call->part, std::move(answer));
  wake();
}

void Runner::on_failure(ConnectionId connection, const Failure& failure, const Passage& passage) {
  auto call = take_call(connection);
  if (!call) return;
  TaskRun* run = find(call->key);
  if (run == nullptr) return;
  switch (verdict_on(failure)) {
    case Verdict::kNeverRan:
      run->put_back(std::move(call->part));
      pause_ = kLongPause;
      turn_.start(pause_);
      return;
    case Verdict::kCrashed:
      // The others that ran there are told in the same turn of the loop.
      crashes_.push_back({passage.worker, std::move(*call), failure});
      break;
    case Verdict::kOwn:
      run->failed(call->part, failure);
      break;
  }
  wake();
}

bool Runner::on_stream_head(ConnectionId connection, std::uint64_t, const protocol::StreamHead&,
                            const Passage& passage) {
  on_failure(connection,
             make_failure(FailureKind::kBadResponse, "a part of a task cannot be streamed"),
             passage);
  return false;
}

void Runner::turn() {
  judge_crashes();
  take_out_what_is_over();
  if (fill()) {
    turn_.start(pause_);
    pause_ = std::clamp(pause_ * 2, kShortPause, kLongPause);
  }
  events_.on_runner_settled();
}

void Runner::judge_crashes() {
  auto crashes = std::exchange(crashes_, {});
  if (crashes.size() > 1) {
    log_.info("parts of tasks whose worker died run again, those of one worker one by one",
              {{"parts", crashes.size()}});
  }
  for (Crash& crash : crashes) {
    TaskRun* run = find(crash.call.key);
    if (run == nullptr) continue;
    const auto together = std::ranges::count(crashes, crash.worker, &Crash::worker);
    if (together == 1) {
      run->failed(crash.call.part, crash.failure);
    } else {
      run->suspect(std::move(crash.call.part));
    }
  }
}

void Runner::take_out_what_is_over() {
  for (auto each = runs_.begin(); each != runs_.end();) {
    if (!each->second->is_over() || each->second->ledger().has_unkept()) {
      ++each;
      continue;
    }
    const TaskKey key = each->first;
    auto run = std::move(each->second);
    each = runs_.erase(each);
    // A run that ends before all its parts have: those that are left are of no use.
    std::vector<std::uint64_t> left;
    for (const auto& [id, call] : calls_) {
      if (call.key == key) left.push_back(id);
    }
    for (const std::uint64_t id : left) {
      take_call(ConnectionId{id});
      workers_.abandon(ConnectionId{id});
    }
    events_.on_run_over(key, std::move(run));
    each = runs_.upper_bound(key);
  }
}

// The run whose turn it is among those.
TaskRun* Runner::next_run(const std::function<bool(TaskRun&)>& which) {
  const auto after = runs_.upper_bound(last_served_);
  const auto fits = [&](auto& each) { return !is_held(each.first) && which(*each.second); };
  auto found = std::find_if(after, runs_.end(), fits);
  if (found == runs_.end()) {
    found = std::find_if(runs_.begin(), after, fits);
    if (found == after) return nullptr;
  }
  last_served_ = found->first;
  return found->second.get();
}

bool Runner::fill() {
  for (;;) {
    TaskRun* run = next_run([](TaskRun& each) { return each.has_suspect(); });
    const bool alone = run != nullptr;
    // While one of those runs, nothing else begins.
    if (!alone && alone_ > 0) return false;
    if (!alone) run = next_run([](TaskRun& each) { return each.has_part(); });
    if (run == nullptr) return false;
    if (!offer(last_served_, *run, alone)) return true;
    pause_ = kShortPause;
  }
}

bool Runner::offer(TaskKey key, TaskRun& run, bool alone) {
  return workers_.offer(alone ? 1 : per_worker_, [&] {
    const std::uint64_t id = kOwnCall | ++last_call_;
    Call& call = calls_[id];
    call = {key, alone ? run.next_suspect() : run.next_part(), alone, nullptr};
    if (alone) ++alone_;
    return std::make_unique<Invocation>(
        static_cast<AnswerSink&>(*this), ConnectionId{id}, run.order().request_id,
        fields_of(run.order(), call.part.is_split), run.body_of(call.part));
  });
}

}  // namespace lambdapool::supervisor
