#include "supervisor/http/message_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lambdapool::supervisor {
namespace {

using namespace std::string_view_literals;

using Event = MessageParser::Event;

// What a request was, copied out of the parser.
struct Message {
  std::string method;
  std::string path;
  std::string query;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool operator==(const Message&) const = default;
};

// What came of a connection's bytes.
struct Outcome {
  std::vector<Message> messages;
  std::uint32_t status = 200;  // Of the failure that ended it.
  std::string detail;
  std::string left;  // What was not consumed.
  bool in_message = false;
};

// A connection: keeps what the parser did not consume and hands it over again with what comes next.
class Reader {
 public:
  explicit Reader(const ServerConfig& limits = {}) : limits_(limits), parser_(limits_) {}

  Reader& feed(std::string_view bytes) {
    // A fresh copy in each call: views into earlier bytes must not be used.
    std::string held = std::exchange(outcome_.left, {});
    held.append(bytes);
    std::size_t done = 0;
    while (outcome_.status == 200) {
      const auto step = parser_.feed(std::string_view(held).substr(done));
      EXPECT_LE(step.consumed, held.size() - done);
      done += step.consumed;
      if (step.event == Event::kNeedMore) break;
      if (step.event == Event::kFailed) {
        outcome_.status = parser_.failure().status;
        outcome_.detail = parser_.failure().detail;
      } else if (step.event == Event::kHead) {
        note_head();
      } else {
        message_.body = parser_.body().view();
        outcome_.messages.push_back(std::exchange(message_, {}));
        parser_.reset();
      }
    }
    outcome_.left = held.substr(done);
    outcome_.in_message = parser_.in_message();
    return *this;
  }

  const Outcome& outcome() const { return outcome_; }
  const MessageParser& parser() const { return parser_; }

 private:
  void note_head() {
    const RequestHead& head = parser_.head();
    message_.method = head.method;
    message_.path = head.path;
    message_.query = head.query;
    for (const auto& field : head.fields) message_.fields.emplace_back(field.name, field.value);
  }

  const ServerConfig limits_;
  MessageParser parser_;
  Message message_;
  Outcome outcome_;
};

Outcome read(std::string_view bytes, const ServerConfig& limits = {}) {
  return Reader(limits).feed(bytes).outcome();
}

Outcome read_byte_by_byte(std::string_view bytes, const ServerConfig& limits = {}) {
  Reader reader(limits);
  for (const char c : bytes) reader.feed({&c, 1});
  return reader.outcome();
}

std::string chunked(std::string_view body) {
  return "POST /main HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body);
}

void expect_body(const Outcome& outcome, std::string_view body) {
  ASSERT_EQ(outcome.status, 200U) << outcome.detail;
  ASSERT_EQ(outcome.messages.size(), 1U);
  EXPECT_EQ(outcome.messages[0].body, body);
  EXPECT_EQ(outcome.left, "");
}

void expect_refused(std::string_view bytes, std::uint32_t status, const ServerConfig& limits = {}) {
  for (const Outcome& outcome : {read(bytes, limits), read_byte_by_byte(bytes, limits)}) {
    EXPECT_EQ(outcome.status, status) << bytes << "\n" << outcome.detail;
    EXPECT_TRUE(outcome.messages.empty()) << bytes;
  }
}

constexpr std::string_view kGet =
    "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Empty:\r\nX-Space: \t v w \t\r\n\r\n";
constexpr std::string_view kPost =
    "POST /main HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "POST /main HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;name;quoted=\"a;b\"\r\nhello\r\n1\r\n \r\n006\r\n\r\nworl\r\n0\r\nDigest: x\r\n\r\n";

const Message& get_message() {
  static const Message message{
      "GET", "/a", "b=c", {{"Host", "h"}, {"X-Empty", ""}, {"X-Space", "v w"}}, ""};
  return message;
}
const Message& post_message() {
  static const Message message{
      "POST", "/main", "", {{"Host", "h"}, {"Content-Length", "5"}}, "hello"};
  return message;
}
const Message& chunked_message() {
  static const Message message{
      "POST", "/main", "", {{"Host", "h"}, {"Transfer-Encoding", "chunked"}}, "hello \r\nworl"};
  return message;
}

TEST(MessageParser, LlhttpIsCompiledToBeStrict) { EXPECT_TRUE(llhttp_is_strict()); }

TEST(MessageParser, ARequestWithoutABodyIsWholeAfterItsHead) {
  const Outcome outcome = read(kGet);

  EXPECT_EQ(outcome.messages, std::vector{get_message()});
  EXPECT_EQ(outcome.left, "");
}

TEST(MessageParser, ABodyHasTheLengthThatItsHeadSays) {
  EXPECT_EQ(read(kPost).messages, std::vector{post_message()});
}

TEST(MessageParser, AContentLengthOfZeroIsAnEmptyBody) {
  expect_body(read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), "");
}

