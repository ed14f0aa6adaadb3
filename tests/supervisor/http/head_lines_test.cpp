#include "supervisor/http/head_lines.h"

#include <gtest/gtest.h>

#include <string>

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kHead = "POST /main HTTP/1.1\r\nHost: a\r\nX-Long: 1234567890\r\n\r\n";
constexpr std::size_t kRequestLineRest = 32;  // What a request line may have beside its target.

using Found = std::expected<std::optional<std::size_t>, Failure>;

Found find_end(std::string_view bytes, const ServerConfig& limits = {}) {
  return HeadLines(limits).find_end(bytes);
}

// Feeds the bytes one more at a time, as far as it takes.
Found find_end_byte_by_byte(std::string_view bytes, const ServerConfig& limits = {}) {
  HeadLines lines(limits);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto found = lines.find_end(bytes.substr(0, size));
    if (!found || *found) return found;
  }
  return lines.find_end(bytes);
}

void expect_end(const Found& found, std::size_t end) {
  ASSERT_TRUE(found) << found.error().detail;
  // Nothing would mean that more bytes are asked for.
  EXPECT_EQ(*found, std::optional(end));
}

void expect_refused(const Found& found, std::uint32_t status) {
  ASSERT_FALSE(found) << "accepted";
  EXPECT_EQ(found.error().status, status);
}

std::string request_line(std::size_t bytes) {
  const std::string begin = "GET /";
  const std::string end = " HTTP/1.1";
  return begin + std::string(bytes - begin.size() - end.size(), 'x') + end;
}

std::string field(std::size_t bytes) { return "X: " + std::string(bytes - 3, 'v'); }

std::string head_with(const std::string& field_line) {
  return "GET / HTTP/1.1\r\n" + field_line + "\r\n\r\n";
}

TEST(HeadLines, TheEndIsBehindTheEmptyLine) { expect_end(find_end(kHead), kHead.size()); }

TEST(HeadLines, WhatFollowsTheHeadIsNotLookedAt) {
  expect_end(find_end(std::string(kHead) + "body\n\r \n"), kHead.size());
}

TEST(HeadLines, TheEndIsFoundAtEverySplitOfTheHead) {
  for (std::size_t cut = 0; cut < kHead.size(); ++cut) {
    const ServerConfig limits;
    HeadLines lines(limits);

    const auto first = lines.find_end(kHead.substr(0, cut));
    ASSERT_TRUE(first) << "cut at " << cut;
    EXPECT_FALSE(*first) << "cut at " << cut;

    expect_end(lines.find_end(kHead), kHead.size());
  }
}

TEST(HeadLines, TheEndIsFoundWhenBytesComeOneByOne) {
  expect_end(find_end_byte_by_byte(kHead), kHead.size());
}

TEST(HeadLines, AfterAResetAnotherHeadIsFound) {
  const ServerConfig limits;
  HeadLines lines(limits);
  expect_end(lines.find_end(kHead), kHead.size());

  lines.reset();

  constexpr std::string_view kOther = "GET / HTTP/1.1\r\n\r\n";
  expect_end(lines.find_end(kOther), kOther.size());
}

TEST(HeadLines, AfterAResetTheFieldsAreCountedAnew) {
  ServerConfig limits;
  limits.max_fields = 2;
  HeadLines lines(limits);
  expect_end(lines.find_end(kHead), kHead.size());

  lines.reset();

  expect_end(lines.find_end(kHead), kHead.size());
}

TEST(HeadLines, ABareLfIsRefusedWhereverItStands) {
  for (const std::string_view head :
       {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n", "\nGET / HTTP/1.1\r\n\r\n",
        "GET / HT\nTP/1.1\r\n\r\n"}) {
    expect_refused(find_end(head), 400);
    expect_refused(find_end_byte_by_byte(head), 400);
  }
}

TEST(HeadLines, ABareCrIsRefusedWhereverItStands) {
  for (const std::string_view head :
       {"GET / HTTP/1.1\r\r\n\r\n", "GET /\r HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
        "\rGET / HTTP/1.1\r\n\r\n"}) {
    expect_refused(find_end(head), 400);
    expect_refused(find_end_byte_by_byte(head), 400);
  }
}

TEST(HeadLines, AFoldedFieldIsRefused) {
  expect_refused(find_end("GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n"), 400);
  expect_refused(find_end("GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n"), 400);
}

