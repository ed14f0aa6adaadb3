// Both messages of a request, read from the bytes of a channel.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"
#include "tests/bench/micro/sample_request.h"

namespace lambdapool::protocol {
namespace {

template <class Decode>
void decode(benchmark::State& state, const std::string& frame, Decode decode_payload) {
  FrameDecoder decoder(kMaxFrameBytes);
  for ([[maybe_unused]] auto turn : state) {
    // Between frames the decoder has room for one of this size.
    const auto space = decoder.space();
    std::ranges::copy(frame, space.begin());
    decoder.filled(frame.size());
    const auto payload = decoder.next();
    if (!payload || !*payload) return state.SkipWithError("the frame is not whole");
    if (!decode_payload(**payload)) return state.SkipWithError("the message is not read");
  }
  state.SetItemsProcessed(state.iterations());
}

// What the worker reads.
void decode_request(benchmark::State& state) {
  std::string frame;
  append(frame, sample_request());
  decode(state, frame, [](std::string_view payload) {
    const auto message = decode_down(payload);
    return message && std::holds_alternative<Request>(*message);
  });
}
BENCHMARK(decode_request);

// What the supervisor reads.
void decode_response(benchmark::State& state) {
  std::string frame;
  append(frame, sample_response());
  decode(state, frame, [](std::string_view payload) {
    const auto message = decode_up(payload);
    return message && std::holds_alternative<Response>(*message);
  });
}
BENCHMARK(decode_response);

}  // namespace
}  // namespace lambdapool::protocol
