#include "supervisor/config/schema.h"

#include <algorithm>
#include <array>

#include "protocol/frame.h"
#include "protocol/vitals.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
constexpr std::uint64_t kTiB = std::uint64_t{1} << 40;
constexpr std::uint64_t kHour = 3'600'000;
constexpr std::uint64_t kDay = 24 * kHour;

// A head is copied into a frame beside its body, where there is room for one MiB of it, framing
// included.
constexpr std::uint64_t kMaxHead = 512 * kKiB;
constexpr std::uint64_t kMaxPath = 4096;
constexpr std::uint64_t kMaxName = 255;
constexpr std::uint64_t kMaxSocketPath = 107;

constexpr std::array kSections = {
    Section{"server", "The HTTP front."},
    Section{"lambda", "What is served."},
    Section{"pool", "The workers and the queue before them."},
    Section{"quarantine", "Requests that have killed workers."},
    Section{"worker", "A worker process, and what it may take."},
    Section{"luna",
            "Services of LUNA PLATFORM, for request.clients; one without an origin is disabled."},
    Section{"tasks", "Tasks lambdas: POST /main, and POST /tasks, whose tasks are kept on disk."},
    Section{"metrics", "What is counted, for Prometheus."},
    Section{"control", "The socket for `lambdapool status`, `reload` and the like."},
    Section{"admin", "The listener for health checks and metrics, answered without a worker."},
    Section{"crash", "Files that tell everything about each worker that died."},
    Section{"log", "The log: one line per record."},
};

