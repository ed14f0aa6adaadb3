// What the supervisor does with the bytes of a request before a worker gets it, and with an answer.
#include <benchmark/benchmark.h>

#include "protocol/codec.h"
#include "supervisor/http/message_parser.h"
#include "supervisor/http/proxy_path.h"
#include "supervisor/http/request_id.h"
#include "supervisor/http/response_bytes.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kRequest =
    "POST /main HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
    "Content-Length: 38\r\n\r\n{\"images\": [\"image_one\", \"image_two\"]}";
constexpr std::string_view kRequestId = "1700000000,11111111-2222-4333-8444-555555555555";

void parse(benchmark::State& state) {
  const ServerConfig limits;
  MessageParser parser(limits);
  for ([[maybe_unused]] auto turn : state) {
    const MessageParser::Step head = parser.feed(kRequest);
    benchmark::DoNotOptimize(parse_proxy_path(parser.head().path));
    if (parser.feed(kRequest.substr(head.consumed)).event != MessageParser::Event::kComplete)
      state.SkipWithError("the request is not whole");
    parser.reset();
  }
}
BENCHMARK(parse);

void parse_and_encode(benchmark::State& state) {
  const ServerConfig limits;
  MessageParser parser(limits);
  RequestIds ids;
  std::string frame;
  for ([[maybe_unused]] auto turn : state) {
    const MessageParser::Step step = parser.feed(kRequest);
    const RequestHead& head = parser.head();
    const std::string id = ids.next();
    const std::string fields = protocol::encode_request_fields({.method = head.method,
                                                                .path = head.path,
                                                                .query = head.query,
                                                                .headers = head.fields,
                                                                .peer = "127.0.0.1",
                                                                .request_id = id,
                                                                .http_minor = 1,
                                                                .body = {}});
    parser.feed(kRequest.substr(step.consumed));
    frame.clear();
    protocol::append_request(frame, 4097, 1, 60'000, fields, parser.body());
    benchmark::DoNotOptimize(frame.data());
    parser.reset();
  }
}
BENCHMARK(parse_and_encode);

void write_answer(benchmark::State& state) {
  Date date;
  std::string out;
  const protocol::Response response{.id = 4097,
                                    .status = 200,
                                    .headers = {{"Content-Type", "application/json"}},
                                    .body = "{\"image_count\":2}",
                                    .route = "/main"};
  for ([[maybe_unused]] auto turn : state) {
    benchmark::DoNotOptimize(find_fault(response.status, response.headers));
    write_response_head(out, response, {kRequestId, "1", false, 1, AfterResponse::kKeepAlive},
                        date);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(write_answer);

}  // namespace
}  // namespace lambdapool::supervisor
