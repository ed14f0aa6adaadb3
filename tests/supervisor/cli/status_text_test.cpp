#include "supervisor/cli/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusText, AnAnswerWithNothingInItIsDashes) {
  for (const Json& status : {Json(), Json::object(), Json::array(), Json("text")}) {
    const std::string text = status_text(status);

    EXPECT_THAT(text, HasSubstr("supervisor  pid -, up -, -\n"));
    EXPECT_THAT(text, HasSubstr("no workers\n"));
  }
}

TEST(StatusText, MembersOfAnotherKindAreDashes) {
  const Json status = *parse_json(
      R"({"pid": "x", "workers": [{"worker": [], "rss": -1, "requests": 3}, 7], "queue": []})");

  EXPECT_THAT(status_text(status), HasSubstr("WORKER  PID  STATE"));
}

TEST(StatusText, WhatALambdaSaysCannotMoveTheCursor) {
  const Json status = *parse_json(
      R"({"lambda": {"name": "a\u001b[2Jb"}, "reasons": [{"reason": "r\nx", "text": "\u0007"}],
          "workers": [{"worker": 1, "last_exit": {"text": "\u001b[31m\n"}}]})");

  for (const std::string& text : {status_text(status), reasons_text(status)}) {
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
    EXPECT_THAT(text, Not(HasSubstr("\x07")));
    EXPECT_THAT(text, HasSubstr("r\\nx"));
  }
}

TEST(StatusText, RequestsAreListedOldestFirstUpToALimit) {
  Json requests = Json::array();
  for (int i = 0; i < 25; ++i) {
    requests.push_back({{"id", "r" + std::to_string(i)}, {"age_s", i}, {"begun", i % 2 == 0}});
  }
  const Json status = {{"workers", Json::array({Json{{"worker", 1}, {"requests", requests}}})}};

  const std::string text = status_text(status);

  EXPECT_LT(text.find("r24 "), text.find("r23 "));
  EXPECT_THAT(text, HasSubstr("and 5 more\n"));
  EXPECT_THAT(text, Not(HasSubstr("r4 ")));
}

TEST(StatusText, TasksAreShownOnlyOfATasksLambda) {
  const Json tasks = {{"waiting", 2U},  {"running", 1U}, {"limit", 10000U},
                      {"finished", 5U}, {"failed", 0U},  {"cancelled", 3U}};

  EXPECT_THAT(status_text(Json{{"tasks", tasks}}),
              HasSubstr("tasks       2 waiting of 10000, 1 running; since the start 5 finished, 0 "
                        "failed, 3 cancelled\n"));
  EXPECT_THAT(status_text(Json{{"tasks", nullptr}}), Not(HasSubstr("tasks")));
}

TEST(StatusText, TheLambdaIsShownWithItsId) {
  EXPECT_THAT(status_text(Json{{"lambda", {{"id", "an-id"}}}}), HasSubstr("id          an-id\n"));
}

TEST(ReasonsText, AReadyOneHasNone) { EXPECT_EQ(reasons_text(Json{{"ready", true}}), ""); }

TEST(StacksText, EachWorkerHasItsBlock) {
  const Json workers = *parse_json(
      R"([{"worker": 1, "pid": 10, "threads": "one\ntwo", "tasks": ""}, {"worker": 2, "pid": 11}])");

  EXPECT_EQ(stacks_text(workers),
            "worker 1, pid 10\n  one\n  two\n\nworker 2, pid 11\n  its threads gave no stacks\n");
}

}  // namespace
}  // namespace lambdapool::supervisor
