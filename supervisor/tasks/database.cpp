#include "supervisor/tasks/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lambdapool::supervisor {
namespace {

// Of this file's kind, in its head: "lpTK".
constexpr int kApplicationId = 0x6c70544b;
constexpr int kSchemaVersion = 1;

constexpr const char* kSchema = R"(
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task_id TEXT, account_id TEXT NOT NULL, request_id TEXT NOT NULL,
  content TEXT,
  state INTEGER NOT NULL DEFAULT 0, total INTEGER,
  done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
  error_code INTEGER, error_desc TEXT, error_detail TEXT,
  created INTEGER NOT NULL, started INTEGER, ended INTEGER);
CREATE INDEX tasks_by_end ON tasks (ended);
CREATE TABLE waiting (
  task INTEGER NOT NULL, number INTEGER NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (task, number));
CREATE TABLE outcomes (
  task INTEGER NOT NULL, number INTEGER NOT NULL,
  result TEXT, error_code INTEGER, error_desc TEXT, error_detail TEXT,
  PRIMARY KEY (task, number));
)";

constexpr std::string_view kRecordColumns =
    "SELECT id, task_id, account_id, request_id, state, total, done, failed, error_code, "
    "error_desc, error_detail, created, started, ended ";

}  // namespace

// One prepared statement. The first failure stays: what follows it does nothing.
class Database::Statement {
 public:
  Statement(const Database& database, std::string_view sql) : database_(database) {
    code_ = sqlite3_prepare_v2(database.handle_, sql.data(), static_cast<int>(sql.size()),
                               &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int index, std::int64_t value) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  // The text must live until the next step.
  Statement& bind(int index, std::string_view value) {
    if (code_ == SQLITE_OK) {
      code_ = sqlite3_bind_text64(statement_, index, value.data(), value.size(), SQLITE_STATIC,
                                  SQLITE_UTF8);
    }
    return *this;
  }

  // Whether there is a row.
  bool next() {
    if (code_ != SQLITE_OK) return false;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) code_ = code;
    return false;
  }
  // Runs it to its end and makes it ready for other values.
  StoreResult<void> finish() {
    while (next()) {
    }
    const auto told = result();
    if (code_ == SQLITE_OK) code_ = sqlite3_reset(statement_);
    return told;
  }
  StoreResult<void> result() const {
    if (code_ == SQLITE_OK) return {};
    return std::unexpected(database_.error(code_));
  }

  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  std::uint32_t small(int column) const { return static_cast<std::uint32_t>(number(column)); }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  const Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

StoreError Database::error(int code) const {
  const std::string what = path_ + ": ";
  const std::string reason = sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {StoreError::Kind::kFull,
              what + "the disk is full; make room there, or put tasks.database elsewhere"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {StoreError::Kind::kInUse,
              what +
                  "another lambdapool uses this database; stop it, or give this one a file of "
                  "its own (tasks.database)"};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {StoreError::Kind::kUnusable,
              what + "this is no sound database (" + reason +
                  "); move it away, or name another file (tasks.database)"};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {StoreError::Kind::kUnusable,
              what + "cannot be opened for writing (" + reason +
                  "); lambdapool needs a file and a folder that it may write "
                  "(tasks.database)"};
    default:
      // What SQLite says of a quota and of a limit of the size of files.
      if (sqlite3_extended_errcode(handle_) == SQLITE_IOERR_WRITE) {
        return {StoreError::Kind::kFull,
                what +
                    "cannot be written, as on a disk that is full or over its quota; make room "
                    "there, or put tasks.database elsewhere"};
      }
      return {StoreError::Kind::kOther, what + reason};
  }
}

StoreResult<std::unique_ptr<Database>> Database::open(const std::string& path) {
  // SQLite gives its other files the permissions of this one.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return std::unexpected(StoreError{StoreError::Kind::kUnusable,
                                      path + ": " + std::strerror(errno) +
                                          "; lambdapool needs a file and a folder that it may "
                                          "write (tasks.database)"});
  }
  ::close(file);
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (code != SQLITE_OK) return std::unexpected(database->error(code));
  if (auto made = database->set_up(); !made) return std::unexpected(made.error());
  return database;
}

Database::~Database() { sqlite3_close_v2(handle_); }