TEST(MessageParser, ABodyMayHoldAnyBytes) {
  const std::string body("\0\r\n\r\nGET / HTTP/1.1\xff"sv);

  expect_body(read("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n" + body), body);
}

TEST(MessageParser, AGetMayHaveABody) {
  expect_body(read("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"), "ab");
}

TEST(MessageParser, AChunkedBodyIsPutTogether) {
  EXPECT_EQ(read(kChunked).messages, std::vector{chunked_message()});
}

TEST(MessageParser, RequestsSurviveEverySplitOfTheirBytes) {
  const std::string all =
      std::string(kGet) + std::string(kPost) + std::string(kChunked) + std::string(kGet);
  const std::vector expected{get_message(), post_message(), chunked_message(), get_message()};
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const Outcome outcome = Reader().feed(all.substr(0, cut)).feed(all.substr(cut)).outcome();

    EXPECT_EQ(outcome.messages, expected) << "cut at " << cut << " " << outcome.detail;
    EXPECT_EQ(outcome.left, "") << "cut at " << cut;
  }
}

TEST(MessageParser, RequestsMayComeByteByByte) {
  const std::string all = std::string(kChunked) + std::string(kGet) + std::string(kPost);

  EXPECT_EQ(read_byte_by_byte(all).messages,
            (std::vector{chunked_message(), get_message(), post_message()}));
}

TEST(MessageParser, NothingBeyondTheRequestIsConsumed) {
  const ServerConfig limits;
  for (const std::string_view request : {kGet, kPost, kChunked}) {
    MessageParser parser(limits);
    const std::string bytes = std::string(request) + "GET /next";

    const auto head = parser.feed(bytes);
    EXPECT_EQ(head.event, Event::kHead);
    EXPECT_EQ(head.consumed, request.find("\r\n\r\n") + 4);
    const auto rest = parser.feed(std::string_view(bytes).substr(head.consumed));
    EXPECT_EQ(rest.event, Event::kComplete);
    EXPECT_EQ(head.consumed + rest.consumed, request.size());
  }
}

TEST(MessageParser, AnUnfinishedHeadIsNotConsumed) {
  const ServerConfig limits;
  MessageParser parser(limits);

  const auto step = parser.feed("GET / HTTP/1.1\r\nHost: h\r\n");

  EXPECT_EQ(step.event, Event::kNeedMore);
  EXPECT_EQ(step.consumed, 0U);
  EXPECT_TRUE(parser.in_message());
  EXPECT_FALSE(parser.in_body());
}

TEST(MessageParser, AnUnfinishedBodyIsConsumedAsItComes) {
  const ServerConfig limits;
  MessageParser parser(limits);
  const auto head = parser.feed(kPost.substr(0, kPost.size() - 2));
  ASSERT_EQ(head.event, Event::kHead);
  EXPECT_TRUE(parser.in_body());

  const auto body = parser.feed("hel");

  EXPECT_EQ(body.event, Event::kNeedMore);
  EXPECT_EQ(body.consumed, 3U);
  EXPECT_EQ(parser.body().view(), "hel");
}

TEST(MessageParser, BeforeTheFirstByteThereIsNoMessage) {
  const ServerConfig limits;
  MessageParser parser(limits);
  EXPECT_FALSE(parser.in_message());
  EXPECT_EQ(parser.feed("").event, Event::kNeedMore);
  EXPECT_FALSE(parser.in_message());
}

TEST(MessageParser, AfterAResetNothingOfTheLastRequestIsLeft) {
  const ServerConfig limits;
  MessageParser parser(limits);
  const auto head = parser.feed(kChunked);
  parser.feed(kChunked.substr(head.consumed));
  ASSERT_FALSE(parser.body().empty());

  parser.reset();

  EXPECT_TRUE(parser.body().empty());
  EXPECT_TRUE(parser.head().fields.empty());
  EXPECT_FALSE(parser.in_message());
  EXPECT_FALSE(parser.in_body());
}

