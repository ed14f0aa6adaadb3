// Both messages of a request, read from the bytes of a channel.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"

namespace lambdapool::protocol {
namespace {

template <class Decode>
void decode(benchmark::State& state, const std::string& frame, Decode decode_payload) {
  FrameDecoder decoder(kMaxFrameBytes);
  for ([[maybe_unused]] auto turn : state) {
    const auto space = decoder.space();
    std::ranges::copy(frame, space.begin());
    decoder.filled(frame.size());
    const auto payload = decoder.next();
    if (!payload || !*payload) return state.SkipWithError("the frame is not whole");
    if (!decode_payload(**payload)) return state.SkipWithError("the message is not read");
  }
}

void decode_request(benchmark::State& state) {
  std::string frame;
  append(frame, Request{.id = 4097,
                        .slot = 1,
                        .time_left_ms = 60'000,
                        .method = "POST",
                        .path = "/main",
                        .query = "",
                        .headers = {{"Host", "127.0.0.1:8080"},
                                    {"Content-Type", "application/json"},
                                    {"Content-Length", "38"}},
                        .peer = "127.0.0.1",
                        .request_id = "1700000000,11111111-2222-4333-8444-555555555555",
                        .http_minor = 1,
                        .body = "{\"images\": [\"image_one\", \"image_two\"]}"});
  decode(state, frame, [](std::string_view payload) { return decode_down(payload).has_value(); });
}
BENCHMARK(decode_request);

void decode_response(benchmark::State& state) {
  std::string frame;
  append(frame, Response{.id = 4097,
                         .status = 200,
                         .headers = {{"Content-Type", "application/json"}},
                         .body = "{\"image_count\":2}",
                         .route = "/main"});
  decode(state, frame, [](std::string_view payload) { return decode_up(payload).has_value(); });
}
BENCHMARK(decode_response);

}  // namespace
}  // namespace lambdapool::protocol