StoreResult<void> Database::set_up() {
  // The lock is taken by the first read and kept; without it SQLite would also need shared memory.
  for (const char* setting : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA auto_vacuum=INCREMENTAL",
                              "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
                              "PRAGMA journal_size_limit=67108864", "PRAGMA cache_size=-8192"}) {
    if (auto set = run(setting); !set) return set;
  }
  if (auto begun = run("BEGIN EXCLUSIVE"); !begun) return begun;
  int application = 0;
  int version = 0;
  {
    Statement row(*this, "PRAGMA application_id");
    if (row.next()) application = static_cast<int>(row.number(0));
    Statement other(*this, "PRAGMA user_version");
    if (other.next()) version = static_cast<int>(other.number(0));
  }
  Statement tables(*this, "SELECT count(*) FROM sqlite_master");
  const bool is_new = tables.next() && tables.number(0) == 0;
  if (auto read = tables.finish(); !read) return read;
  if (is_new) {
    if (auto made = run(kSchema); !made) return made;
    const std::string marks = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                              ";PRAGMA user_version=" + std::to_string(kSchemaVersion);
    if (auto marked = run(marks.c_str()); !marked) return marked;
  } else if (application != kApplicationId || version != kSchemaVersion) {
    return std::unexpected(
        StoreError{StoreError::Kind::kUnusable,
                   path_ +
                       (application != kApplicationId ? ": this database is not lambdapool's"
                                                      : ": another version of lambdapool made this "
                                                        "database") +
                       "; move it away, or name another file (tasks.database)"});
  }
  return run("COMMIT");
}

StoreResult<void> Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return std::unexpected(error(code));
}

StoreResult<void> Database::begin() { return run("BEGIN IMMEDIATE"); }
StoreResult<void> Database::commit() { return run("COMMIT"); }
void Database::rollback() {
  // Some failures have rolled back already.
  if (sqlite3_get_autocommit(handle_) == 0) (void)run("ROLLBACK");
}

StoreResult<TaskKey> Database::add(const TaskOrder& order) {
  Statement insert(*this,
                   "INSERT INTO tasks (task_id, account_id, request_id, content, created) VALUES "
                   "(nullif(?1, ''), ?2, ?3, ?4, ?5)");
  insert.bind(1, order.task_id).bind(2, order.account_id).bind(3, order.request_id);
  insert.bind(4, order.content).bind(5, wall_time_now());
  if (auto added = insert.finish(); !added) return std::unexpected(added.error());
  return sqlite3_last_insert_rowid(handle_);
}

TaskRecord Database::record_in(Statement& row) {
  TaskRecord record;
  record.id = row.number(0);
  record.task_id = row.is_null(1) ? std::to_string(record.id) : row.text(1);
  record.account_id = row.text(2);
  record.request_id = row.text(3);
  record.progress.state = static_cast<TaskState>(row.number(4));
  if (!row.is_null(5)) record.progress.total = row.small(5);
  record.progress.done = row.small(6);
  record.progress.failed = row.small(7);
  if (!row.is_null(8)) record.error = TaskError{row.small(8), row.text(9), row.text(10)};
  record.created = row.number(11);
  if (!row.is_null(12)) record.started = row.number(12);
  if (!row.is_null(13)) record.ended = row.number(13);
  return record;
}

