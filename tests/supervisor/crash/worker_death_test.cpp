#include <gtest/gtest.h>

#include <csignal>

#include "supervisor/crash/crash_json.h"

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

WorkerDeath death() {
  WorkerDeath made;
  made.when = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 5h + 40min + 123ms;
  made.worker = 3;
  made.pid = 4711;
  return made;
}

TEST(CrashFileName, NamesSortByTime) {
  WorkerDeath later = death();
  later.when += 1ms;

  EXPECT_EQ(crash_file_name(death()), "crash-20261124T054000.123Z-worker-3-pid-4711.json");
  EXPECT_LT(crash_file_name(death()), crash_file_name(later));
}

TEST(WorkerDeathJson, ASignalHasItsNameAndNoExitStatus) {
  WorkerDeath made = death();
  made.exit_status = {.status = 0, .signal = SIGSEGV};
  made.traceback = "Fatal Python error\n  File x\n";
  made.memory = ProcessMemory{.resident_bytes = 5, .peak_bytes = 6};

  const Json json = to_json(made, {"id", "name", "1", "/srv"}, Json::object());

  EXPECT_EQ(json["signal"], 11);
  EXPECT_EQ(json["signal_name"], "SIGSEGV");
  EXPECT_TRUE(json["exit_status"].is_null());
  EXPECT_EQ(json_text(json["traceback"]), R"(["Fatal Python error","  File x"])");
  EXPECT_EQ(json["worker"]["rss"], 5);
  EXPECT_EQ(json["worker"]["peak_rss"], 6);
}

TEST(WorkerDeathJson, AnExitStatusHasNoSignal) {
  WorkerDeath made = death();
  made.exit_status = {.status = 3, .signal = 0};

  const Json json = to_json(made, {}, Json::object());

  EXPECT_EQ(json["exit_status"], 3);
  EXPECT_TRUE(json["signal"].is_null());
  EXPECT_TRUE(json["signal_name"].is_null());
}

TEST(WorkerDeathJson, RequestsAreListedUpToTheirLimit) {
  WorkerDeath made = death();
  for (std::size_t i = 0; i <= kMaxDeathRequests; ++i) {
    made.requests.push_back({.id = std::to_string(i), .method = "GET", .path = "/\xff"});
  }
  made.requests[0].culprit = true;

  const Json json = to_json(made, {}, Json::object());

  EXPECT_EQ(json["requests"].size(), kMaxDeathRequests);
  EXPECT_EQ(json["in_flight"], kMaxDeathRequests + 1);
  EXPECT_EQ(json["requests"][0]["culprit"], true);
  EXPECT_NE(json_text(json).find("\xef\xbf\xbd"), std::string::npos) << "it must be UTF-8";
}

TEST(LimitsJson, TheLimitsAreThoseOfPoolAndWorker) {
  Config config;
  config.pool.concurrency = 7;

  const Json limits = limits_json(config);

  EXPECT_EQ(limits["pool.concurrency"], "7");
  EXPECT_EQ(limits["pool.request_timeout"], "60s");
  EXPECT_FALSE(limits.contains("server.port"));
}

}  // namespace
}  // namespace lambdapool::supervisor