TEST(MessageParser, AResetInTheMiddleOfABodyMakesReadyForAHead) {
  const ServerConfig limits;
  MessageParser parser(limits);
  parser.feed(kPost);
  parser.feed("he");

  parser.reset();

  EXPECT_EQ(parser.feed(kGet).event, Event::kHead);
}

TEST(MessageParser, AGoodRequestBeforeABadOneIsWhole) {
  const Outcome outcome = read(std::string(kPost) + "BAD\r\n\r\n");

  EXPECT_EQ(outcome.messages, std::vector{post_message()});
  EXPECT_EQ(outcome.status, 400U);
}

TEST(MessageParser, AfterAFailureNothingMoreIsRead) {
  const ServerConfig limits;
  MessageParser parser(limits);
  ASSERT_EQ(parser.feed("BAD\r\n\r\n").event, Event::kFailed);

  const auto step = parser.feed(kGet);

  EXPECT_EQ(step.event, Event::kFailed);
  EXPECT_EQ(step.consumed, 0U);
}

TEST(MessageParser, EmptyLinesBeforeARequestAreSkipped) {
  const std::string bytes = "\r\n\r\n" + std::string(kGet) + "\r\n" + std::string(kPost) + "\r\n";
  for (const Outcome& outcome : {read(bytes), read_byte_by_byte(bytes)}) {
    EXPECT_EQ(outcome.messages, (std::vector{get_message(), post_message()}));
    EXPECT_EQ(outcome.left, "");
    EXPECT_FALSE(outcome.in_message);
  }
}

TEST(MessageParser, EmptyLinesHaveALimit) {
  std::string lines;
  for (int i = 0; i < 32; ++i) lines += "\r\n";

  EXPECT_EQ(read(lines + std::string(kGet)).messages.size(), 1U);
  EXPECT_EQ(read_byte_by_byte(lines + std::string(kGet)).messages.size(), 1U);
  expect_refused(lines + "\r\n", 400);
}

TEST(MessageParser, AnUpgradeIsDeclinedAndTheConnectionGoesOn) {
  const std::string upgrade =
      "GET /a?b=c HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const std::string with_body =
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: "
      "2\r\n\r\nab";

  const Outcome outcome = read(upgrade + with_body + std::string(kGet));

  ASSERT_EQ(outcome.messages.size(), 3U) << outcome.detail;
  EXPECT_EQ(outcome.messages[0].fields.size(), 3U);
  EXPECT_EQ(outcome.messages[1].body, "ab");
  EXPECT_EQ(outcome.messages[2], get_message());
}

TEST(MessageParser, ARequestThatClosesIsReadLikeAnyOther) {
  const std::string bytes =
      "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab";

  expect_body(read(bytes), "ab");
  expect_body(read_byte_by_byte(bytes), "ab");
}

