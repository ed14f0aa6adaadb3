// What the supervisor does with the bytes of a request before a worker gets it, and with an answer.
#include <benchmark/benchmark.h>

#include <string>

#include "protocol/codec.h"
#include "supervisor/http/message_parser.h"
#include "supervisor/http/proxy_path.h"
#include "supervisor/http/request_id.h"
#include "supervisor/http/response_bytes.h"
#include "tests/bench/micro/sample_request.h"

namespace lambdapool::supervisor {
namespace {

using Event = MessageParser::Event;

void parse(benchmark::State& state) {
  const ServerConfig limits;
  MessageParser parser(limits);
  for ([[maybe_unused]] auto turn : state) {
    const MessageParser::Step head = parser.feed(kSampleBytes);
    if (parser.feed(kSampleBytes.substr(head.consumed)).event != Event::kComplete)
      return state.SkipWithError("the request is not whole");
    parser.reset();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse);

// The way down: from what the client sent to the frame for the worker.
void parse_route_encode(benchmark::State& state) {
  const ServerConfig limits;
  MessageParser parser(limits);
  RequestIds ids;
  std::string frame;
  for ([[maybe_unused]] auto turn : state) {
    const MessageParser::Step step = parser.feed(kSampleBytes);
    const RequestHead& head = parser.head();
    benchmark::DoNotOptimize(parse_proxy_path(head.path));
    const std::string id = ids.next();
    const std::string fields = protocol::encode_request_fields({.method = head.method,
                                                                .path = head.path,
                                                                .query = head.query,
                                                                .headers = head.fields,
                                                                .peer = "127.0.0.1",
                                                                .request_id = id,
                                                                .http_minor = 1,
                                                                .body = {}});
    if (parser.feed(kSampleBytes.substr(step.consumed)).event != Event::kComplete)
      return state.SkipWithError("the request is not whole");
    frame.clear();
    protocol::append_request(frame, 4097, 1, 60'000, fields, parser.body().view());
    benchmark::DoNotOptimize(frame.data());
    parser.reset();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(parse_route_encode);

// The way up: from the worker's answer to what the client reads.
void write_answer(benchmark::State& state) {
  Date date;
  std::string out;
  const protocol::Response response = sample_response();
  for ([[maybe_unused]] auto turn : state) {
    if (find_fault(response.status, response.headers))
      return state.SkipWithError("the answer cannot be sent");
    write_response_head(
        out, response,
        {.request_id = kSampleRequestId, .lambda_version = "1", .after = AfterResponse::kKeepAlive},
        date);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_answer);

}  // namespace
}  // namespace lambdapool::supervisor
