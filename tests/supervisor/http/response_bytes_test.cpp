#include "supervisor/http/response_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kRequestId = "1700000000,9d6bd6b3-4c2c-4c05-8ee6-6a3f4b7d3b0e";

ResponseContext context(AfterResponse after = AfterResponse::kKeepAlive, int minor_version = 1) {
  return {.request_id = kRequestId,
          .lambda_version = "7",
          .minor_version = minor_version,
          .after = after};
}

ResponseContext to_head() {
  ResponseContext made = context();
  made.head = true;
  return made;
}

protocol::Response response(std::uint32_t status, protocol::Fields headers = {},
                            std::string_view body = "body") {
  protocol::Response made;
  made.id = 1;
  made.status = status;
  made.headers = std::move(headers);
  made.body = body;
  return made;
}

std::string head_of(const protocol::Response& told, const ResponseContext& of) {
  Date date;
  std::string out = "what was here before";
  write_response_head(out, told, of, date);
  return out;
}

std::string failure_of(const Failure& failure, const ResponseContext& of) {
  Date date;
  std::string out = "what was here before";
  write_failure(out, failure, of, date);
  return out;
}

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string_view body_of(const std::string& bytes) {
  const auto end = bytes.find("\r\n\r\n");
  return end == std::string::npos ? std::string_view{} : std::string_view(bytes).substr(end + 4);
}

std::string fault_of(const protocol::Response& told) {
  return find_fault(told.status, told.headers).value_or("");
}

TEST(ResponseBytes, AnOrdinaryResponseHasNoFault) {
  EXPECT_EQ(
      fault_of(response(200, {{"Content-Type", "text/html"}, {"X", ""}, {"Y", "\xc3\xa4\tb\xff"}})),
      "");
}

TEST(ResponseBytes, AStatusOutsideOfItsRangeIsAFault) {
  EXPECT_THAT(fault_of(response(199)), HasSubstr("199"));
  EXPECT_EQ(fault_of(response(200)), "");
  EXPECT_EQ(fault_of(response(599)), "");
  EXPECT_THAT(fault_of(response(600)), HasSubstr("600"));
  EXPECT_THAT(fault_of(response(0)), HasSubstr("status 0"));
  EXPECT_THAT(fault_of(response(100)), HasSubstr("100"));
  EXPECT_THAT(fault_of(response(4294967295U)), HasSubstr("4294967295"));
}

TEST(ResponseBytes, AHeaderNameThatIsNoWordIsAFault) {
  for (const std::string_view name : {"", "X Y", "X:", "X\r\nY", "\xc3\xa4"}) {
    EXPECT_THAT(fault_of(response(200, {{"Good", "1"}, {name, "v"}})), HasSubstr("name")) << name;
  }
}

TEST(ResponseBytes, AControlCharacterInAHeaderValueIsAFault) {
  for (int code = 0; code < 256; ++code) {
    const std::string value = "a" + std::string(1, static_cast<char>(code)) + "b";
    const bool control = (code < 0x20 && code != '\t') || code == 0x7f;
    EXPECT_EQ(!fault_of(response(200, {{"X-Name", value}})).empty(), control)
        << "character " << code;
  }
}

TEST(ResponseBytes, TheFaultNamesTheHeader) {
  EXPECT_THAT(fault_of(response(200, {{"X-Name", "a\r\nSet-Cookie: b"}})), HasSubstr("'X-Name'"));
}