// `lambdapool config` prints the documentation below as comments.
// clang-format off
constexpr std::array kKeys = {
    Key{"server.host", Kind::kText, "127.0.0.1", 1, kMaxName, "",
        "The address or host name to listen on; 0.0.0.0 or \"::\" for every interface.",
        [](Config& c) -> Member { return &c.server.host; }},
    Key{"server.port", Kind::kCount, "8000", 0, 65535, "",
        "The TCP port; 0 picks a free one. The line `listening on ...` says which.",
        [](Config& c) -> Member { return &c.server.port; }},
    Key{"server.max_body", Kind::kSize, "100MiB", 1, protocol::kMaxBodyBytes, "",
        "The largest request body; a larger one is answered 413. Never more than max_buffered.",
        [](Config& c) -> Member { return &c.server.max_body; }},
    Key{"server.max_buffered", Kind::kSize, "1GiB", 1, kTiB, "",
        "All bodies held at a time; a request that would pass it is answered 503.",
        [](Config& c) -> Member { return &c.server.max_buffered; }},
    Key{"server.max_head", Kind::kSize, "64KiB", kKiB, kMaxHead, "",
        "The request line and all header lines of one request; more is answered 431.",
        [](Config& c) -> Member { return &c.server.max_head; }},
    Key{"server.max_target", Kind::kSize, "16KiB", 256, kMaxHead, "",
        "The target (path and query) of one request; more is answered 414.",
        [](Config& c) -> Member { return &c.server.max_target; }},
    Key{"server.max_field", Kind::kSize, "16KiB", 256, kMaxHead, "",
        "One header line; more is answered 431.",
        [](Config& c) -> Member { return &c.server.max_field; }},
    Key{"server.max_fields", Kind::kCount, "100", 1, 10'000, "header lines",
        "How many header lines a request may have; more are answered 431.",
        [](Config& c) -> Member { return &c.server.max_fields; }},
    Key{"server.max_connections", Kind::kCount, "10000", 1, 1'000'000, "connections",
        "Clients connected at a time. The process needs a descriptor for each: see `ulimit -n`.",
        [](Config& c) -> Member { return &c.server.max_connections; }},
    Key{"server.header_timeout", Kind::kDuration, "10s", 1, kDay, "",
        "From the first byte of a request to the end of its head; then 408.",
        [](Config& c) -> Member { return &c.server.header_timeout; }},
    Key{"server.body_timeout", Kind::kDuration, "30s", 1, kDay, "",
        "The longest pause within a request's body; then 408.",
        [](Config& c) -> Member { return &c.server.body_timeout; }},
    Key{"server.idle_timeout", Kind::kDuration, "75s", 1, kDay, "",
        "How long a connection may stay open without a request.",
        [](Config& c) -> Member { return &c.server.idle_timeout; }},
    Key{"server.write_timeout", Kind::kDuration, "30s", 1, kDay, "",
        "How long a client may read nothing of its answer before its connection is closed.",
        [](Config& c) -> Member { return &c.server.write_timeout; }},

    Key{"lambda.path", Kind::kPath, "", 0, kMaxPath, "",
        "The lambda: a zip archive or a folder. The PATH of `lambdapool serve PATH` overrides it.",
        [](Config& c) -> Member { return &c.lambda.path; }},
    Key{"lambda.name", Kind::kText, "", 0, kMaxName, "",
        "Its name in logs and for its own code; if empty, the name of the archive or folder.",
        [](Config& c) -> Member { return &c.lambda.name; }},
    Key{"lambda.id", Kind::kText, "", 0, kMaxName, "",
        "Its identity; if empty, a UUID made from the name, the same at every start.",
        [](Config& c) -> Member { return &c.lambda.id; }},
    Key{"lambda.version", Kind::kText, "1", 1, kMaxName, "",
        "The value of the Lambda-Version header of every answer.",
        [](Config& c) -> Member { return &c.lambda.version; }},
    Key{"lambda.venv", Kind::kPath, "", 0, kMaxPath, "",
        "The folder of a Python virtual environment with the lambda's packages; empty for none.",
        [](Config& c) -> Member { return &c.lambda.venv; }},
    Key{"lambda.reload", Kind::kBool, "false", 0, 0, "",
        "For developing: a change of the lambda's files replaces the workers, as HUP does.",
        [](Config& c) -> Member { return &c.lambda.reload; }},
    Key{"lambda.unpack_dir", Kind::kPath, "", 0, kMaxPath, "",
        "Where archives are unpacked; if empty, the system's temporary folder.",
        [](Config& c) -> Member { return &c.lambda.unpack_dir; }},
    Key{"lambda.max_entries", Kind::kCount, "10000", 1, 1'000'000, "entries",
        "How many entries an archive may have.",
        [](Config& c) -> Member { return &c.lambda.max_entries; }},
    Key{"lambda.max_total", Kind::kSize, "256MiB", 1, kTiB, "",
        "All files of an archive, unpacked.",
        [](Config& c) -> Member { return &c.lambda.max_total; }},
    Key{"lambda.max_file", Kind::kSize, "64MiB", 1, kTiB, "",
        "One file of an archive, unpacked.",
        [](Config& c) -> Member { return &c.lambda.max_file; }},
    Key{"lambda.max_ratio", Kind::kCount, "200", 1, 1'000'000, "",
        "How many times its packed size a file may unpack to.",
        [](Config& c) -> Member { return &c.lambda.max_ratio; }},

    Key{"pool.workers", Kind::kCount, "1", 1, 1024, "processes",
        "Worker processes. A lambda's module variables are one per worker: raise it when they allow.",
        [](Config& c) -> Member { return &c.pool.workers; }},
    Key{"pool.concurrency", Kind::kCount, "64", 1, protocol::kMaxWindow, "requests",
        "Requests that one worker runs at a time.",
        [](Config& c) -> Member { return &c.pool.concurrency; }},
    Key{"pool.queue_length", Kind::kCount, "1024", 0, 1'000'000, "requests",
        "Requests that may wait for a worker; one more is answered 503.",
        [](Config& c) -> Member { return &c.pool.queue_length; }},
    Key{"pool.queue_timeout", Kind::kDuration, "5s", 1, kDay, "",
        "How long a request may wait for a worker; then 503.",
        [](Config& c) -> Member { return &c.pool.queue_timeout; }},
    Key{"pool.request_timeout", Kind::kDuration, "60s", 1, kDay, "",
        "How long a request may take, its time in the queue included; then 504.",
        [](Config& c) -> Member { return &c.pool.request_timeout; }},
    Key{"pool.cancel_grace", Kind::kDuration, "2s", 0, kHour, "",
        "How long a worker that is stuck may take to cancel a request before it is ended.",
        [](Config& c) -> Member { return &c.pool.cancel_grace; }},
    Key{"pool.start_timeout", Kind::kDuration, "60s", 1, kDay, "",
        "How long a worker may take to start, onStart included.",
        [](Config& c) -> Member { return &c.pool.start_timeout; }},
    Key{"pool.shutdown_timeout", Kind::kDuration, "10s", 0, kDay, "",
        "How long onShutdown may take when a worker stops; then it is killed.",
        [](Config& c) -> Member { return &c.pool.shutdown_timeout; }},
    Key{"pool.grace", Kind::kDuration, "30s", 0, kDay, "",
        "How long running requests may take to finish after SIGTERM.",
        [](Config& c) -> Member { return &c.pool.grace; }},
    Key{"pool.restart_backoff", Kind::kDuration, "100ms", 1, kHour, "",
        "The pause before a worker that keeps dying is started again; it doubles each time.",
        [](Config& c) -> Member { return &c.pool.restart_backoff; }},
    Key{"pool.restart_backoff_max", Kind::kDuration, "5s", 1, kHour, "",
        "The longest such pause.",
        [](Config& c) -> Member { return &c.pool.restart_backoff_max; }},
    Key{"pool.replay", Kind::kChoice, "safe", 0, 0, "",
        "Requests that are run again, once, when another one has killed their worker: safe ones are "
        "GET, HEAD and OPTIONS, idempotent ones also PUT and DELETE. The others are answered 500.",
        [](Config& c) -> Member { return &c.pool.replay; }},
    Key{"pool.standby", Kind::kCount, "0", 0, 64, "processes",
        "Workers beyond pool.workers that are started and wait; one that dies is replaced at once.",
        [](Config& c) -> Member { return &c.pool.standby; }},
    Key{"pool.max_requests", Kind::kCount, "off", 0, kTiB, "requests",
        "A worker that has had so many is replaced by a new one; up to a tenth fewer, so that not "
        "all are replaced together. No request is lost.",
        [](Config& c) -> Member { return &c.pool.max_requests; }},
    Key{"pool.max_lifetime", Kind::kDuration, "off", 0, 365 * kDay, "",
        "A worker that has been ready for so long is replaced; up to a tenth earlier.",
        [](Config& c) -> Member { return &c.pool.max_lifetime; }},
    Key{"pool.max_rss", Kind::kSize, "off", 0, kTiB, "",
        "A worker that uses so much memory (resident) is replaced; up to a tenth earlier.",
        [](Config& c) -> Member { return &c.pool.max_rss; }},

    Key{"quarantine.deaths", Kind::kCount, "3", 0, 1000, "workers",
        "A request that has killed so many (same method, target and body) is answered 500 at once; "
        "0 turns it off.",
        [](Config& c) -> Member { return &c.quarantine.deaths; }},
    Key{"quarantine.ttl", Kind::kDuration, "10m", 1, 30 * kDay, "",
        "For how long, counted from the last worker it killed.",
        [](Config& c) -> Member { return &c.quarantine.ttl; }},

    Key{"worker.event_loop", Kind::kChoice, "auto", 0, 0, "",
        "The asyncio event loop; auto is uvloop when it can be imported.",
        [](Config& c) -> Member { return &c.worker.event_loop; }},
    Key{"worker.memory_limit", Kind::kSize, "off", 0, kTiB, "",
        "The address space of a worker; what does not fit is a MemoryError in the lambda.",
        [](Config& c) -> Member { return &c.worker.memory_limit; }},
    Key{"worker.open_files", Kind::kCount, "off", 0, 1'000'000, "descriptors",
        "How many descriptors a worker may have open; off: as many as the supervisor.",
        [](Config& c) -> Member { return &c.worker.open_files; }},
    Key{"worker.cpu_limit", Kind::kDuration, "off", 0, 365 * kDay, "",
        "The CPU time of a worker, in whole seconds; then it is killed and replaced.",
        [](Config& c) -> Member { return &c.worker.cpu_limit; }},
    Key{"worker.processes", Kind::kCount, "off", 0, 1'000'000, "processes and threads",
        "How many its user may have when it starts one more. Root is not bound by it.",
        [](Config& c) -> Member { return &c.worker.processes; }},
    Key{"worker.core_size", Kind::kSize, "off", 0, kTiB, "",
        "The largest core file that a worker's crash leaves; off: none.",
        [](Config& c) -> Member { return &c.worker.core_size; }},
    Key{"worker.nice", Kind::kCount, "0", 0, 19, "",
        "By how much a worker yields the CPU to others, the supervisor included.",
        [](Config& c) -> Member { return &c.worker.nice; }},
    Key{"worker.user", Kind::kText, "", 0, kMaxName, "",
        "The user that workers run as; needs a supervisor that runs as root. If empty, the same.",
        [](Config& c) -> Member { return &c.worker.user; }},
    Key{"worker.group", Kind::kText, "", 0, kMaxName, "",
        "Their group; if empty, the user's.",
        [](Config& c) -> Member { return &c.worker.group; }},
    Key{"worker.no_new_privileges", Kind::kBool, "true", 0, 0, "",
        "Whether programs that a lambda starts gain nothing by their set-user-ID bits.",
        [](Config& c) -> Member { return &c.worker.no_new_privileges; }},

    Key{"luna.retries", Kind::kCount, "2", 0, 10, "",
        "How often a call is sent again whose connection failed before the service had it.",
        [](Config& c) -> Member { return &c.luna.retries; }},
    Key{"luna.pool_size", Kind::kCount, "100", 1, 10'000, "connections",
        "Connections that one worker has to all services together.",
        [](Config& c) -> Member { return &c.luna.pool_size; }},
    Key{"luna.max_answer", Kind::kSize, "64MiB", kKiB, kTiB, "",
        "The largest answer of a service; a larger one is an error of the call.",
        [](Config& c) -> Member { return &c.luna.max_answer; }},
    Key{"luna.poll_period", Kind::kDuration, "10s", 10, kDay, "",
        "How often luna-configurator is asked for its settings, when it is used.",
        [](Config& c) -> Member { return &c.luna.poll_period; }},
    Key{"luna.account_id", Kind::kText, "", 0, 36, "",
        "The Luna-Account-Id of calls for requests that have none; empty for none.",
        [](Config& c) -> Member { return &c.luna.account_id; }},

    Key{"tasks.database", Kind::kPath, "", 0, kMaxPath, "",
        "The SQLite file that keeps tasks; if empty, tasks.sqlite in systemd's state directory, or one "
        "named after the lambda's id in ~/.local/state/lambdapool.",
        [](Config& c) -> Member { return &c.tasks.database; }},
    Key{"tasks.concurrency", Kind::kCount, "16", 1, protocol::kMaxWindow, "sub-tasks",
        "Sub-tasks that one worker runs at a time; 1 when they compute instead of waiting.",
        [](Config& c) -> Member { return &c.tasks.concurrency; }},
    Key{"tasks.at_once", Kind::kCount, "4", 1, 1000, "tasks",
        "Tasks of POST /tasks that run at a time; the others wait for their turn.",
        [](Config& c) -> Member { return &c.tasks.at_once; }},
    Key{"tasks.queue_length", Kind::kCount, "10000", 1, 1'000'000, "tasks",
        "Tasks of POST /tasks that may be unfinished; one more is answered 503.",
        [](Config& c) -> Member { return &c.tasks.queue_length; }},
    Key{"tasks.max_subtasks", Kind::kCount, "100000", 1, 10'000'000, "sub-tasks",
        "How many sub-tasks a task may be split into.",
        [](Config& c) -> Member { return &c.tasks.max_subtasks; }},
    Key{"tasks.max_results", Kind::kSize, "256MiB", 1, kTiB, "",
        "All results of one task of POST /main, which are held in memory.",
        [](Config& c) -> Member { return &c.tasks.max_results; }},
    Key{"tasks.keep", Kind::kDuration, "168h", 1, 3650 * kDay, "",
        "How long a stored task is kept after its end.",
        [](Config& c) -> Member { return &c.tasks.keep; }},
    Key{"tasks.keep_count", Kind::kCount, "1000", 0, 10'000'000, "tasks",
        "How many stored tasks are kept after their end; the oldest go first.",
        [](Config& c) -> Member { return &c.tasks.keep_count; }},

    Key{"metrics.enabled", Kind::kBool, "true", 0, 0, "",
        "Whether GET /metrics and GET /lambda_metrics answer; false makes them 404.",
        [](Config& c) -> Member { return &c.metrics.enabled; }},

    Key{"control.enabled", Kind::kBool, "true", 0, 0, "",
        "Whether the supervisor can be steered through a socket.",
        [](Config& c) -> Member { return &c.control.enabled; }},
    Key{"control.socket", Kind::kPath, "", 0, kMaxSocketPath, "",
        "The unix socket's file; if empty, one that the commands find: control.sock in systemd's runtime folder, else PORT.sock in $XDG_RUNTIME_DIR/lambdapool or /tmp/lambdapool-UID.",
        [](Config& c) -> Member { return &c.control.socket; }},

    Key{"admin.listen", Kind::kText, "", 0, kMaxName, "",
        "Where GET /livez, /readyz, /metrics and /status are answered: unix:/path or host:port; empty for nowhere. Whoever reaches it may read all of it.",
        [](Config& c) -> Member { return &c.admin.listen; }},
    Key{"admin.max_queue_age", Kind::kDuration, "2s", 0, kDay, "",
        "With a request that waits for longer than this, /readyz says no; 0s: the queue says nothing.",
        [](Config& c) -> Member { return &c.admin.max_queue_age; }},
    Key{"admin.crash_loop_deaths", Kind::kCount, "5", 0, 100'000, "deaths",
        "With this many deaths within a minute for each of pool.workers, /readyz says no; 0: only when all workers wait for their next start.",
        [](Config& c) -> Member { return &c.admin.crash_loop_deaths; }},

    Key{"crash.folder", Kind::kPath, "", 0, kMaxPath, "",
        "The folder for one JSON file per death of a worker; if empty, `crashes` in systemd's state folder, without systemd none.",
        [](Config& c) -> Member { return &c.crash.folder; }},
    Key{"crash.keep", Kind::kCount, "100", 1, 100'000, "files",
        "How many such files are kept; the oldest go.",
        [](Config& c) -> Member { return &c.crash.keep; }},
    Key{"crash.max_size", Kind::kSize, "16MiB", kKiB, kTiB, "",
        "All of them together.",
        [](Config& c) -> Member { return &c.crash.max_size; }},

    Key{"log.level", Kind::kChoice, "info", 0, 0, "",
        "The least serious records that are written.",
        [](Config& c) -> Member { return &c.log.level; }},
    Key{"log.format", Kind::kChoice, "text", 0, 0, "",
        "Text for people, JSON for machines.",
        [](Config& c) -> Member { return &c.log.format; }},
    Key{"log.access", Kind::kBool, "true", 0, 0, "",
        "Whether each request gets a line.",
        [](Config& c) -> Member { return &c.log.access; }},
    Key{"log.file", Kind::kPath, "stderr", 0, kMaxPath, "",
        "The file to append to, or stderr for standard error. SIGUSR1 opens it again.",
        [](Config& c) -> Member { return &c.log.file; }},
};
// clang-format on

}  // namespace

std::span<const Section> sections() { return kSections; }
std::span<const Key> keys() { return kKeys; }

const Section* find_section(std::string_view name) {
  const auto found = std::ranges::find(kSections, name, &Section::name);
  return found == kSections.end() ? nullptr : &*found;
}

const Key* find_key(std::string_view path) {
  const auto found = std::ranges::find(kKeys, path, &Key::path);
  return found == kKeys.end() ? nullptr : &*found;
}

}  // namespace lambdapool::supervisor
