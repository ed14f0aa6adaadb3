// What a failure becomes: the one table from everything that can go wrong with a request to the
// answer its client gets.
//
// A Failure is a value; http/response_bytes.h turns it into LUNA's error JSON. Codes and texts are
// LUNA's where LUNA has them; the host's own failures carry code 1.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lambdapool::supervisor {

enum class FailureKind {
  // The request cannot be understood or is over a limit.
  kBadRequest,
  kHeaderTimeout,
  kBodyTimeout,
  kTargetTooLong,
  kHeadTooLarge,
  kBodyTooLarge,
  kExpectationFailed,
  kNotFound,
  kMethodNotAllowed,
  kNotImplemented,
  kVersionNotSupported,
  // It is for another lambda, or on nobody's behalf.
  kBadAccount,
  kUnknownLambda,
  // It is no task, or about one that is not there.
  kNoJson,
  kMissingField,
  kInvalidJson,
  kBadQuery,
  kTaskNotFound,
  // The host has no room for it now.
  kTooManyConnections,
  kBuffersFull,
  kQueueFull,
  kQueueTimeout,
  kNoWorker,
  kInvalidLambda,  // As kNoWorker, because the lambda that is there cannot be loaded.
  kDraining,
  kTooManyTasks,
  kStorageFull,
  kStorageFailed,
  // It was on its way through a worker.
  kWorkerCrashed,
  kQuarantined,  // It has killed workers before.
  kWorkerTimeout,
  kBadResponse,
  kInternal,
};

struct Failure {
  std::uint32_t status = 500;
  std::string kind;  // The value of the Lambda-Error header.
  std::uint32_t error_code = 1;
  std::string desc;
  std::string detail;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string route = {};  // The template of the route it comes from, when a worker said so.
};

// The row of the table for `kind`, with `detail` in its place.
Failure make_failure(FailureKind kind, const std::string& detail);

}  // namespace lambdapool::supervisor
