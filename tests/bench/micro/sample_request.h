// The request that every benchmark here is about: the manual's, as wrk sends it, and its answer.
#pragma once

#include <string_view>

#include "protocol/message.h"

namespace lambdapool {

inline constexpr std::string_view kSampleBody = "{\"images\": [\"image_one\", \"image_two\"]}";
inline constexpr std::string_view kSampleBytes =
    "POST /main HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
    "Content-Length: 38\r\n\r\n{\"images\": [\"image_one\", \"image_two\"]}";
static_assert(kSampleBody.size() == 38 && kSampleBytes.ends_with(kSampleBody));

inline constexpr std::string_view kSampleAnswer = "{\"image_count\":2}";
inline constexpr std::string_view kSampleRequestId =
    "1700000000,11111111-2222-4333-8444-555555555555";

inline protocol::Request sample_request() {
  return {.id = 4097,
          .slot = 1,
          .time_left_ms = 60'000,
          .method = "POST",
          .path = "/main",
          .query = "",
          .headers = {{"Host", "127.0.0.1:8080"},
                      {"Content-Type", "application/json"},
                      {"Content-Length", "38"}},
          .peer = "127.0.0.1",
          .request_id = kSampleRequestId,
          .http_minor = 1,
          .body = kSampleBody};
}

inline protocol::Response sample_response() {
  return {.id = 4097,
          .status = 200,
          .headers = {{"Content-Type", "application/json"}},
          .body = kSampleAnswer,
          .route = "/main"};
}

}  // namespace lambdapool
