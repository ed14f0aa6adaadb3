// The tasks in one SQLite file. The only door to SQLite; it blocks, so only the store's thread uses
// it.
//
// Invariants: a sub-task is in `waiting` or in `outcomes`, never in both, so what has an outcome
// is not run again; the counts of a task are those of its outcomes, because both change in one
// transaction. Nobody else can open the file meanwhile. What a commit returned for survives a crash
// of the machine.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/tasks/order.h"
#include "supervisor/tasks/task_record.h"

struct sqlite3;

namespace lambdapool::supervisor {

struct StoreError {
  enum class Kind { kFull, kInUse, kUnusable, kOther };
  Kind kind = Kind::kOther;
  std::string text;  // For people; names the file and says what to do.
};

template <class Value>
using StoreResult = std::expected<Value, StoreError>;

// How long tasks that are over are kept.
struct Retention {
  std::int64_t milliseconds = 0;
  std::uint32_t count = 0;
};

// A task as it is taken up: new, or left by another run of the supervisor.
struct StoredTask {
  TaskRecord record;
  std::string content;  // Of a task that is not split yet.
};

class Database {
 public:
  // Makes the file where there is none, readable by its owner only.
  static StoreResult<std::unique_ptr<Database>> open(const std::string& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  StoreResult<void> begin();
  StoreResult<void> commit();
  void rollback();

  StoreResult<TaskKey> add(const TaskOrder& order);
  // Notes that the task is taken up. Nothing when it is not there or over.
  StoreResult<std::optional<StoredTask>> start(TaskKey task);
  // Nothing happens when the task is over.
  StoreResult<TaskProgress> keep_split(TaskKey task, std::span<const std::string> contents);
  // Outcomes of sub-tasks that do not wait are left out. The last one finishes the task.
  StoreResult<TaskProgress> keep_outcomes(TaskKey task, std::span<const Outcome> outcomes);
  // Ends it as failed or cancelled, unless it is over. Its sub-tasks wait no more.
  StoreResult<TaskProgress> end(TaskKey task, TaskState state, const TaskError* error);
  StoreResult<void> remove(TaskKey task);
  // Removes old tasks that are over.
  StoreResult<void> purge(Retention retention);

  StoreResult<std::vector<TaskKey>> unfinished();
  // Sub-tasks that wait, from that number on: at most `count`, and no more when they have `bytes`.
  StoreResult<std::vector<SubTask>> waiting(TaskKey task, std::uint32_t from, std::uint32_t count,
                                            std::size_t bytes);
  StoreResult<std::optional<TaskRecord>> find(TaskKey task);
  // As `waiting`.
  StoreResult<std::vector<Outcome>> outcomes(TaskKey task, std::uint32_t from, std::uint32_t count,
                                             std::size_t bytes);
  // The newest first.
  StoreResult<std::vector<TaskRecord>> list(std::uint32_t skip, std::uint32_t count);
  StoreResult<std::int64_t> count();

 private:
  class Statement;
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  StoreResult<void> run(const char* sql);
  StoreResult<void> set_up();
  StoreResult<TaskProgress> progress(TaskKey task);
  TaskRecord record_in(Statement& row);
  StoreError error(int code) const;

  std::string path_;
  sqlite3* handle_;
};

}  // namespace lambdapool::supervisor