TEST(MessageParser, ABadHeadIsRefusedHoweverItComes) {
  expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX Y: 1\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\nX: a\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n"sv, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX\0: a\r\n\r\n"sv, 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\x01\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\nX: a\x7f\r\n\r\n", 400);
  expect_refused("GET / HTTP/1.1\r\nHost: h\r\n\xc3\xa4: a\r\n\r\n", 400);
  expect_refused("GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", 400);
  expect_refused("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505);
  expect_refused("BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501);
  expect_refused("\x16\x03\x01\x02\r\n\r\n", 400);
}

TEST(MessageParser, AFieldValueMayHoldBytesBeyondAscii) {
  const Outcome outcome = read("GET / HTTP/1.1\r\nHost: h\r\nX: \xc3\xa4\xff\tb\r\n\r\n");

  ASSERT_EQ(outcome.messages.size(), 1U) << outcome.detail;
  EXPECT_EQ(outcome.messages[0].fields[1].second, "\xc3\xa4\xff\tb");
}

TEST(MessageParser, WhatCouldBeFramedInTwoWaysIsRefused) {
  for (const std::string_view fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length:\r\n",
        "Content-Length : 5\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 18446744073709551616\r\n"}) {
    expect_refused("POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\nhello", 400);
  }
}

TEST(MessageParser, ASpaceAfterTheNameOfTransferEncodingIsRefused) {
  const Outcome outcome =
      read("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n");

  EXPECT_TRUE(outcome.status == 400 || outcome.status == 501) << outcome.status;
  EXPECT_TRUE(outcome.messages.empty());
}

TEST(MessageParser, ATargetMayBeAsLongAsItsLimitAndNoLonger) {
  ServerConfig limits;
  limits.max_target = 9;

  EXPECT_EQ(read("GET /12345678 HTTP/1.1\r\nHost: h\r\n\r\n", limits).messages.size(), 1U);
  expect_refused("GET /123456789 HTTP/1.1\r\nHost: h\r\n\r\n", 414, limits);
}

TEST(MessageParser, ATransferEncodingOtherThanChunkedIsNotImplemented) {
  for (const std::string_view value :
       {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", "chunked\x0b"}) {
    const Outcome outcome =
        read("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: " + std::string(value) + "\r\n\r\n");
    EXPECT_TRUE(outcome.status == 501 || outcome.status == 400) << value << " " << outcome.status;
    EXPECT_TRUE(outcome.messages.empty()) << value;
  }
}

TEST(MessageParser, ABodyMayBeAsLargeAsItsLimitAndNoLarger) {
  ServerConfig limits;
  limits.max_body = 5;

  EXPECT_EQ(read(kPost, limits).messages.size(), 1U);
  limits.max_body = 4;
  expect_refused(kPost, 413, limits);
}

TEST(MessageParser, ABodyOverItsLimitIsRefusedByItsHead) {
  ServerConfig limits;
  limits.max_body = 4;

  expect_refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", 413, limits);
}

TEST(MessageParser, AChunkedBodyMayBeAsLargeAsItsLimitAndNoLarger) {
  ServerConfig limits;
  limits.max_body = 5;

  expect_body(read(chunked("2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"), limits), "abcde");
  expect_refused(chunked("2\r\nab\r\n4\r\ncdef\r\n0\r\n\r\n"), 413, limits);
  expect_refused(chunked("6\r\nabcdef"), 413, limits);
}

TEST(MessageParser, WithALimitOfZeroOnlyEmptyBodiesComeThrough) {
  ServerConfig limits;
  limits.max_body = 0;

  EXPECT_EQ(read(kGet, limits).messages.size(), 1U);
  expect_body(read(chunked("0\r\n\r\n"), limits), "");
  expect_refused(chunked("1\r\na\r\n0\r\n\r\n"), 413, limits);
}

TEST(MessageParser, AChunkSizeIsHexadecimalInEitherCase) {
  const std::string eleven(11, 'x');

  expect_body(read(chunked("b\r\n" + eleven + "\r\n0\r\n\r\n")), eleven);
  expect_body(read(chunked("B\r\n" + eleven + "\r\n000\r\n\r\n")), eleven);
}

TEST(MessageParser, ABadChunkSizeIsRefused) {
  for (const std::string_view size :
       {"", "x", "-1", "+1", "0x1", " 1", "\t1", "1 ", "1\t", "1 1", "g", "1,", "fffffffffffffffff",
        "10000000000000000", "\"1\"", "1\v"}) {
    expect_refused(chunked(std::string(size) + "\r\na\r\n0\r\n\r\n"), 400);
  }
}

TEST(MessageParser, AChunkIsAsLongAsItsSize) {
  expect_refused(chunked("1\r\nab\r\n0\r\n\r\n"), 400);
  expect_refused(chunked("2\r\na\r\n0\r\n\r\n"), 400);
  expect_refused(chunked("1\r\na0\r\n\r\n"), 400);
}

TEST(MessageParser, LinesOfAChunkedBodyEndInCrlfOnly) {
  for (const std::string_view body :
       {"1\na\r\n0\r\n\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\r\n0\n\r\n", "1\r\na\r\n0\r\n\n",
        "1\ra\r\n0\r\n\r\n", "1\r\na\r0\r\n\r\n", "1\r\r\na\r\n0\r\n\r\n", "1\r\na\r\r\n0\r\n\r\n",
        "0\r\nX: 1\n\r\n", "0\r\nX: 1\r\r\n\r\n", "0\r\nX: 1\r\n\n", "0\r\nX: a\rb\r\n\r\n",
        "1;a=b\na\r\n0\r\n\r\n", "1;a\rb\r\na\r\n0\r\n\r\n", "0\r\n\r\r\n",
        "\r\n1\r\na\r\n0\r\n\r\n"}) {
    expect_refused(chunked(body), 400);
  }
}

TEST(MessageParser, ChunkExtensionsAreIgnored) {
  expect_body(read(chunked("1;a\r\nx\r\n0;b=c\r\n\r\n")), "x");
  expect_body(read(chunked("1;a=\"b c\";d\r\nx\r\n0\r\n\r\n")), "x");
}

TEST(MessageParser, AChunkExtensionWithoutANameIsRefused) {
  expect_refused(chunked("1;=v\r\nx\r\n0\r\n\r\n"), 400);
  expect_refused(chunked("1;\r\nx\r\n0\r\n\r\n"), 400);
}

TEST(MessageParser, ChunkExtensionsMayBeAsLongAsTheirLimitInAllAndNoLonger) {
  constexpr std::size_t kLimit = std::size_t{16} << 10;
  const std::string half = "1;" + std::string(kLimit / 2, 'n') + "\r\nx\r\n";

  expect_body(read(chunked(half + half + "0\r\n\r\n")), "xx");
  expect_refused(chunked(half + half + "0;n\r\n\r\n"), 400);
}

TEST(MessageParser, TrailersAreReadAndForgotten) {
  const Outcome outcome = read(
      chunked("1\r\nx\r\n0\r\nDigest: abc\r\nX-Empty:\r\nX-Last: 1\r\n\r\n") + std::string(kGet));

  ASSERT_EQ(outcome.messages.size(), 2U) << outcome.detail;
  EXPECT_EQ(outcome.messages[0].fields.size(), 2U);
  EXPECT_EQ(outcome.messages[1], get_message());
}

TEST(MessageParser, AFramingFieldInTheTrailersIsRefused) {
  for (const std::string_view trailer :
       {"Content-Length: 1", "transfer-encoding: chunked", "HOST: a",
        "Content-Length:", "X: 1\r\nContent-Length: 5", "X-Empty:\r\nContent-Length: 5"}) {
    expect_refused(chunked("1\r\nx\r\n0\r\n" + std::string(trailer) + "\r\n\r\n"), 400);
  }
}

TEST(MessageParser, BadTrailersAreRefused) {
  for (const std::string_view trailer :
       {"X", " X: 1", "X: 1\r\n folded", "X Y: 1", "X : 1", "X: a\x01"}) {
    expect_refused(chunked("1\r\nx\r\n0\r\n" + std::string(trailer) + "\r\n\r\n"), 400);
  }
}

TEST(MessageParser, TrailersMayBeAsLongAsTheirLimitInAllAndNoLonger) {
  constexpr std::size_t kLimit = std::size_t{8} << 10;
  const std::string trailer = "X: " + std::string(kLimit - 1, 'v') + "\r\n";

  expect_body(read(chunked("1\r\nx\r\n0\r\n" + trailer + "\r\n")), "x");
  expect_refused(chunked("1\r\nx\r\n0\r\n" + trailer + "Y:\r\n\r\n"), 400);
}

TEST(MessageParser, LimitsOfTheHeadGiveTheirStatus) {
  ServerConfig limits;
  limits.max_fields = 2;
  expect_refused(kGet, 431, limits);
  limits = {};
  limits.max_head = kGet.size() - 1;
  expect_refused(kGet, 431, limits);
  limits = {};
  limits.max_target = 8;
  expect_refused("GET /" + std::string(60, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, limits);
}

TEST(MessageParser, ATrailerWithoutANameIsRefused) {
  expect_refused(chunked("1\r\nx\r\n0\r\n: v\r\n\r\n"), 400);
  expect_refused(chunked("1\r\nx\r\n0\r\n:\r\n\r\n"), 400);
}

TEST(MessageParser, AChunkSizeHasALimitedNumberOfDigits) {
  expect_refused(chunked(std::string(40'000, '0') + "1\r\nx\r\n0\r\n\r\n"), 400);
}

TEST(MessageParser, AChunkOverTheLimitIsRefusedByItsSize) {
  ServerConfig limits;
  limits.max_body = 5;
  expect_refused(chunked("6\r\n"), 413, limits);
  expect_refused(chunked("ffffffffffffffff\r\n"), 413, limits);
}

}  // namespace
}  // namespace lambdapool::supervisor
