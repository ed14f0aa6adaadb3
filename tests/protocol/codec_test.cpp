// The codec with good messages: what goes in comes out, as the bytes of the contract.

#include "protocol/codec.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/protocol/raw_msgpack.h"
#include "tests/protocol/vectors.h"

// Tests name only the fields of a message that they are about; the others are empty.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace lambdapool::protocol {
namespace {

template <class Message>
std::string frame_of(const Message& message) {
  std::string out;
  append(out, message);
  return out;
}

std::string frame_of(const Down& message) {
  return std::visit([](const auto& one) { return frame_of(one); }, message);
}
std::string frame_of(const Up& message) {
  return std::visit([](const auto& one) { return frame_of(one); }, message);
}

std::size_t length_of(std::string_view frame) {
  std::size_t length = 0;
  for (const char byte : frame.substr(0, 4)) {
    length = (length << 8) | static_cast<unsigned char>(byte);
  }
  return length;
}

// Encodes, decodes and compares; the frame must live while the decoded message is looked at.
template <class Any>
void expect_round_trip(const Any& message) {
  const std::string frame = frame_of(message);
  ASSERT_EQ(length_of(frame), frame.size() - 4);

  const std::string payload = raw::payload_of(frame);
  if constexpr (std::is_same_v<Any, Down>) {
    const auto decoded = decode_down(payload);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().text;
    EXPECT_TRUE(*decoded == message);
  } else {
    const auto decoded = decode_up(payload);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().text;
    EXPECT_TRUE(*decoded == message);
  }
}

// Text of the lengths at which msgpack changes the form of a string or of bytes.
std::vector<std::string> texts_at_every_form() {
  std::vector<std::string> texts;
  constexpr std::size_t kSizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 1'000'000};
  for (const std::size_t size : kSizes) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7);
    texts.push_back(std::move(text));
  }
  return texts;
}

// Numbers at which msgpack changes the form of an integer.
constexpr std::uint64_t kNumbers[] = {0,     1,     127,        128,        255,       256,
                                      65535, 65536, UINT32_MAX, 1ULL << 32, INT64_MAX, UINT64_MAX};

TEST(Codec, WritesTheBytesOfTheContract) {
  for (const auto& vector : down_vectors()) {
    EXPECT_EQ(raw::to_hex(frame_of(vector.message)), raw::to_hex(raw::from_hex(vector.hex)))
        << vector.name;
  }
  for (const auto& vector : up_vectors()) {
    EXPECT_EQ(raw::to_hex(frame_of(vector.message)), raw::to_hex(raw::from_hex(vector.hex)))
        << vector.name;
  }
}

TEST(Codec, ReadsTheBytesOfTheContract) {
  for (const auto& vector : down_vectors()) {
    const std::string payload = raw::payload_of(raw::from_hex(vector.hex));
    const auto decoded = decode_down(payload);
    ASSERT_TRUE(decoded.has_value()) << vector.name << ": " << decoded.error().text;
    EXPECT_TRUE(*decoded == vector.message) << vector.name;
  }
  for (const auto& vector : up_vectors()) {
    const std::string payload = raw::payload_of(raw::from_hex(vector.hex));
    const auto decoded = decode_up(payload);
    ASSERT_TRUE(decoded.has_value()) << vector.name << ": " << decoded.error().text;
    EXPECT_TRUE(*decoded == vector.message) << vector.name;
  }
}

TEST(Codec, MessagesWithNothingInThemSurvive) {
  expect_round_trip(Down{Start{}});
  expect_round_trip(Down{Request{}});
  expect_round_trip(Down{Cancel{}});
  expect_round_trip(Down{Shutdown{}});
  expect_round_trip(Up{Ready{}});
  expect_round_trip(Up{StartFailed{}});
  expect_round_trip(Up{Response{}});
  expect_round_trip(Up{Failure{}});
  expect_round_trip(Up{Log{}});
}

TEST(Codec, NumbersOfEverySizeSurvive) {
  for (const std::uint64_t number : kNumbers) {
    const auto number32 = static_cast<std::uint32_t>(number);
    expect_round_trip(Down{Start{.version = number32, .worker = number32, .window = number32}});
    expect_round_trip(Down{
        Request{.id = number, .slot = number32, .time_left_ms = number32, .http_minor = number32}});
    expect_round_trip(Down{Cancel{.id = number}});
    expect_round_trip(Down{Shutdown{.limit_ms = number32}});
    expect_round_trip(Up{Ready{.version = number32}});
    expect_round_trip(Up{Response{.id = number, .status = number32}});
    expect_round_trip(Up{Failure{.id = number, .status = number32, .error_code = number32}});
  }
}

