#include "supervisor/tasks/task_service.h"

#include <algorithm>

#include "supervisor/tasks/json_text.h"
#include "supervisor/tasks/memory_ledger.h"

namespace lambdapool::supervisor {
namespace {

constexpr Milliseconds kAgain{1'000};
constexpr Milliseconds kPurgeEvery{3'600'000};
// The outcomes in one answer of GET /tasks/{id}; what follows is asked for with ?from=.
constexpr std::size_t kMostAnswerBytes = std::size_t{32} << 20;
constexpr std::uint32_t kMostOutcomes = 10'000'000;
constexpr std::uint32_t kMostPageSize = 100;

bool is_stored(TaskKey key) { return key > 0; }

Failure to_failure(const StoreError& error) {
  return make_failure(error.kind == StoreError::Kind::kFull ? FailureKind::kStorageFull
                                                            : FailureKind::kStorageFailed,
                      error.text);
}

void fail_on(std::string_view route, std::unique_ptr<Invocation> invocation, Failure failure) {
  failure.route = route;
  fail(std::move(invocation), failure);
}

void respond_json(std::string_view route, std::unique_ptr<Invocation> invocation,
                  std::uint32_t status, std::string_view body, std::string_view location = {}) {
  protocol::Response response{.status = status, .headers = {}, .body = body, .route = route};
  if (!body.empty()) response.headers.push_back({"Content-Type", "application/json"});
  if (!location.empty()) response.headers.push_back({"Location", location});
  respond(std::move(invocation), response);
}

constexpr std::string_view kMainRoute = "/main";
constexpr std::string_view kTasksRoute = "/tasks";
constexpr std::string_view kTaskRoute = "/tasks/{id}";

Failure not_allowed(std::string_view allowed) {
  Failure failure = make_failure(FailureKind::kMethodNotAllowed, "Method not allowed");
  failure.headers.emplace_back("Allow", allowed);
  return failure;
}

Failure no_task(TaskKey task) {
  return make_failure(FailureKind::kTaskNotFound,
                      "Task with id '" + std::to_string(task) + "' not found");
}

// The whole of GET /tasks/{id}; empty when there is no such task.
StoreResult<std::string> task_text(Database& database, TaskKey task, std::uint32_t from,
                                   std::uint32_t count) {
  auto record = database.find(task);
  if (!record) return std::unexpected(record.error());
  const auto& found = *record;
  if (!found) return std::string();
  auto outcomes = database.outcomes(task, from, count, kMostAnswerBytes);
  if (!outcomes) return std::unexpected(outcomes.error());
  std::string text = "{";
  append_json(text, *found);
  std::size_t bytes = 0;
  for (const bool failed : {false, true}) {
    text.append(failed ? ",\"errors\":[" : ",\"results\":[");
    bool first = true;
    for (const Outcome& outcome : *outcomes) {
      bytes += failed ? 0 : outcome.bytes();
      if (outcome.failed() != failed) continue;
      if (!first) text += ',';
      first = false;
      append_json(text, outcome);
    }
    text += ']';
  }
  const auto total = found->progress.total.value_or(0);
  const bool cut = outcomes->size() == count || bytes >= kMostAnswerBytes;
  const std::uint32_t next = outcomes->empty() ? from : outcomes->back().number + 1;
  text.append(",\"next\":").append(cut && next < total ? std::to_string(next) : "null");
  return text + "}";
}

}  // namespace

TaskService::TaskService(uv::Loop& loop, Log& log, const TasksConfig& config, TaskWorkers& workers,
                         std::string database,
                         std::move_only_function<void(std::expected<void, std::string>)> opened)
    : loop_(loop),
      log_(log),
      config_(config),
      opened_(std::move(opened)),
      runner_(loop, log, workers, config.concurrency, *this),
      pump_again_(loop, [this] { pump(); }),
      purge_timer_(loop, [this] { purge(); }),
      store_(loop, std::move(database),
             [this](StoreResult<void> result) { on_opened(std::move(result)); }) {}

void TaskService::on_opened(StoreResult<void> result) {
  if (!result) return opened_(std::unexpected(result.error().text));
  purge();
  store_.read([](Database& database) { return database.unfinished(); },
              [this](StoreResult<std::vector<TaskKey>> found) {
                if (!found) return opened_(std::unexpected(found.error().text));
                if (!found->empty()) log_.info("tasks go on", {{"tasks", found->size()}});
                waiting_.insert(waiting_.begin(), found->begin(), found->end());
                opened_({});
                pump();
              });
}

void TaskService::call(const HostCall& call, std::unique_ptr<Invocation> invocation) {
  const auto path = parse_task_path(call.path).value_or(TaskPath{});
  const std::string_view method = call.method;
  switch (path.route) {
    case TaskRoute::kMain:
      if (method == "POST") return run_main(call, std::move(invocation));
      return fail_on(kMainRoute, std::move(invocation), not_allowed("POST"));
    case TaskRoute::kTasks:
      if (method == "POST") return add_task(call, std::move(invocation));
      if (method == "GET") return list_tasks(call.query, std::move(invocation));
      return fail_on(kTasksRoute, std::move(invocation), not_allowed("GET, POST"));
    case TaskRoute::kTask:
      if (method == "GET") return show_task(path.task, call.query, std::move(invocation));
      if (method == "DELETE") return delete_task(path.task, std::move(invocation));
      return fail_on(kTaskRoute, std::move(invocation), not_allowed("GET, DELETE"));
    case TaskRoute::kUnknown:
      return fail(std::move(invocation), make_failure(FailureKind::kNotFound, "Page not found"));
  }
}

std::unique_ptr<uv::Work> TaskService::read(const HostCall& call, const Invocation& invocation,
                                            TaskIdMember task_id,
                                            std::move_only_function<void(Order)> then) {
  if (invocation.body().size() <= kLongText) {
    then(read_order(invocation.body(), call.account_id, invocation.request_id(), task_id));
    return nullptr;
  }
  return uv::Work::start(
      loop_,
      [body = std::string(invocation.body()), account_id = call.account_id,
       request_id = invocation.request_id(),
       task_id] { return read_order(body, account_id, request_id, task_id); },
      std::move(then));
}

void TaskService::run_main(const HostCall& call, std::unique_ptr<Invocation> invocation) {
  const auto connection = static_cast<std::uint64_t>(invocation->connection());
  const Invocation& to_read = *invocation;
  main_.insert_or_assign(connection, Main{0, std::move(invocation)});
  auto reading = read(call, to_read, TaskIdMember::kRequired,
                      [this, connection](Order order) { run_main(connection, std::move(order)); });
  if (reading) main_.at(connection).reading = std::move(reading);
}

void TaskService::run_main(std::uint64_t connection, Order order) {
  const auto found = main_.find(connection);
  if (!order) {
    auto invocation = std::move(found->second.invocation);
    main_.erase(found);
    return fail_on(kMainRoute, std::move(invocation), order.error());
  }
  const TaskKey key = --last_main_;
  found->second.key = key;
  found->second.reading.reset();
  runner_.add(key, std::make_unique<TaskRun>(*std::move(order),
                                             std::make_unique<MemoryLedger>(config_.max_results),
                                             config_.max_subtasks));
}

void TaskService::abandon(ConnectionId connection) {
  const auto found = main_.find(static_cast<std::uint64_t>(connection));
  if (found == main_.end()) return;
  const TaskKey key = found->second.key;
  supervisor::abandon(std::move(found->second.invocation));
  main_.erase(found);
  ++ended_.cancelled;
  runner_.cancel(key);
}

TaskFigures TaskService::figures() const {
  TaskFigures figures = ended_;
  figures.waiting = waiting_.size();
  figures.running = active_.size() + main_.size();
  figures.limit = config_.queue_length;
  return figures;
}

void TaskService::add_task(const HostCall& call, std::unique_ptr<Invocation> invocation) {
  const std::uint64_t adding = ++last_adding_;
  const Invocation& to_read = *invocation;
  adding_[adding].invocation = std::move(invocation);
  auto reading = read(call, to_read, TaskIdMember::kOptional,
                      [this, adding](Order order) { add_task(adding, std::move(order)); });
  if (reading) adding_.at(adding).reading = std::move(reading);
}

void TaskService::add_task(std::uint64_t adding, Order order) {
  auto invocation = std::move(adding_.at(adding).invocation);
  adding_.erase(adding);
  if (!order) return fail_on(kTasksRoute, std::move(invocation), order.error());
  if (waiting_.size() + active_.size() >= config_.queue_length) {
    return fail_on(
        kTasksRoute, std::move(invocation),
        make_failure(FailureKind::kTooManyTasks, std::to_string(waiting_.size() + active_.size()) +
                                                     " tasks are unfinished (tasks.queue_length)"));
  }
  store_.write([order = *std::move(order)](Database& database) { return database.add(order); },
               [this, invocation = std::move(invocation)](StoreResult<TaskKey> added) mutable {
                 if (!added)
                   return fail_on(kTasksRoute, std::move(invocation), to_failure(added.error()));
                 const std::string id = std::to_string(*added);
                 respond_json(kTasksRoute, std::move(invocation), 202, "{\"id\":" + id + "}",
                              "/tasks/" + id);
                 waiting_.push_back(*added);
                 pump();
               });
}

void TaskService::show_task(TaskKey task, std::string_view query,
                            std::unique_ptr<Invocation> invocation) {
  const auto from = number_argument(query, "from", 0, kMostOutcomes, 0);
  const auto count = number_argument(query, "count", 0, kMostOutcomes, kMostOutcomes);
  if (!from || !count) {
    return fail_on(kTaskRoute, std::move(invocation),
                   make_failure(FailureKind::kBadQuery, from ? "'count'" : "'from'"));
  }
  store_.read([task, from = *from, count = *count](
                  Database& database) { return task_text(database, task, from, count); },
              [task, invocation = std::move(invocation)](StoreResult<std::string> text) mutable {
                if (!text)
                  return fail_on(kTaskRoute, std::move(invocation), to_failure(text.error()));
                if (text->empty()) return fail_on(kTaskRoute, std::move(invocation), no_task(task));
                respond_json(kTaskRoute, std::move(invocation), 200, *text);
              });
}

void TaskService::list_tasks(std::string_view query, std::unique_ptr<Invocation> invocation) {
  constexpr std::uint32_t kMostPage = 10'000'000;
  const auto page = number_argument(query, "page", 1, kMostPage, 1);
  const auto page_size = number_argument(query, "page_size", 1, kMostPageSize, 10);
  if (!page || !page_size) {
    return fail_on(kTasksRoute, std::move(invocation),
                   make_failure(FailureKind::kBadQuery, page ? "'page_size'" : "'page'"));
  }
  store_.read(
      [page = *page, size = *page_size](Database& database) -> StoreResult<std::string> {
        auto tasks = database.list((page - 1) * size, size);
        if (!tasks) return std::unexpected(tasks.error());
        auto total = database.count();
        if (!total) return std::unexpected(total.error());
        std::string text = "{\"total\":" + std::to_string(*total) +
                           ",\"page\":" + std::to_string(page) +
                           ",\"page_size\":" + std::to_string(size) + ",\"tasks\":[";
        for (const TaskRecord& task : *tasks) {
          if (!text.ends_with('[')) text += ',';
          text += '{';
          append_json(text, task);
          text += '}';
        }
        return text + "]}";
      },
      [invocation = std::move(invocation)](StoreResult<std::string> text) mutable {
        if (!text) return fail_on(kTasksRoute, std::move(invocation), to_failure(text.error()));
        respond_json(kTasksRoute, std::move(invocation), 200, *text);
      });
}

void TaskService::delete_task(TaskKey task, std::unique_ptr<Invocation> invocation) {
  store_.write(
      [task](Database& database) -> StoreResult<bool> {
        auto record = database.find(task);
        if (!record) return std::unexpected(record.error());
        const auto& found = *record;
        if (!found) return false;
        if (is_over(found->progress.state)) {
          if (auto removed = database.remove(task); !removed) {
            return std::unexpected(removed.error());
          }
        } else if (auto ended = database.end(task, TaskState::kCancelled, nullptr); !ended) {
          return std::unexpected(ended.error());
        }
        return true;
      },
      [this, task, invocation = std::move(invocation)](StoreResult<bool> found) mutable {
        if (!found) return fail_on(kTaskRoute, std::move(invocation), to_failure(found.error()));
        if (!*found) return fail_on(kTaskRoute, std::move(invocation), no_task(task));
        runner_.cancel(task);
        ended_.cancelled += active_.erase(task) + std::erase(waiting_, task);
        respond_json(kTaskRoute, std::move(invocation), 204, {});
        pump();
      });
}

void TaskService::pump() {
  while (!stopping_ && !waiting_.empty() && active_.size() < config_.at_once) {
    const TaskKey task = waiting_.front();
    waiting_.pop_front();
    active_.insert(task);
    store_.write([task](Database& database) { return database.start(task); },
                 [this, task](StoreResult<std::optional<StoredTask>> result) {
                   started(task, std::move(result));
                 });
  }
}

void TaskService::started(TaskKey task, StoreResult<std::optional<StoredTask>> result) {
  if (!active_.contains(task)) return;  // It was cancelled.
  if (!result) {
    log_.error("a task cannot be started; it is tried again every second",
               {{"task", task}, {"text", result.error().text}});
    active_.erase(task);
    waiting_.push_front(task);
    pump_again_.start(kAgain);
    return;
  }
  auto& found = *result;
  if (!found) {
    active_.erase(task);
    return pump();
  }
  StoredTask& stored = *found;
  TaskOrder order{stored.record.task_id, stored.record.account_id, stored.record.request_id,
                  std::move(stored.content)};
  log_.info("task is run", {{"task", task},
                            {"request_id", order.request_id},
                            {"done", stored.record.progress.done + stored.record.progress.failed}});
  auto ledger = std::make_unique<StoredLedger>(loop_, log_, store_, ledgers_, task,
                                               stored.record.progress, [this] { runner_.wake(); });
  runner_.add(task,
              std::make_unique<TaskRun>(std::move(order), std::move(ledger), config_.max_subtasks));
}

void TaskService::on_run_over(TaskKey key, std::unique_ptr<TaskRun> run) {
  ++(run->progress().state == TaskState::kFinished ? ended_.finished : ended_.failed);
  if (is_stored(key)) {
    const TaskProgress& progress = run->progress();
    log_.info("task is over", {{"task", key},
                               {"request_id", run->order().request_id},
                               {"state", to_string(progress.state)},
                               {"done", progress.done},
                               {"failed", progress.failed}});
    active_.erase(key);
    run.reset();
    purge();
    return pump();
  }
  const auto found =
      std::ranges::find_if(main_, [key](const auto& main) { return main.second.key == key; });
  if (found == main_.end()) return;
  auto invocation = std::move(found->second.invocation);
  main_.erase(found);
  if (run->progress().state == TaskState::kFinished) {
    const auto& ledger = static_cast<const MemoryLedger&>(run->ledger());
    return respond_json(kMainRoute, std::move(invocation), 200,
                        ledger.answer(run->order().task_id));
  }
  if (run->failure()) return fail_on(kMainRoute, std::move(invocation), *run->failure());
  const std::string detail = run->ledger().error() ? run->ledger().error()->detail : "";
  fail_on(kMainRoute, std::move(invocation), make_failure(FailureKind::kBadResponse, detail));
}

void TaskService::purge() {
  store_.write([retention = Retention{config_.keep.count(), config_.keep_count}](
                   Database& database) { return database.purge(retention); },
               [this](StoreResult<void> result) {
                 if (!result) log_.warning("old tasks stay", {{"text", result.error().text}});
               });
  if (!stopping_) purge_timer_.start(kPurgeEvery);
}

void TaskService::stop(std::function<void()> quiet) {
  stopping_ = true;
  quiet_ = std::move(quiet);
  pump_again_.stop();
  purge_timer_.stop();
  runner_.hold(is_stored);
}

void TaskService::on_runner_settled() {
  if (quiet_ && runner_.is_quiet(is_stored)) std::exchange(quiet_, nullptr)();
}

}  // namespace lambdapool::supervisor
