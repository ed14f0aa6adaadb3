#include "supervisor/tasks/stored_ledger.h"

namespace lambdapool::supervisor {
namespace {

// Sub-tasks are read ahead up to these; fewer than kFewReady and more are read.
constexpr std::uint32_t kReadAhead = 256;
constexpr std::size_t kReadAheadBytes = std::size_t{8} << 20;
constexpr std::size_t kFewReady = 64;
// Outcomes that wait for a slow or full disk.
constexpr std::size_t kMostUnkeptBytes = std::size_t{32} << 20;
constexpr Milliseconds kWriteAgain{1'000};

std::size_t bytes_of(const std::vector<Outcome>& outcomes) {
  std::size_t bytes = 0;
  for (const Outcome& outcome : outcomes) bytes += outcome.bytes();
  return bytes;
}

}  // namespace

StoredLedger::StoredLedger(uv::Loop& loop, Log& log, Store& store, LedgerIndex& index, TaskKey task,
                           TaskProgress progress, std::function<void()> changed)
    : log_(log),
      store_(store),
      index_(index),
      task_(task),
      changed_(std::move(changed)),
      progress_(progress),
      again_(loop, [this] {
        write();
        fetch();
      }) {
  index_[task_] = this;
}

StoredLedger::~StoredLedger() { index_.erase(task_); }

void StoredLedger::keep_split(std::vector<std::string> contents) { add(std::move(contents)); }

void StoredLedger::keep(Outcome outcome) {
  unkept_bytes_ += outcome.bytes();
  // Those that wait are written together.
  if (!unkept_.empty()) {
    if (auto* outcomes = std::get_if<std::vector<Outcome>>(&unkept_.back())) {
      outcomes->push_back(std::move(outcome));
      return;
    }
  }
  std::vector<Outcome> outcomes;
  outcomes.push_back(std::move(outcome));
  add(std::move(outcomes));
}

void StoredLedger::keep_failure(const TaskError& error) { add(error); }

void StoredLedger::add(Write write_later) {
  unkept_.push_back(std::move(write_later));
  write();
}

void StoredLedger::write() {
  if (writing_ || unkept_.empty()) return;
  writing_ = true;
  again_.stop();
  // The job may run after this ledger is gone; it is found again by its task. What is written must
  // be there when the job fails, so it goes with the job and comes back.
  struct Job final : StoreJob {
    Job(TaskKey key, LedgerIndex& ledgers, Write to_write)
        : StoreJob(true), task(key), index(ledgers), write(std::move(to_write)) {}
    StoreResult<void> run(Database& database) override {
      if (const auto* contents = std::get_if<Split>(&write)) {
        progress = database.keep_split(task, *contents);
      } else if (const auto* outcomes = std::get_if<std::vector<Outcome>>(&write)) {
        progress = database.keep_outcomes(task, *outcomes);
      } else {
        progress = database.end(task, TaskState::kFailed, &std::get<TaskError>(write));
      }
      if (!progress) return std::unexpected(progress.error());
      return {};
    }
    void finished() override {
      const auto found = index.find(task);
      if (found == index.end()) return;
      if (!result_) progress = std::unexpected(result_.error());
      found->second->written(std::move(write), std::move(progress));
    }
    TaskKey task;
    LedgerIndex& index;
    Write write;
    StoreResult<TaskProgress> progress = TaskProgress{};
  };
  Write next = std::move(unkept_.front());
  unkept_.pop_front();
  store_.submit(std::make_unique<Job>(task_, index_, std::move(next)));
}

void StoredLedger::written(Write written, StoreResult<TaskProgress> result) {
  writing_ = false;
  if (!result) {
    if (!failing_) {
      log_.error("a task cannot be stored; it is tried again every second",
                 {{"task", task_}, {"text", result.error().text}});
    }
    failing_ = true;
    unkept_.push_front(std::move(written));
    again_.start(kWriteAgain);
    return;
  }
  if (failing_) log_.info("a task is stored again", {{"task", task_}});
  failing_ = false;
  progress_ = *result;
  if (const auto* outcomes = std::get_if<std::vector<Outcome>>(&written)) {
    unkept_bytes_ -= bytes_of(*outcomes);
  } else if (const auto* error = std::get_if<TaskError>(&written)) {
    error_ = *error;
  }
  write();
  changed_();
}

bool StoredLedger::is_full() const { return failing_ || unkept_bytes_ >= kMostUnkeptBytes; }

bool StoredLedger::has_next() {
  if (progress_.state != TaskState::kRunning) return false;
  if (ready_.size() < kFewReady) fetch();
  return !ready_.empty();
}

SubTask StoredLedger::next() {
  SubTask next = std::move(ready_.front());
  ready_.pop_front();
  return next;
}

void StoredLedger::fetch() {
  if (fetching_ || all_fetched_ || again_.active() || progress_.state != TaskState::kRunning)
    return;
  fetching_ = true;
  store_.read(
      [task = task_, from = fetch_from_](Database& database) {
        return database.waiting(task, from, kReadAhead, kReadAheadBytes);
      },
      [task = task_, &index = index_](StoreResult<std::vector<SubTask>> found) {
        const auto ledger = index.find(task);
        if (ledger != index.end()) ledger->second->fetched(std::move(found));
      });
}

void StoredLedger::fetched(StoreResult<std::vector<SubTask>> found) {
  fetching_ = false;
  if (!found) {
    log_.error("a task cannot be read; it is tried again every second",
               {{"task", task_}, {"text", found.error().text}});
    if (!again_.active()) again_.start(kWriteAgain);
    return;
  }
  if (found->empty()) {
    all_fetched_ = true;
  } else {
    fetch_from_ = found->back().number + 1;
  }
  for (SubTask& each : *found) ready_.push_back(std::move(each));
  changed_();
}

}  // namespace lambdapool::supervisor