TEST(Codec, TextOfEverySizeSurvivesInEveryField) {
  for (const std::string& text : texts_at_every_form()) {
    expect_round_trip(Down{Start{.lambda_root = text,
                                 .lambda_id = text,
                                 .lambda_name = text,
                                 .lambda_version = text,
                                 .pylib = text,
                                 .venv = text,
                                 .event_loop = text,
                                 .log_level = text}});
    expect_round_trip(Down{Request{.method = text,
                                   .path = text,
                                   .query = text,
                                   .headers = {{text, text}},
                                   .peer = text,
                                   .request_id = text,
                                   .body = text}});
    expect_round_trip(Down{Cancel{.reason = text}});
    expect_round_trip(Up{Ready{.lambda_type = text, .event_loop = text}});
    expect_round_trip(Up{StartFailed{.stage = text, .text = text, .traceback = text}});
    expect_round_trip(Up{Response{.headers = {{text, text}}, .body = text}});
    expect_round_trip(
        Up{Failure{.kind = text, .desc = text, .detail = text, .headers = {{text, text}}}});
    expect_round_trip(Up{Log{.level = text, .request_id = text, .text = text}});
  }
}

TEST(Codec, HeadersOfEveryNumberSurviveInTheirOrder) {
  constexpr std::size_t kCounts[] = {0, 1, 7, 8, 100, 2000};
  for (const std::size_t count : kCounts) {
    std::vector<std::string> values;
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i) values.push_back(std::to_string(i));
    Fields headers;
    for (const std::string& value : values) headers.push_back({"X-Same-Name", value});

    expect_round_trip(Down{Request{.headers = headers}});
    expect_round_trip(Up{Response{.headers = headers}});
    expect_round_trip(Up{Failure{.headers = headers}});
  }
}

TEST(Codec, ABodyOfManyMegabytesSurvives) {
  const std::string body(std::size_t{40} << 20, '\xf5');

  expect_round_trip(Down{Request{.id = 1, .body = body}});
  expect_round_trip(Up{Response{.id = 1, .status = 200, .body = body}});
}

TEST(Codec, AppendsBehindWhatIsThere) {
  std::string out = "before";
  append(out, Cancel{.id = 7, .reason = "timeout"});
  append(out, Shutdown{.limit_ms = 10000});

  EXPECT_EQ(out, "before" + frame_of(Cancel{.id = 7, .reason = "timeout"}) +
                     frame_of(Shutdown{.limit_ms = 10000}));
}

TEST(Codec, ARequestEncodedOnceIsSentAsTheSameBytes) {
  const std::string body(70'000, 'b');
  const Request requests[] = {
      Request{},
      Request{.id = 300,
              .slot = 5,
              .time_left_ms = 60000,
              .method = "POST",
              .path = "/main",
              .query = "a=1",
              .headers = {{"Host", "x"}, {"Accept", ""}},
              .peer = "127.0.0.1",
              .request_id = "1700000000,5f0c",
              .http_minor = 0,
              .body = body},
      Request{.id = UINT64_MAX, .slot = UINT32_MAX, .time_left_ms = UINT32_MAX, .body = "\0"}};
  for (const Request& request : requests) {
    std::string sent;
    append_request(sent, request.id, request.slot, request.time_left_ms,
                   encode_request_fields(request), request.body);

    EXPECT_EQ(sent, frame_of(request));
  }
}

TEST(Codec, ARequestEncodedOnceMayBeSentAgainUnderAnotherIdAndSlot) {
  Request request{
      .id = 1, .slot = 2, .time_left_ms = 3, .method = "POST", .path = "/main", .body = "b"};
  const std::string fields = encode_request_fields(request);
  std::string again;
  append_request(again, 70'000, 9, 5, fields, request.body);

  request.id = 70'000;
  request.slot = 9;
  request.time_left_ms = 5;
  EXPECT_EQ(again, frame_of(request));
}

TEST(Codec, DecodedTextPointsIntoThePayload) {
  const std::string body(100'000, 'b');
  const std::string payload =
      raw::payload_of(frame_of(Request{.path = "/main", .headers = {{"Host", "x"}}, .body = body}));

  const auto decoded = decode_down(payload);

  ASSERT_TRUE(decoded.has_value());
  const auto& request = std::get<Request>(*decoded);
  for (const std::string_view view :
       {request.path, request.headers[0].name, request.headers[0].value, request.body}) {
    EXPECT_GE(view.data(), payload.data());
    EXPECT_LE(view.data() + view.size(), payload.data() + payload.size());
  }
}

TEST(Codec, WhatARequestIsForCanBeReadFromItsFields) {
  Request request;
  request.method = "POST";
  request.path = "/a%20b";
  request.query = "c=d";
  request.headers = {{"Host", "x"}};

  const std::string fields = encode_request_fields(request);
  const auto target = read_request_target(fields);

  ASSERT_TRUE(target);
  EXPECT_EQ(target->method, "POST");
  EXPECT_EQ(target->path, "/a%20b");
  EXPECT_EQ(target->query, "c=d");
  EXPECT_FALSE(read_request_target(""));
  EXPECT_FALSE(read_request_target("\x01\x02\x03"));
}

}  // namespace
}  // namespace lambdapool::protocol
