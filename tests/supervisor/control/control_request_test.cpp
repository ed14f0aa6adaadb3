#include "supervisor/control/control_request.h"

#include <gtest/gtest.h>

#include "supervisor/control/line_reader.h"

namespace lambdapool::supervisor {
namespace {

std::string refusal(std::string_view line) {
  const auto request = parse_control_request(line);
  return request ? "" : request.error();
}

TEST(ControlRequest, EachRequestIsReadAsItIsWritten) {
  const std::vector<ControlRequest> requests = {control::Status{},
                                                control::Scale{4},
                                                control::Reload{},
                                                control::Stop{},
                                                control::Stop{true},
                                                control::Stacks{},
                                                control::ListQuarantine{},
                                                control::ClearQuarantine{},
                                                control::SetLogLevel{LogLevel::kWarning}};
  for (const ControlRequest& request : requests) {
    const std::string line = control_line(request);

    const auto again = parse_control_request(line);

    ASSERT_TRUE(again) << line << ": " << again.error();
    EXPECT_EQ(again->index(), request.index()) << line;
    EXPECT_EQ(control_line(*again), line);
  }
}

TEST(ControlRequest, ANumberOfWorkersHasTwoEnds) {
  EXPECT_EQ(refusal(R"({"command":"scale","workers":1})"), "");
  EXPECT_EQ(refusal(R"({"command":"scale","workers":1024})"), "");
  for (const char* workers : {"0", "1025", "-1", "1.5", "\"2\"", "null", "18446744073709551617"}) {
    EXPECT_EQ(refusal(std::string(R"({"command":"scale","workers":)") + workers + "}"),
              "workers must be a whole number from 1 to 1024")
        << workers;
  }
  EXPECT_EQ(refusal(R"({"command":"scale"})"), "workers must be a whole number from 1 to 1024");
}

TEST(ControlRequest, WhatIsNotKnownIsRefused) {
  EXPECT_EQ(refusal("{}"), R"(the request names no command, as in {"command": "status"})");
  EXPECT_EQ(refusal(R"({"command":1})"),
            R"(the request names no command, as in {"command": "status"})");
  EXPECT_EQ(refusal(R"({"command":"statu"})"), "unknown command 'statu'; did you mean 'status'?");
  EXPECT_EQ(refusal(R"({"command":"reload","workers":3})"), "the command reload has no 'workers'");
  EXPECT_EQ(refusal(R"({"command":"stop","now":1})"), "now must be true or false");
  EXPECT_EQ(refusal(R"({"command":"log-level","level":"loud"})"),
            "level must be debug, info, warning or error");
}

TEST(ControlRequest, WhatIsNoJsonObjectIsRefused) {
  EXPECT_EQ(refusal("status"), "the request is no JSON, from byte 1 on");
  EXPECT_EQ(refusal("[]"), "the request is no JSON object");
  EXPECT_NE(refusal(""), "");
  EXPECT_NE(refusal(std::string(4096, '[')), "");
  EXPECT_NE(refusal(std::string_view("\0\0", 2)), "");
}

TEST(ControlAnswer, ItIsOneLineWhateverItSays) {
  EXPECT_EQ(control_line(ControlResult(Json{{"a", 1}})), R"({"ok":true,"result":{"a":1}})");
  EXPECT_EQ(control_line(ControlResult(std::unexpected("two\nlines"))),
            R"({"ok":false,"error":"two\nlines"})");
}

TEST(LineReader, LinesSurviveAnySplit) {
  const std::string bytes = "one\n\ntwo\nrest";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    LineReader reader(10);
    std::vector<std::string> lines;
    for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      reader.feed(part);
      while (auto line = reader.next()) lines.push_back(*line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"})) << cut;
    EXPECT_FALSE(reader.spoiled());
    EXPECT_EQ(reader.size(), 4);
  }
}

TEST(LineReader, ALineMayBeAsLongAsTheLimit) {
  LineReader reader(3);
  reader.feed("abc\n");
  EXPECT_EQ(reader.next(), "abc");
  reader.feed("abcd");
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_TRUE(reader.spoiled());
  reader.feed("\nok\n");
  EXPECT_EQ(reader.next(), std::nullopt);
}

}  // namespace
}  // namespace lambdapool::supervisor
