// The configuration of one supervisor: plain values with their defaults; units are in the types.
//
// configs/lambdapool.yml is the reference of every key; schema.cpp binds each key to one member
// here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/luna_settings.h"

namespace lambdapool::supervisor {

using Milliseconds = std::chrono::milliseconds;

struct ServerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  std::size_t max_body = std::size_t{100} << 20;
  std::size_t max_buffered = std::size_t{1} << 30;  // All bodies held at a time.
  std::size_t max_head = std::size_t{64} << 10;
  std::size_t max_target = std::size_t{16} << 10;
  std::size_t max_field = std::size_t{16} << 10;  // One header line.
  std::uint32_t max_fields = 100;
  std::uint32_t max_connections = 10000;
  Milliseconds header_timeout{10'000};
  Milliseconds body_timeout{30'000};
  Milliseconds idle_timeout{75'000};
  Milliseconds write_timeout{30'000};
  Milliseconds drain_delay{0};
};

struct LambdaConfig {
  std::string path;
  std::string id;    // Default: a UUID made from the name, the same at every start.
  std::string name;  // Default: the file or folder name of the path.
  std::string version = "1";
  std::string venv;                   // A virtual environment's folder; empty for none.
  std::string user_config;            // The file of request.config.userConfig; empty for none.
  std::string user_config_json = {};  // What it holds: a JSON object, or nothing.
  bool reload = false;                // Whether a change of its files reloads it.
  std::string unpack_dir;  // Where archives are unpacked; default: the system's temporary folder.
  std::uint32_t max_entries = 10'000;
  std::size_t max_total = std::size_t{256} << 20;
  std::size_t max_file = std::size_t{64} << 20;
  std::uint32_t max_ratio = 200;
};

// Which requests are sent to another worker when their own died of something else.
enum class Replay { kNever, kSafe, kIdempotent, kAlways };

// What a worker is forked from: nothing, a process with the interpreter and luna_lambda_tools, or
// one that has imported the lambda as well.
enum class Preload { kOff, kHost, kLambda };

struct PoolConfig {
  std::uint32_t workers = 1;
  std::uint32_t standby = 0;         // Workers that are ready but get no requests.
  std::uint32_t concurrency = 1024;  // The window of one worker.
  std::uint32_t queue_length = 1024;
  Milliseconds queue_timeout{5'000};
  Milliseconds request_timeout{60'000};
  Milliseconds cancel_grace{
      2'000};  // From the cancellation of a request to the end of a worker whose loop is stuck.
  Milliseconds start_timeout{60'000};
  Milliseconds shutdown_timeout{10'000};
  Milliseconds grace{30'000};
  Preload preload = Preload::kHost;
  Milliseconds restart_backoff{100};
  Milliseconds restart_backoff_max{5'000};
  Replay replay = Replay::kSafe;
  // When a worker is replaced although it is well; zero: never.
  std::uint64_t max_requests = 0;
  Milliseconds max_lifetime{0};
  std::uint64_t max_rss = 0;
};

// Requests that have killed workers are refused for a while.
struct QuarantineConfig {
  std::uint32_t deaths = 3;  // How many workers one may kill; zero: as many as it likes.
  Milliseconds ttl{600'000};
};

enum class EventLoop { kAuto, kUvloop, kAsyncio };

// Which Python runs a worker: the one in lambdapool-worker, or the system's python3.
enum class Interpreter { kEmbedded, kSystem };

struct WorkerConfig {
  EventLoop event_loop = EventLoop::kAuto;
  Interpreter interpreter = Interpreter::kEmbedded;
  Milliseconds block_warning{1'000};  // Zero: none.
  // Limits of one process; zero: those of the supervisor.
  std::uint64_t memory_limit = 0;  // Address space.
  std::uint32_t open_files = 0;
  Milliseconds cpu_limit{0};
  std::uint32_t processes = 0;
  std::uint64_t core_size = 0;  // Zero: no core file.
  std::uint32_t nice = 0;
  std::string user;  // Empty: the supervisor's.
  std::string group;
  bool no_new_privileges = true;
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  bool access = true;
  std::string file;  // Empty: standard error.
};

// The services of LUNA PLATFORM that lambdas use.
struct LunaConfig {
  std::uint32_t retries = 2;      // After a connection that failed.
  std::uint32_t pool_size = 100;  // Connections of one worker.
  std::size_t max_answer = std::size_t{64} << 20;
  Milliseconds poll_period{10'000};  // Of luna-configurator.
  std::string account_id;            // For requests without one of their own.
  LunaValues settings = {};          // LUNA's own.
};

struct TasksConfig {
  std::string database;            // Empty: where the state of services or of the user is kept.
  std::uint32_t concurrency = 16;  // Sub-tasks that one worker runs at a time.
  std::uint32_t at_once = 4;       // Stored tasks that run at a time.
  std::uint32_t queue_length = 10'000;  // Stored tasks that may wait or run.
  std::uint32_t max_subtasks = 100'000;
  std::size_t max_results = std::size_t{256} << 20;  // Of one task of POST /main.
  Milliseconds keep{std::chrono::hours(7 * 24)};
  std::uint32_t keep_count = 1000;
};

struct MetricsConfig {
  bool enabled = true;  // Whether /metrics and /lambda_metrics are there.
};

struct ControlConfig {
  bool enabled = true;
  std::string socket;  // Empty: control/socket_path.h says where.
};

struct AdminConfig {
  std::string listen;  // `unix:/path` or `host:port`; empty: off.
  Milliseconds max_queue_age{2'000};
  std::uint32_t crash_loop_deaths = 5;
};

struct CrashConfig {
  std::string folder;  // Empty: systemd's state folder, without systemd none.
  std::uint32_t keep = 100;
  std::size_t max_size = std::size_t{16} << 20;
};

// Where the workers write InfluxDB points.
struct MonitoringConfig {
  std::string url;  // Empty: nothing is written.
  std::string organization;
  std::string bucket;    // InfluxDB 2.
  std::string database;  // InfluxDB 1.
  std::string token;
  Milliseconds flush_period{1'000};
  std::uint32_t batch = 1000;    // Points of one write.
  std::uint32_t buffer = 10000;  // Points that wait.
  Milliseconds timeout{5'000};
};

struct Config {
  std::string file;  // Where it was read from; empty: from no file.
  ServerConfig server;
  LambdaConfig lambda;
  PoolConfig pool;
  QuarantineConfig quarantine;
  WorkerConfig worker;
  LunaConfig luna;
  TasksConfig tasks;
  MetricsConfig metrics;
  ControlConfig control;
  AdminConfig admin;
  CrashConfig crash;
  MonitoringConfig monitoring;
  LogConfig log;
  // About settings that were understood and have no effect, with their places.
  std::vector<std::string> remarks = {};
};

}  // namespace lambdapool::supervisor
