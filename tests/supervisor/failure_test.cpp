#include "supervisor/failure.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace lambdapool::supervisor {
namespace {

struct Row {
  FailureKind kind;
  std::uint32_t status;
  const char* name;
  std::uint32_t error_code;
  bool retry_after;
};

constexpr Row kTable[] = {
    {FailureKind::kBadRequest, 400, "bad_request", 12046, false},
    {FailureKind::kHeaderTimeout, 408, "header_timeout", 12046, false},
    {FailureKind::kBodyTimeout, 408, "body_timeout", 12046, false},
    {FailureKind::kTargetTooLong, 414, "target_too_long", 12046, false},
    {FailureKind::kHeadTooLarge, 431, "head_too_large", 12046, false},
    {FailureKind::kBodyTooLarge, 413, "body_too_large", 37003, false},
    {FailureKind::kExpectationFailed, 417, "expectation_failed", 12046, false},
    {FailureKind::kMethodNotAllowed, 405, "method_not_allowed", 12021, false},
    {FailureKind::kNotImplemented, 501, "not_implemented", 12046, false},
    {FailureKind::kVersionNotSupported, 505, "version_not_supported", 12046, false},
    {FailureKind::kBadAccount, 400, "bad_account", 12031, false},
    {FailureKind::kUnknownLambda, 404, "unknown_lambda", 42001, false},
    {FailureKind::kNoJson, 400, "bad_request", 12002, false},
    {FailureKind::kMissingField, 400, "bad_request", 12003, false},
    {FailureKind::kInvalidJson, 400, "bad_request", 12022, false},
    {FailureKind::kBadQuery, 400, "bad_request", 12012, false},
    {FailureKind::kTaskNotFound, 404, "task_not_found", 12013, false},
    {FailureKind::kTooManyConnections, 503, "too_many_connections", 1, true},
    {FailureKind::kBuffersFull, 503, "buffers_full", 1, true},
    {FailureKind::kQueueFull, 503, "queue_full", 1, true},
    {FailureKind::kQueueTimeout, 503, "queue_timeout", 1, true},
    {FailureKind::kNoWorker, 503, "no_worker", 1, true},
    {FailureKind::kInvalidLambda, 503, "invalid_lambda", 42005, true},
    {FailureKind::kDraining, 503, "draining", 1, true},
    {FailureKind::kTooManyTasks, 503, "too_many_tasks", 1, true},
    {FailureKind::kStorageFull, 507, "storage_full", 1, false},
    {FailureKind::kStorageFailed, 503, "storage_failed", 1, true},
    {FailureKind::kWorkerCrashed, 500, "worker_crashed", 42004, false},
    {FailureKind::kQuarantined, 500, "quarantined", 42004, false},
    {FailureKind::kWorkerTimeout, 504, "worker_timeout", 42004, false},
    {FailureKind::kBadResponse, 500, "bad_response", 42004, false},
    {FailureKind::kInternal, 500, "internal", 1, false},
};

TEST(Failure, EveryKindBecomesItsRowOfTheTable) {
  for (const Row& row : kTable) {
    const Failure failure = make_failure(row.kind, "why");

    EXPECT_EQ(failure.status, row.status) << row.name;
    EXPECT_EQ(failure.kind, row.name);
    EXPECT_EQ(failure.error_code, row.error_code) << row.name;
    EXPECT_TRUE(failure.detail.ends_with("why")) << row.name;
    EXPECT_FALSE(failure.desc.empty()) << row.name;
  }
}

TEST(Failure, WhatIsWorthAnotherTrySaysWhenAndNothingElseDoes) {
  const std::pair<std::string, std::string> retry_after{"Retry-After", "1"};
  for (const Row& row : kTable) {
    const Failure failure = make_failure(row.kind, "");

    const decltype(failure.headers) expected(row.retry_after ? 1 : 0, retry_after);
    EXPECT_EQ(failure.headers, expected) << row.name;
  }
}

TEST(Failure, NoTwoKindsHaveTheSameName) {
  std::set<std::pair<std::string, std::uint32_t>> names;
  for (const Row& row : kTable) {
    const Failure failure = make_failure(row.kind, "");
    names.emplace(failure.kind, failure.error_code);
  }

  EXPECT_EQ(names.size(), std::size(kTable));
}

TEST(Failure, ARefusedRequestIsDescribedAsLunaDoes) {
  const Failure failure = make_failure(FailureKind::kBadRequest, "no Host");

  EXPECT_EQ(failure.desc, "Bad/incomplete input data");
  EXPECT_EQ(failure.detail, "Invalid http request: no Host");
}

}  // namespace
}  // namespace lambdapool::supervisor
