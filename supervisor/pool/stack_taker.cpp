#include "supervisor/pool/stack_taker.h"

#include <algorithm>
#include <csignal>

#include "supervisor/lines.h"
#include "supervisor/pool/process_state.h"

namespace lambdapool::supervisor {
namespace {

// How long faulthandler may take to write the stacks it was asked for.
constexpr Milliseconds kThreadsDelay{100};
// A worker that reads nothing is not asked for ever.
constexpr std::size_t kMaxUnsent = std::size_t{1} << 20;
// More than a worker of ours tells.
constexpr std::size_t kMaxText = std::size_t{1} << 20;

}  // namespace

std::string place_in_tasks(std::string_view tasks, std::string_view task) {
  constexpr std::string_view kIndent = "  ";
  const std::string head = "task '" + std::string(task) + "'";
  bool in_task = false;
  std::string place;
  for_each_line(tasks, [&](std::string_view line) {
    if (!line.starts_with(kIndent)) {
      in_task = line.starts_with(head);
      return;
    }
    line.remove_prefix(kIndent.size());
    // Files of the lambda have names relative to its folder; what else has a line has a path.
    const auto file_end = line.find(':');
    const bool has_line = file_end != std::string_view::npos && file_end + 1 < line.size() &&
                          line[file_end + 1] >= '0' && line[file_end + 1] <= '9';
    if (in_task && has_line && !line.starts_with('/') && !line.starts_with('<')) place = line;
  });
  return place;
}

StackTaker::StackTaker(uv::Loop& loop, uv::ChildProcess& process, CrashReport& report,
                       WorkerChannel& channel)
    : process_(process),
      report_(report),
      channel_(channel),
      threads_timer_(loop, [this] { on_threads_written(); }),
      tasks_timer_(loop, [this] { on_time_over(); }) {}

void StackTaker::take_threads(Threads done) {
  const auto state = given_up_ ? std::nullopt : process_state(process_.pid());
  // One that is stopped would write when it goes on, when nobody waits any more.
  if (!state || state->stopped || !state->takes_stacks) return done({});
  waiting_for_threads_.push_back(std::move(done));
  if (threads_timer_.active()) return;
  process_.signal(SIGUSR2);
  threads_timer_.start(kThreadsDelay);
}

void StackTaker::on_threads_written() {
  const std::string text = report_.take_unless_crash();
  for (const Threads& done : std::exchange(waiting_for_threads_, {})) done(text);
}

void StackTaker::take_tasks(Milliseconds limit, Tasks done) {
  if (given_up_ || channel_.unsent() > kMaxUnsent) return done(std::nullopt);
  const std::uint64_t id = ++asked_;
  channel_.send(protocol::AskStacks{id});
  questions_.push_back({id, std::chrono::steady_clock::now() + limit, std::move(done)});
  wait_for_next();
}

void StackTaker::on_told(const protocol::Stacks& told) {
  const auto found = std::ranges::find(questions_, told.id, &Question::id);
  if (found == questions_.end()) return;
  const Tasks done = std::move(found->done);
  questions_.erase(found);
  done(std::string(told.text.substr(0, kMaxText)));
}

void StackTaker::on_time_over() {
  const auto now = std::chrono::steady_clock::now();
  std::list<Question> over;
  for (auto question = questions_.begin(); question != questions_.end();) {
    const auto next = std::next(question);
    if (question->deadline <= now) over.splice(over.end(), questions_, question);
    question = next;
  }
  wait_for_next();
  for (const Question& question : over) question.done(std::nullopt);
}

void StackTaker::wait_for_next() {
  if (questions_.empty()) return tasks_timer_.stop();
  const auto first = std::ranges::min(questions_, {}, &Question::deadline).deadline;
  const auto left = first - std::chrono::steady_clock::now();
  tasks_timer_.start(
      std::chrono::ceil<Milliseconds>(std::max(left, uv::TimePoint::duration::zero())));
}

void StackTaker::take(Milliseconds limit, Done done) {
  const auto state = given_up_ ? std::nullopt : process_state(process_.pid());
  if (!state) return done({.tasks = "the worker has ended"});
  if (state->stopped) {
    return done({.tasks = "the process is stopped; it goes on at `kill -CONT " +
                          std::to_string(process_.pid()) + "`"});
  }
  takings_.push_back({std::nullopt, std::nullopt, std::move(done)});
  const auto taking = std::prev(takings_.end());
  // The first call may be answered at once, but not both: the second completes it.
  take_threads([this, taking](const std::string& text) {
    taking->threads = text;
    finish_if_whole(taking);
  });
  take_tasks(std::max(limit, kThreadsDelay), [this, taking](std::optional<std::string> text) {
    taking->tasks = std::move(text).value_or(
        "its event loop does not answer: it is blocked, or does not run yet");
    finish_if_whole(taking);
  });
}

void StackTaker::finish_if_whole(std::list<Taking>::iterator taking) {
  auto& [threads, tasks, when_whole] = *taking;
  if (!threads || !tasks) return;
  WorkerStacks stacks{.threads = *std::move(threads), .tasks = *std::move(tasks)};
  const Done done = std::move(when_whole);
  takings_.erase(taking);
  done(std::move(stacks));
}

void StackTaker::give_up() {
  if (given_up_) return;
  given_up_ = true;
  threads_timer_.stop();
  tasks_timer_.stop();
  for (const Threads& done : std::exchange(waiting_for_threads_, {})) done({});
  for (const Question& question : std::exchange(questions_, {})) question.done(std::nullopt);
}

}  // namespace lambdapool::supervisor
