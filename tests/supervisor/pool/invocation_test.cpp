#include "supervisor/pool/invocation.h"

#include <gtest/gtest.h>

#include "tests/supervisor/support/answers.h"

namespace lambdapool::supervisor {
namespace {

protocol::Response response(std::uint32_t status, std::string_view body) {
  protocol::Response made;
  made.status = status;
  made.body = body;
  return made;
}

TEST(Invocation, AResponseIsToldOnceToItsConnection) {
  Answers answers;

  respond(answers.request(7), response(201, "done"));

  EXPECT_EQ(answers.count(), 1U);
  EXPECT_EQ(answers.of(7).status, 201U);
  EXPECT_EQ(answers.of(7).body, "done");
}

TEST(Invocation, AFailureIsToldOnceToItsConnection) {
  Answers answers;

  fail(answers.request(7), make_failure(FailureKind::kQueueFull, "why"));

  EXPECT_EQ(answers.count(), 1U);
  EXPECT_EQ(answers.of(7).status, 503U);
  EXPECT_EQ(answers.of(7).kind, "queue_full");
}

TEST(Invocation, DroppedUnansweredItAnswersItself) {
  Answers answers;

  answers.request(7).reset();

  EXPECT_EQ(answers.count(), 1U);
  EXPECT_EQ(answers.of(7).status, 500U);
  EXPECT_EQ(answers.of(7).kind, "internal");
}

TEST(Invocation, AbandonedItIsSilent) {
  Answers answers;

  abandon(answers.request(7));

  EXPECT_EQ(answers.count(), 0U);
}

TEST(Invocation, AStreamIsToldToItsConnectionAndEndsWholeWhenItIsFinished) {
  Answers answers;

  auto stream = begin_stream(answers.request(7), 1, {});
  ASSERT_NE(stream, nullptr);
  stream->chunk("a");
  stream->chunk("b");
  finish(std::move(stream));

  EXPECT_EQ(answers.count(), 1U);
  EXPECT_EQ(answers.of(7).body, "ab");
  EXPECT_EQ(answers.of(7).kind, "whole stream");
}

TEST(Invocation, AStreamThatIsDroppedIsCut) {
  Answers answers;

  begin_stream(answers.request(7), 1, {}).reset();

  EXPECT_EQ(answers.of(7).kind, "cut stream");
}

TEST(Invocation, AStreamThatIsAbandonedIsSilent) {
  Answers answers;

  abandon(begin_stream(answers.request(7), 1, {}));

  EXPECT_EQ(answers.of(7).kind, "stream");
}

TEST(Invocation, WithoutAWorkerAllItsTimeIsWaiting) {
  Answers answers;

  fail(answers.request(7), make_failure(FailureKind::kQueueTimeout, ""));

  const Passage passage = answers.of(7).passage;
  EXPECT_EQ(passage.worker, 0U);
  EXPECT_GT(passage.queued.count(), 0);
  EXPECT_EQ(passage.running.count(), 0);
}

TEST(Invocation, DispatchedItSaysWhichWorkerAndHowLong) {
  Answers answers;
  auto invocation = answers.request(7);

  invocation->dispatched(3);
  respond(std::move(invocation), response(200, {}));

  const Passage passage = answers.of(7).passage;
  EXPECT_EQ(passage.worker, 3U);
  EXPECT_GE(passage.queued.count(), 0);
  EXPECT_GT(passage.running.count(), 0);
}

TEST(Invocation, EveryDispatchIsAnAttempt) {
  Answers answers;
  auto invocation = answers.request(7);
  EXPECT_EQ(invocation->attempts(), 0U);

  invocation->dispatched(1);
  invocation->dispatched(2);

  EXPECT_EQ(invocation->attempts(), 2U);
  abandon(std::move(invocation));
}

TEST(Invocation, ItKeepsWhatMayHaveToBeSentAgain) {
  Answers answers;
  auto invocation = answers.request(7, "/path", "body");

  EXPECT_EQ(invocation->body(), "body");
  EXPECT_EQ(invocation->bytes(), invocation->request_fields().size() + 4);
  EXPECT_EQ(invocation->request_id(), "request-7");
  abandon(std::move(invocation));
}

}  // namespace
}  // namespace lambdapool::supervisor