TEST(ResponseBytes, AHeadHasStatusLineLunasHeadersAndTheLength) {
  const std::string head =
      head_of(response(201, {{"Content-Type", "text/plain"}}, "12345"), context());

  EXPECT_TRUE(head.starts_with("HTTP/1.1 201 Created\r\nDate: ")) << head;
  EXPECT_THAT(head, HasSubstr("\r\nLuna-Request-Id: " + std::string(kRequestId) + "\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nLambda-Version: 7\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: 5\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: text/plain\r\n"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(body_of(head), "");
}

TEST(ResponseBytes, AnEmptyBodyHasALengthOfZero) {
  EXPECT_THAT(head_of(response(200, {}, ""), context()), HasSubstr("\r\nContent-Length: 0\r\n"));
}

TEST(ResponseBytes, WhatTheHostSaysItselfIsNeverTakenFromALambda) {
  for (const std::string_view name :
       {"Content-Length", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive",
        "Upgrade", "Date", "TE", "Trailer", "Proxy-Connection", "LUNA-REQUEST-ID",
        "lambda-version"}) {
    const std::string head =
        head_of(response(200, {{name, "from-lambda"}, {"X-Other", "kept"}}), context());
    EXPECT_THAT(head, Not(HasSubstr("from-lambda"))) << name;
    EXPECT_THAT(head, HasSubstr("\r\nX-Other: kept\r\n")) << name;

    Failure failure = make_failure(FailureKind::kInternal, "x");
    failure.headers.emplace_back(name, "from-lambda");
    EXPECT_THAT(failure_of(failure, context()), Not(HasSubstr("from-lambda"))) << name;
  }
}

TEST(ResponseBytes, TheSameHeaderMayComeTwice) {
  const std::string head =
      head_of(response(200, {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}), context());

  EXPECT_THAT(head, HasSubstr("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
}

TEST(ResponseBytes, WhiteSpaceAroundAValueIsLeftOut) {
  EXPECT_THAT(head_of(response(200, {{"X", " \ta b\t "}}), context()), HasSubstr("\r\nX: a b\r\n"));
}

TEST(ResponseBytes, NeitherHeadNor204Nor304SendsABody) {
  EXPECT_TRUE(sends_body(200, context()));
  EXPECT_TRUE(sends_body(404, context()));
  EXPECT_FALSE(sends_body(204, context()));
  EXPECT_FALSE(sends_body(304, context()));
  EXPECT_FALSE(sends_body(200, to_head()));
}

TEST(ResponseBytes, TheAnswerToHeadSaysHowLongTheBodyWouldBe) {
  EXPECT_THAT(head_of(response(200, {}, "12345"), to_head()),
              HasSubstr("\r\nContent-Length: 5\r\n"));
}

TEST(ResponseBytes, NoContentAndNotModifiedHaveNoLength) {
  EXPECT_THAT(head_of(response(204, {{"Content-Length", "4"}}), context()),
              Not(HasSubstr("Content-Length")));
  EXPECT_THAT(head_of(response(304), context()), Not(HasSubstr("Content-Length")));
}

TEST(ResponseBytes, ConnectionIsSaidWhereTheVersionsDefaultIsTheOther) {
  const protocol::Response told = response(200);

  EXPECT_THAT(head_of(told, context(AfterResponse::kKeepAlive, 1)), Not(HasSubstr("Connection:")));
  EXPECT_THAT(head_of(told, context(AfterResponse::kClose, 1)),
              HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(head_of(told, context(AfterResponse::kKeepAlive, 0)),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(head_of(told, context(AfterResponse::kClose, 0)),
              HasSubstr("\r\nConnection: close\r\n"));
}

TEST(ResponseBytes, AnswersToHttp10AreOfHttp11) {
  EXPECT_TRUE(
      head_of(response(200), context(AfterResponse::kClose, 0)).starts_with("HTTP/1.1 200 OK\r\n"));
}

std::string stream_head_of(std::uint32_t status, const ResponseContext& of) {
  Date date;
  protocol::StreamHead told;
  told.status = status;
  told.headers = {{"Content-Type", "text/plain"}, {"Content-Length", "5"}};
  std::string out = "what was here before";
  write_stream_head(out, told, of, date);
  return out;
}

std::string piece_of(std::string_view bytes, const ResponseContext& of) {
  std::string out = "what was here before";
  write_stream_piece(out, bytes, of);
  return out;
}

TEST(ResponseBytes, AStreamIsChunkedWhateverTheLambdaSaysAboutItsLength) {
  const std::string head = stream_head_of(200, context());

  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Type: text/plain\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
  EXPECT_EQ(piece_of("0123456789abcdefX", context()), "11\r\n0123456789abcdefX\r\n");
  EXPECT_EQ(kLastChunk, "0\r\n\r\n");
}

TEST(ResponseBytes, AStreamToHttp10EndsWithTheConnection) {
  const ResponseContext of = context(AfterResponse::kClose, 0);

  EXPECT_THAT(stream_head_of(200, of), Not(HasSubstr("Transfer-Encoding")));
  EXPECT_THAT(stream_head_of(200, of), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(piece_of("abc", of), "abc");
}

TEST(ResponseBytes, AFailureIsLunasErrorJson) {
  const std::string bytes =
      failure_of(make_failure(FailureKind::kWorkerCrashed, "worker exited"), context());

  EXPECT_TRUE(bytes.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nLambda-Error: worker_crashed\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nLuna-Request-Id: " + std::string(kRequestId) + "\r\n"));
  EXPECT_THAT(bytes, HasSubstr("\r\nLambda-Version: 7\r\n"));
  EXPECT_EQ(
      body_of(bytes),
      R"({"error_code":42004,"desc":"Lambda exception","detail":"worker exited",)"
      R"("link":"https://docs.visionlabs.ai/info/luna/troubleshooting/errors-description/code-42004"})");
  EXPECT_THAT(bytes,
              HasSubstr("\r\nContent-Length: " + std::to_string(body_of(bytes).size()) + "\r\n"));
}

TEST(ResponseBytes, AFailureThatIsWorthAnotherTrySaysWhen) {
  EXPECT_THAT(failure_of(make_failure(FailureKind::kQueueFull, ""), context()),
              HasSubstr("\r\nRetry-After: 1\r\n"));
}

TEST(ResponseBytes, TheAnswerToAFailedHeadHasNoBodyButItsLength) {
  const std::string bytes = failure_of(make_failure(FailureKind::kInternal, "x"), to_head());

  EXPECT_EQ(body_of(bytes), "");
  EXPECT_THAT(bytes, HasSubstr("\r\nContent-Length: "));
  EXPECT_THAT(bytes, Not(HasSubstr("\r\nContent-Length: 0\r\n")));
}

TEST(ResponseBytes, WhateverBytesADetailHoldsTheBodyIsOneJsonString) {
  for (int code = 0; code < 256; ++code) {
    const std::string bytes = failure_of(
        make_failure(FailureKind::kInternal, "<" + std::string(1, static_cast<char>(code)) + ">"),
        context());
    const std::string body(body_of(bytes));

    EXPECT_TRUE(body.ends_with("\"}")) << "character " << code;
    // Three texts and four keys: every other quote is escaped.
    EXPECT_EQ(occurrences(body, "\"") - occurrences(body, "\\\""), 14U)
        << "character " << code << " " << body;
    for (const char c : body)
      EXPECT_GE(static_cast<unsigned char>(c), 0x20) << "character " << code;
    EXPECT_TRUE(is_printable(body)) << "character " << code << " " << body;
    EXPECT_THAT(bytes, HasSubstr("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"));
  }
}

TEST(ResponseBytes, QuotesBackslashesAndLinesOfADetailAreEscaped) {
  const std::string bytes =
      failure_of(make_failure(FailureKind::kInternal, "a\"b\\c\nd"), context());

  EXPECT_THAT(bytes, HasSubstr(R"("detail":"a\"b\\c\nd")"));
}

TEST(ResponseBytes, ADescriptionIsEscapedAsWell) {
  Failure failure = make_failure(FailureKind::kInternal, "");
  failure.desc = "a\"\r\nb";

  EXPECT_THAT(failure_of(failure, context()), HasSubstr(R"("desc":"a\"\r\nb")"));
}

TEST(ResponseBytes, AFailureWithAnImpossibleStatusIsA500) {
  Failure failure = make_failure(FailureKind::kInternal, "x");
  for (const std::uint32_t status : {0U, 101U, 199U, 600U, 1000U}) {
    failure.status = status;
    EXPECT_TRUE(failure_of(failure, context()).starts_with("HTTP/1.1 500 ")) << status;
  }
  for (const std::uint32_t status : {200U, 599U}) {
    failure.status = status;
    EXPECT_TRUE(failure_of(failure, context()).starts_with("HTTP/1.1 " + std::to_string(status)))
        << status;
  }
}

TEST(ResponseBytes, NothingOfAFailureBreaksTheHead) {
  Failure failure = make_failure(FailureKind::kInternal, "x");
  failure.kind = "a\r\nSet-Cookie: evil";
  failure.headers = {
      {"Bad Name", "evil"}, {"X-Bad", "a\r\nevil: 1"}, {"X-Good", "kept"}, {"", "evil"}};

  const std::string bytes = failure_of(failure, context());

  EXPECT_THAT(bytes, Not(HasSubstr("evil")));
  EXPECT_THAT(bytes, HasSubstr("\r\nX-Good: kept\r\n"));
}

TEST(ResponseBytes, AContinueIsAWholeInterimResponse) {
  EXPECT_EQ(kContinue, "HTTP/1.1 100 Continue\r\n\r\n");
}

}  // namespace
}  // namespace lambdapool::supervisor
