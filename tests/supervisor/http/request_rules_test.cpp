#include "supervisor/http/request_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace lambdapool::supervisor {
namespace {

std::uint32_t status_of_line(std::string_view line) {
  RequestHead head;
  const auto result = read_request_line(line, head);
  return result ? 200 : result.error().status;
}

RequestHead read_line(std::string_view line) {
  RequestHead head;
  const auto result = read_request_line(line, head);
  EXPECT_TRUE(result) << line << ": " << result.error().detail;
  return head;
}

std::uint32_t status_of_fields(protocol::Fields fields, int minor_version = 1) {
  RequestHead head;
  head.minor_version = minor_version;
  head.fields = std::move(fields);
  const auto result = check_fields(head);
  return result ? 200 : result.error().status;
}

RequestHead read_fields(protocol::Fields fields, int minor_version = 1) {
  RequestHead head;
  head.minor_version = minor_version;
  head.fields = std::move(fields);
  if (minor_version == 1) head.fields.push_back({"Host", "a"});
  const auto result = check_fields(head);
  EXPECT_TRUE(result) << result.error().detail;
  return head;
}

std::uint32_t status_of_host(std::string_view value) { return status_of_fields({{"Host", value}}); }

TEST(RequestLine, ItsPartsAreRead) {
  const RequestHead head = read_line("POST /main?a=1&b=2 HTTP/1.1");

  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/main?a=1&b=2");
  EXPECT_EQ(head.path, "/main");
  EXPECT_EQ(head.query, "a=1&b=2");
  EXPECT_EQ(head.minor_version, 1);
}

TEST(RequestLine, WhatIsNotThreePartsWithOneSpaceBetweenIsRefused) {
  for (const std::string_view line :
       {"", " ", "  ", "GET", "GET /", "GET / ", "GET  HTTP/1.1", " / HTTP/1.1", "GET  / HTTP/1.1",
        "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1", "GET /a b HTTP/1.1",
        "GET\t/\tHTTP/1.1", "GET /\ta HTTP/1.1", "GET / HTTP/1.1\t"}) {
    EXPECT_EQ(status_of_line(line), 400U) << "'" << line << "'";
  }
}

TEST(RequestLine, BothVersionsOfHttp1AreRead) {
  EXPECT_EQ(read_line("GET / HTTP/1.1").minor_version, 1);
  EXPECT_EQ(read_line("GET / HTTP/1.0").minor_version, 0);
}

TEST(RequestLine, OtherVersionsOfHttpAreNotSupported) {
  for (const std::string_view version :
       {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/0.0", "HTTP/9.9"}) {
    EXPECT_EQ(status_of_line("GET / " + std::string(version)), 505U) << version;
  }
}

TEST(RequestLine, WhatIsNoVersionOfHttpIsABadRequest) {
  for (const std::string_view version :
       {"http/1.1", "HTTP/1", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTP/1,1", "HTTPS/1.1",
        "HTTP 1.1", "HTTP/a.b", "HTTP/1.", "HTTP/.1", "HTTP/-1.1", "ICE/1.0", "RTSP/1.0",
        "XTTP/1.1", "HTTP/1.1x", "HTTP/+.1", "1.1"}) {
    EXPECT_EQ(status_of_line("GET / " + std::string(version)), 400U) << version;
  }
}

TEST(RequestLine, TheKnownMethodsAreServed) {
  for (const std::string_view method :
       {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    const std::string line = std::string(method) + " / HTTP/1.1";
    EXPECT_EQ(read_line(line).method, method);
  }
}

TEST(RequestLine, OtherMethodsAreNotImplementedAndCaseMatters) {
  for (const std::string_view method : {"CONNECT", "TRACE", "PRI", "M-SEARCH", "LINK", "get",
                                        "Post", "GETS", "GE", "!#$%&'*+-.^_`|~"}) {
    EXPECT_EQ(status_of_line(std::string(method) + " / HTTP/1.1"), 501U) << method;
  }
}

TEST(RequestLine, AMethodThatIsNoWordIsABadRequest) {
  for (const std::string_view method :
       {"GE(T", "G\x01T", "\"GET\"", "GET:", "G\xc3\xa4T", "GET,"}) {
    EXPECT_EQ(status_of_line(std::string(method) + " / HTTP/1.1"), 400U) << method;
  }
}

struct Target {
  std::string_view text;
  std::string_view path;
  std::string_view query;
};

TEST(RequestLine, EveryFormOfTargetGivesItsPathAndQuery) {
  constexpr Target kTargets[] = {
      {"/", "/", ""},
      {"/?", "/", ""},
      {"/main", "/main", ""},
      {"/a/b?c=d?e", "/a/b", "c=d?e"},
      {"/a%20b?%3F", "/a%20b", "%3F"},
      {"//double", "//double", ""},
      {"/../up", "/../up", ""},
      {"/a:b@c", "/a:b@c", ""},
      {"/http://x/", "/http://x/", ""},
      {"http://host/main?x", "/main", "x"},
      {"HTTP://HOST/main", "/main", ""},
      {"https://host:8443/main", "/main", ""},
      {"http://host", "/", ""},
      {"http://host?x=1", "/", "x=1"},
      {"http://[::1]:80/a", "/a", ""},
      {"http://host/", "/", ""},
  };
  for (const Target& target : kTargets) {
    const std::string line = "GET " + std::string(target.text) + " HTTP/1.1";
    const RequestHead head = read_line(line);
    EXPECT_EQ(head.path, target.path) << target.text;
    EXPECT_EQ(head.query, target.query) << target.text;
  }
}

TEST(RequestLine, OtherTargetsAreRefused) {
  for (const std::string_view target :
       {"main",        "?x",          "http:",   "http:/",         "http://", "http:///path",
        "http://?x",   "ftp://host/", "host:80", "example.com",    "https",   "httpx://host/",
        "/a#fragment", "/#",          "/a?b#c",  "http://host/#c", "**",      "*/",
        "*?x",         "./a"}) {
    EXPECT_EQ(status_of_line("GET " + std::string(target) + " HTTP/1.1"), 400U) << target;
  }
}

TEST(RequestLine, TheAsteriskIsATargetForOptionsOnly) {
  EXPECT_EQ(read_line("OPTIONS * HTTP/1.1").path, "*");
  for (const std::string_view method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(status_of_line(std::string(method) + " * HTTP/1.1"), 400U) << method;
  }
}

TEST(RequestFields, AHostWithAnOptionalPortIsAccepted) {
  for (const std::string_view value :
       {"a", "example.com", "example.com:80", "127.0.0.1:8000", "[::1]", "[::1]:8000",
        "[2001:db8::192.0.2.1]", "under_score", "a-b.c~d", "host:", "h%41st",
        "!$&'()*+,;=", "xn--caf-dma", "host:0", "host:65535", "EXAMPLE"}) {
    EXPECT_EQ(status_of_host(value), 200U) << value;
  }
}

TEST(RequestFields, AnythingElseInHostIsRefused) {
  for (const std::string_view value :
       {"a b",  "a/b",         "http://a", "a:b",   "a:80:90",  "a:-1", "user@a", "a?b",
        "a#b",  "a\\b",        "\"a\"",    "<a>",   "a:80 ",    "[::1", "::1",    "[]",
        "[:]x", "[::1]x",      "[::1]80",  "[::g]", "[::1]:8a", "a%",   "a%4",    "a%zz",
        "a\tb", "h\xc3\xb6st", "a:123456", "{a}",   "a|b",      "a^b",  "a, b"}) {
    EXPECT_EQ(status_of_host(value), 400U) << value;
  }
}

TEST(RequestFields, ExactlyOneHostIsNeededInHttp11) {
  EXPECT_EQ(status_of_fields({}), 400U);
  EXPECT_EQ(status_of_fields({{"HOST", "a"}}), 200U);
  EXPECT_EQ(status_of_fields({{"Host", "a"}, {"host", "a"}}), 400U);
  EXPECT_EQ(status_of_fields({{"Hosts", "a"}}), 400U);
}

TEST(RequestFields, Http10NeedsNoHostButHasNoTwo) {
  EXPECT_EQ(status_of_fields({}, 0), 200U);
  EXPECT_EQ(status_of_fields({{"Host", "a"}}, 0), 200U);
  EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Host", "b"}}, 0), 400U);
  EXPECT_EQ(status_of_fields({{"Host", "a b"}}, 0), 400U);
}

TEST(RequestFields, AContentLengthIsRead) {
  EXPECT_EQ(read_fields({{"content-LENGTH", "0"}}).content_length, 0U);
  EXPECT_EQ(read_fields({{"Content-Length", "0042"}}).content_length, 42U);
  EXPECT_EQ(read_fields({{"Content-Length", "18446744073709551615"}}).content_length,
            18446744073709551615U);
  EXPECT_EQ(read_fields({}).content_length, std::nullopt);
}

TEST(RequestFields, AContentLengthThatIsNoNumberIsRefused) {
  for (const std::string_view value :
       {"", "+1", "-1", "1.0", "0x10", "1 ", " 1", "1 2", "1,1", "1, 1", "a", "1a",
        "18446744073709551616", "99999999999999999999999", "1_0", "\xd9\xa1"}) {
    EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Content-Length", value}}), 400U)
        << "'" << value << "'";
  }
}

TEST(RequestFields, TwoContentLengthsAreRefusedEvenWhenTheyAgree) {
  EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Content-Length", "1"}, {"Content-Length", "1"}}),
            400U);
  EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Content-Length", "1"}, {"content-length", "2"}}),
            400U);
}

TEST(RequestFields, ChunkedIsTheOnlyTransferEncoding) {
  EXPECT_TRUE(read_fields({{"Transfer-Encoding", "chunked"}}).chunked);
  EXPECT_TRUE(read_fields({{"transfer-encoding", "CHUNKED"}}).chunked);
  EXPECT_FALSE(read_fields({}).chunked);
  for (const std::string_view value :
       {"gzip", "identity", "gzip, chunked", "chunked, gzip", "chunked,", "xchunked", "chunked;q=1",
        "\"chunked\"", "chunked\v", "chunke"}) {
    EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Transfer-Encoding", value}}), 501U)
        << "'" << value << "'";
  }
  EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Transfer-Encoding", ""}}), 400U);
}

TEST(RequestFields, TwoTransferEncodingsAreRefused) {
  EXPECT_EQ(
      status_of_fields(
          {{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}),
      400U);
  EXPECT_NE(status_of_fields(
                {{"Host", "a"}, {"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}),
            200U);
}

TEST(RequestFields, TransferEncodingAndContentLengthExcludeEachOtherInEitherOrder) {
  EXPECT_EQ(
      status_of_fields({{"Host", "a"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "0"}}),
      400U);
  EXPECT_EQ(
      status_of_fields({{"Host", "a"}, {"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}),
      400U);
}

TEST(RequestFields, Http10HasNoTransferEncoding) {
  EXPECT_EQ(status_of_fields({{"Transfer-Encoding", "chunked"}}, 0), 400U);
}

struct Persistence {
  int minor_version;
  std::string_view connection;
  bool keep_alive;
};

TEST(RequestFields, ConnectionOptionsAndVersionDecideAboutKeepAlive) {
  constexpr Persistence kCases[] = {
      {1, "", true},
      {1, "keep-alive", true},
      {1, "close", false},
      {1, "CLOSE", false},
      {1, "x, Close", false},
      {1, "close,keep-alive", false},
      {1, "closed", true},
      {1, "upgrade", true},
      {0, "", false},
      {0, "keep-alive", true},
      {0, "Keep-Alive", true},
      {0, "close", false},
      {0, "x", false},
      {0, "keep-alive, close", false},
      {0, "foo , keep-alive", true},
  };
  for (const Persistence& one : kCases) {
    EXPECT_EQ(read_fields({{"Connection", one.connection}}, one.minor_version).keep_alive,
              one.keep_alive)
        << "HTTP/1." << one.minor_version << " '" << one.connection << "'";
  }
}

TEST(RequestFields, OptionsOfSeveralConnectionFieldsCountTogether) {
  EXPECT_FALSE(read_fields({{"Connection", "keep-alive"}, {"connection", "close"}}).keep_alive);
  EXPECT_TRUE(read_fields({{"Connection", "x"}, {"Connection", "keep-alive"}}, 0).keep_alive);
}

TEST(RequestFields, WithoutAConnectionFieldTheVersionDecides) {
  EXPECT_TRUE(read_fields({}, 1).keep_alive);
  EXPECT_FALSE(read_fields({}, 0).keep_alive);
}

TEST(RequestFields, TheExpectationOfAContinueIsNotedInHttp11Only) {
  EXPECT_TRUE(read_fields({{"Expect", "100-Continue"}}).expects_continue);
  EXPECT_FALSE(read_fields({}).expects_continue);
  EXPECT_FALSE(read_fields({{"Expect", "100-continue"}}, 0).expects_continue);
  EXPECT_FALSE(read_fields({{"Expect", "anything"}}, 0).expects_continue);
}

TEST(RequestFields, OtherExpectationsFail) {
  for (const std::string_view value : {"", "200-ok", "100-continue, x", "100"}) {
    EXPECT_EQ(status_of_fields({{"Host", "a"}, {"Expect", value}}), 417U) << value;
  }
}

TEST(RequestFields, OnlyFramingAndRoutingAreForbiddenInTrailers) {
  for (const std::string_view name : {"Content-Length", "transfer-encoding", "HOST"}) {
    EXPECT_FALSE(allowed_in_trailers(name)) << name;
  }
  for (const std::string_view name : {"Digest", "x-checksum", "Content-Lengths", "Hos"}) {
    EXPECT_TRUE(allowed_in_trailers(name)) << name;
  }
}

}  // namespace
}  // namespace lambdapool::supervisor
