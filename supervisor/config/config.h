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
};

struct LambdaConfig {
  std::string path;
  std::string id;    // Default: a UUID made from the name, the same at every start.
  std::string name;  // Default: the file or folder name of the path.
  std::string version = "1";
  std::string venv;        // A virtual environment's folder; empty for none.
  bool reload = false;     // Whether a change of its files reloads it.
  std::string unpack_dir;  // Where archives are unpacked; default: the system's temporary folder.
  std::uint32_t max_entries = 10'000;
  std::size_t max_total = std::size_t{256} << 20;
  std::size_t max_file = std::size_t{64} << 20;
  std::uint32_t max_ratio = 200;
};

struct PoolConfig {
  std::uint32_t workers = 1;
  std::uint32_t concurrency = 64;  // The window of one worker.
  std::uint32_t queue_length = 1024;
  Milliseconds queue_timeout{5'000};
  Milliseconds request_timeout{60'000};
  Milliseconds cancel_grace{
      2'000};  // From the cancellation of a request to the end of a worker whose loop is stuck.
  Milliseconds start_timeout{60'000};
  Milliseconds shutdown_timeout{10'000};
  Milliseconds grace{30'000};
  Milliseconds restart_backoff{100};
  Milliseconds restart_backoff_max{5'000};
};

enum class EventLoop { kAuto, kUvloop, kAsyncio };

struct WorkerConfig {
  EventLoop event_loop = EventLoop::kAuto;
  Milliseconds block_warning{1'000};  // Zero: none.
};

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogConfig {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  bool access = true;
  std::string file;  // Empty: standard error.
};

struct MetricsConfig {
  bool enabled = true;  // Whether /metrics and /lambda_metrics are there.
};

struct Config {
  ServerConfig server;
  LambdaConfig lambda;
  PoolConfig pool;
  WorkerConfig worker;
  MetricsConfig metrics;
  LogConfig log;
};

}  // namespace lambdapool::supervisor