TEST(HeadLines, WhiteSpaceBeforeTheFirstFieldIsRefused) {
  expect_refused(find_end("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400);
  expect_refused(find_end("GET / HTTP/1.1\r\n \r\n\r\n"), 400);
}

TEST(HeadLines, AFieldWithoutANameIsRefused) {
  expect_refused(find_end("GET / HTTP/1.1\r\n: a\r\n\r\n"), 400);
  expect_refused(find_end("GET / HTTP/1.1\r\n:\r\n\r\n"), 400);
}

TEST(HeadLines, TheRequestLineMayBeAsLongAsItsLimitAndNoLonger) {
  ServerConfig limits;
  limits.max_target = 40;
  const std::size_t longest = limits.max_target + kRequestLineRest;

  const std::string at = request_line(longest) + "\r\n\r\n";
  expect_end(find_end(at, limits), at.size());
  const std::string over = request_line(longest + 1) + "\r\n\r\n";
  expect_refused(find_end(over, limits), 414);
  expect_refused(find_end_byte_by_byte(over, limits), 414);
}

TEST(HeadLines, ARequestLineOverItsLimitIsRefusedBeforeItEnds) {
  ServerConfig limits;
  limits.max_target = 40;

  expect_refused(find_end(std::string(limits.max_target + kRequestLineRest + 2, 'G'), limits), 414);
}

TEST(HeadLines, AFieldMayBeAsLongAsItsLimitAndNoLonger) {
  ServerConfig limits;
  limits.max_field = 40;

  const std::string at = head_with(field(limits.max_field));
  expect_end(find_end(at, limits), at.size());
  const std::string over = head_with(field(limits.max_field + 1));
  expect_refused(find_end(over, limits), 431);
  expect_refused(find_end_byte_by_byte(over, limits), 431);
}

TEST(HeadLines, AFieldOverItsLimitIsRefusedBeforeItEnds) {
  ServerConfig limits;
  limits.max_field = 40;

  expect_refused(find_end("GET / HTTP/1.1\r\n" + field(limits.max_field + 2), limits), 431);
}

TEST(HeadLines, TheRequestLineHasALimitOfItsOwn) {
  ServerConfig limits;
  limits.max_field = 10;

  expect_end(find_end("GET /longer-than-a-field HTTP/1.1\r\n\r\n", limits), 37);
}

TEST(HeadLines, AsManyFieldsAsAllowedAreFineAndNotOneMore) {
  for (const std::uint32_t most : {1U, 3U, 100U}) {
    ServerConfig limits;
    limits.max_fields = most;
    std::string head = "GET / HTTP/1.1\r\n";
    for (std::uint32_t i = 0; i < most; ++i) head += "X: 1\r\n";

    expect_end(find_end(head + "\r\n", limits), head.size() + 2);
    expect_refused(find_end(head + "X: 1\r\n\r\n", limits), 431);
  }
}

TEST(HeadLines, TheHeadMayBeAsLongAsItsLimitAndNoLonger) {
  ServerConfig limits;

  limits.max_head = kHead.size();
  expect_end(find_end(kHead, limits), kHead.size());
  expect_end(find_end_byte_by_byte(kHead, limits), kHead.size());
  limits.max_head = kHead.size() - 1;
  expect_refused(find_end(kHead, limits), 431);
  expect_refused(find_end_byte_by_byte(kHead, limits), 431);
}

TEST(HeadLines, AHeadWithoutAnEndIsRefusedAtTheLimit) {
  ServerConfig limits;
  limits.max_head = 100;
  limits.max_field = 1000;
  const std::string begin = "GET / HTTP/1.1\r\nX: ";

  const auto at = find_end(begin + std::string(limits.max_head - begin.size(), 'v'), limits);
  ASSERT_TRUE(at);
  EXPECT_FALSE(*at);
  expect_refused(find_end(begin + std::string(limits.max_head - begin.size() + 1, 'v'), limits),
                 431);
}

TEST(HeadLines, WhatIsOverALimitIsNamedByItsKey) {
  ServerConfig limits;
  limits.max_fields = 1;

  const auto refused = find_end("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n", limits);

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("server.max_fields (1)"), std::string::npos)
      << refused.error().detail;
}

TEST(HeadLines, AFieldAsLongAsItsLimitIsFineWhereverItIsSplit) {
  ServerConfig limits;
  limits.max_field = 40;
  const std::string at = head_with(field(limits.max_field));
  expect_end(find_end_byte_by_byte(at, limits), at.size());
  limits = {};
  limits.max_target = 40;
  const std::string line = request_line(limits.max_target + kRequestLineRest) + "\r\n\r\n";
  expect_end(find_end_byte_by_byte(line, limits), line.size());
}

}  // namespace
}  // namespace lambdapool::supervisor