StoreResult<std::optional<TaskRecord>> Database::find(TaskKey task) {
  Statement select(*this, std::string(kRecordColumns) + "FROM tasks WHERE id = ?1");
  select.bind(1, task);
  std::optional<TaskRecord> found;
  if (select.next()) found = record_in(select);
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

StoreResult<TaskProgress> Database::progress(TaskKey task) {
  auto record = find(task);
  if (!record) return std::unexpected(record.error());
  const auto& found = *record;
  // A task that was removed is one that nobody wants any more.
  if (!found) return TaskProgress{TaskState::kCancelled, {}, 0, 0};
  return found->progress;
}

StoreResult<std::optional<StoredTask>> Database::start(TaskKey task) {
  auto record = find(task);
  if (!record) return std::unexpected(record.error());
  const auto& found = *record;
  if (!found || is_over(found->progress.state)) return std::nullopt;
  StoredTask stored{*found, {}};
  if (!stored.record.progress.total) {
    Statement update(*this,
                     "UPDATE tasks SET state = ?2, started = coalesce(started, ?3) WHERE id = ?1");
    update.bind(1, task).bind(2, static_cast<std::int64_t>(TaskState::kSplitting));
    update.bind(3, wall_time_now());
    if (auto done = update.finish(); !done) return std::unexpected(done.error());
    Statement select(*this, "SELECT content FROM tasks WHERE id = ?1");
    select.bind(1, task);
    if (select.next()) stored.content = select.text(0);
    if (auto read = select.result(); !read) return std::unexpected(read.error());
    stored.record.progress.state = TaskState::kSplitting;
  }
  return stored;
}

StoreResult<TaskProgress> Database::keep_split(TaskKey task,
                                               std::span<const std::string> contents) {
  Statement update(*this,
                   "UPDATE tasks SET content = NULL, total = ?2, state = ?3, ended = ?4 WHERE id = "
                   "?1 AND state = ?5");
  const bool empty = contents.empty();
  update.bind(1, task).bind(2, static_cast<std::int64_t>(contents.size()));
  update.bind(3, static_cast<std::int64_t>(empty ? TaskState::kFinished : TaskState::kRunning));
  if (empty) update.bind(4, wall_time_now());
  update.bind(5, static_cast<std::int64_t>(TaskState::kSplitting));
  if (auto done = update.finish(); !done) return std::unexpected(done.error());
  if (sqlite3_changes(handle_) == 1) {
    Statement insert(*this, "INSERT INTO waiting (task, number, content) VALUES (?1, ?2, ?3)");
    for (std::size_t number = 0; number < contents.size(); ++number) {
      insert.bind(1, task).bind(2, static_cast<std::int64_t>(number)).bind(3, contents[number]);
      if (auto done = insert.finish(); !done) return std::unexpected(done.error());
    }
  }
  return progress(task);
}

StoreResult<TaskProgress> Database::keep_outcomes(TaskKey task, std::span<const Outcome> outcomes) {
  Statement take(*this, "DELETE FROM waiting WHERE task = ?1 AND number = ?2");
  Statement result(*this, "INSERT INTO outcomes (task, number, result) VALUES (?1, ?2, ?3)");
  Statement failure(*this,
                    "INSERT INTO outcomes (task, number, error_code, error_desc, error_detail) "
                    "VALUES (?1, ?2, ?3, ?4, ?5)");
  std::int64_t done = 0;
  std::int64_t failed = 0;
  for (const Outcome& outcome : outcomes) {
    take.bind(1, task).bind(2, outcome.number);
    if (auto taken = take.finish(); !taken) return std::unexpected(taken.error());
    if (sqlite3_changes(handle_) == 0) continue;
    StoreResult<void> kept;
    if (const auto* error = std::get_if<TaskError>(&outcome.value)) {
      ++failed;
      failure.bind(1, task).bind(2, outcome.number).bind(3, error->error_code);
      failure.bind(4, error->desc).bind(5, error->detail);
      kept = failure.finish();
    } else {
      ++done;
      result.bind(1, task).bind(2, outcome.number).bind(3, std::get<std::string>(outcome.value));
      kept = result.finish();
    }
    if (!kept) return std::unexpected(kept.error());
  }
  Statement update(*this, "UPDATE tasks SET done = done + ?2, failed = failed + ?3 WHERE id = ?1");
  update.bind(1, task).bind(2, done).bind(3, failed);
  if (auto counted = update.finish(); !counted) return std::unexpected(counted.error());
  Statement finish(*this,
                   "UPDATE tasks SET state = ?2, ended = ?3 WHERE id = ?1 AND state = ?4 AND done "
                   "+ failed = total");
  finish.bind(1, task).bind(2, static_cast<std::int64_t>(TaskState::kFinished));
  finish.bind(3, wall_time_now()).bind(4, static_cast<std::int64_t>(TaskState::kRunning));
  if (auto finished = finish.finish(); !finished) return std::unexpected(finished.error());
  return progress(task);
}

StoreResult<TaskProgress> Database::end(TaskKey task, TaskState state, const TaskError* error) {
  Statement update(*this,
                   "UPDATE tasks SET state = ?2, ended = ?3, content = NULL, error_code = ?4, "
                   "error_desc = ?5, error_detail = ?6 WHERE id = ?1 AND state < ?7");
  update.bind(1, task).bind(2, static_cast<std::int64_t>(state)).bind(3, wall_time_now());
  if (error != nullptr) {
    update.bind(4, error->error_code).bind(5, error->desc).bind(6, error->detail);
  }
  update.bind(7, static_cast<std::int64_t>(TaskState::kFinished));
  if (auto done = update.finish(); !done) return std::unexpected(done.error());
  Statement drop(*this, "DELETE FROM waiting WHERE task = ?1");
  if (auto done = drop.bind(1, task).finish(); !done) return std::unexpected(done.error());
  return progress(task);
}

StoreResult<void> Database::remove(TaskKey task) {
  for (const std::string_view sql :
       {"DELETE FROM waiting WHERE task = ?1", "DELETE FROM outcomes WHERE task = ?1",
        "DELETE FROM tasks WHERE id = ?1"}) {
    Statement statement(*this, sql);
    if (auto done = statement.bind(1, task).finish(); !done) return done;
  }
  return run("PRAGMA incremental_vacuum");
}

StoreResult<void> Database::purge(Retention retention) {
  std::vector<TaskKey> old;
  {
    Statement select(
        *this,
        "SELECT id FROM tasks WHERE ended IS NOT NULL AND (ended < ?1 OR id IN (SELECT "
        "id FROM tasks WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT -1 "
        "OFFSET ?2))");
    select.bind(1, wall_time_now() - retention.milliseconds).bind(2, retention.count);
    while (select.next()) old.push_back(select.number(0));
    if (auto read = select.result(); !read) return read;
  }
  for (const TaskKey task : old) {
    if (auto removed = remove(task); !removed) return removed;
  }
  return {};
}

StoreResult<std::vector<TaskKey>> Database::unfinished() {
  Statement select(*this, "SELECT id FROM tasks WHERE ended IS NULL ORDER BY id");
  std::vector<TaskKey> found;
  while (select.next()) found.push_back(select.number(0));
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

StoreResult<std::vector<SubTask>> Database::waiting(TaskKey task, std::uint32_t from,
                                                    std::uint32_t count, std::size_t bytes) {
  Statement select(*this,
                   "SELECT number, content FROM waiting WHERE task = ?1 AND number >= ?2 ORDER BY "
                   "number LIMIT ?3");
  select.bind(1, task).bind(2, from).bind(3, count);
  std::vector<SubTask> found;
  std::size_t size = 0;
  while (size < bytes && select.next()) {
    found.push_back({select.small(0), select.text(1)});
    size += found.back().content.size();
  }
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

StoreResult<std::vector<Outcome>> Database::outcomes(TaskKey task, std::uint32_t from,
                                                     std::uint32_t count, std::size_t bytes) {
  Statement select(*this,
                   "SELECT number, result, error_code, error_desc, error_detail FROM outcomes "
                   "WHERE task = ?1 AND number >= ?2 ORDER BY number LIMIT ?3");
  select.bind(1, task).bind(2, from).bind(3, count);
  std::vector<Outcome> found;
  std::size_t size = 0;
  while (size < bytes && select.next()) {
    Outcome outcome{select.small(0), select.text(1)};
    if (!select.is_null(2)) {
      outcome.value = TaskError{select.small(2), select.text(3), select.text(4)};
    }
    size += outcome.bytes();
    found.push_back(std::move(outcome));
  }
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

StoreResult<std::vector<TaskRecord>> Database::list(std::uint32_t skip, std::uint32_t count) {
  Statement select(*this,
                   std::string(kRecordColumns) + "FROM tasks ORDER BY id DESC LIMIT ?1 OFFSET ?2");
  select.bind(1, count).bind(2, skip);
  std::vector<TaskRecord> found;
  while (select.next()) found.push_back(record_in(select));
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

StoreResult<std::int64_t> Database::count() {
  Statement select(*this, "SELECT count(*) FROM tasks");
  std::int64_t found = 0;
  if (select.next()) found = select.number(0);
  if (auto read = select.result(); !read) return std::unexpected(read.error());
  return found;
}

}  // namespace lambdapool::supervisor
