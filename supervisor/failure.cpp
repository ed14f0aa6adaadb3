#include "supervisor/failure.h"

namespace lambdapool::supervisor {
namespace {

struct Row {
  std::uint32_t status;
  std::string_view kind;
  std::uint32_t error_code;
  std::string_view desc;
  std::string_view detail_prefix;
  std::string_view retry_after;  // Seconds; empty for no Retry-After header.
};

constexpr std::string_view kBadInput = "Bad/incomplete input data";
constexpr std::string_view kInvalidHttp = "Invalid http request: ";
constexpr std::string_view kLambdaException = "Lambda exception";
constexpr std::string_view kInternalError = "Internal server error";

Row row(FailureKind kind) {
  switch (kind) {
    case FailureKind::kBadRequest:
      return {400, "bad_request", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kHeaderTimeout:
      return {408, "header_timeout", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kBodyTimeout:
      return {408, "body_timeout", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kTargetTooLong:
      return {414, "target_too_long", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kHeadTooLarge:
      return {431, "head_too_large", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kBodyTooLarge:
      return {413, "body_too_large", 37003, "Request payload is too large", "", ""};
    case FailureKind::kExpectationFailed:
      return {417, "expectation_failed", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kNotFound:
      return {404, "not_found", 12013, "Resource not found", "", ""};
    case FailureKind::kMethodNotAllowed:
      return {405, "method_not_allowed", 12021, "Method not allowed", "", ""};
    case FailureKind::kNotImplemented:
      return {501, "not_implemented", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kVersionNotSupported:
      return {505, "version_not_supported", 12046, kBadInput, kInvalidHttp, ""};
    case FailureKind::kBadAccount:
      return {400, "bad_account", 12031, kBadInput, "", ""};
    case FailureKind::kUnknownLambda:
      return {404, "unknown_lambda", 42001, "Object not found", "", ""};
    case FailureKind::kNoJson:
      return {400, "bad_request", 12002, kBadInput, "", ""};
    case FailureKind::kMissingField:
      return {400, "bad_request", 12003, kBadInput, "", ""};
    case FailureKind::kInvalidJson:
      return {400, "bad_request", 12022, kBadInput, "Failed to validate input json. ", ""};
    case FailureKind::kBadQuery:
      return {400, "bad_request", 12012, kBadInput, "Bad query parameters ", ""};
    case FailureKind::kTaskNotFound:
      return {404, "task_not_found", 12013, "Resource not found", "", ""};
    case FailureKind::kTooManyConnections:
      return {503, "too_many_connections", 1, kInternalError, "", "1"};
    case FailureKind::kBuffersFull:
      return {503, "buffers_full", 1, kInternalError, "", "1"};
    case FailureKind::kQueueFull:
      return {503, "queue_full", 1, kInternalError, "", "1"};
    case FailureKind::kQueueTimeout:
      return {503, "queue_timeout", 1, kInternalError, "", "1"};
    case FailureKind::kNoWorker:
      return {503, "no_worker", 1, kInternalError, "", "1"};
    case FailureKind::kInvalidLambda:
      return {503, "invalid_lambda", 42005, "Lambda validation exception", "", "1"};
    case FailureKind::kDraining:
      return {503, "draining", 1, kInternalError, "", "1"};
    case FailureKind::kTooManyTasks:
      return {503, "too_many_tasks", 1, kInternalError, "", "1"};
    case FailureKind::kStorageFull:
      return {507, "storage_full", 1, kInternalError, "", ""};
    case FailureKind::kStorageFailed:
      return {503, "storage_failed", 1, kInternalError, "", "1"};
    case FailureKind::kWorkerCrashed:
      return {500, "worker_crashed", 42004, kLambdaException, "", ""};
    case FailureKind::kQuarantined:
      return {500, "quarantined", 42004, kLambdaException, "", ""};
    case FailureKind::kWorkerTimeout:
      return {504, "worker_timeout", 42004, kLambdaException, "", ""};
    case FailureKind::kBadResponse:
      return {500, "bad_response", 42004, kLambdaException, "", ""};
    case FailureKind::kInternal:
      return {500, "internal", 1, kInternalError, "", ""};
  }
  return {500, "internal", 1, kInternalError, "", ""};
}

}  // namespace

Failure make_failure(FailureKind kind, const std::string& detail) {
  const Row found = row(kind);
  Failure failure{found.status,
                  std::string(found.kind),
                  found.error_code,
                  std::string(found.desc),
                  std::string(found.detail_prefix) + detail,
                  {},
                  {}};
  if (!found.retry_after.empty()) failure.headers.emplace_back("Retry-After", found.retry_after);
  return failure;
}

}  // namespace lambdapool::supervisor
