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

constexpr std::array kSections = {
    Section{"server", "The HTTP front."},
    Section{"lambda", "What is served."},
    Section{"pool", "The workers and the queue before them."},
    Section{"worker", "Inside a worker process."},
    Section{"metrics", "What is counted, for Prometheus."},
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

    Key{"worker.event_loop", Kind::kChoice, "auto", 0, 0, "",
        "The asyncio event loop; auto is uvloop when it can be imported.",
        [](Config& c) -> Member { return &c.worker.event_loop; }},
    Key{"worker.block_warning", Kind::kDuration, "1s", 0, kDay, "",
        "How long code may block the event loop before the log warns and names its line; 0: no warning.",
        [](Config& c) -> Member { return &c.worker.block_warning; }},

    Key{"metrics.enabled", Kind::kBool, "true", 0, 0, "",
        "Whether GET /metrics and GET /lambda_metrics answer; false makes them 404.",
        [](Config& c) -> Member { return &c.metrics.enabled; }},

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
