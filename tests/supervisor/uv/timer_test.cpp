#include "supervisor/uv/timer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

namespace lambdapool::supervisor::uv {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(Timer, ItFiresOncePerStart) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });

  timer.start(1ms);
  loop.run();
  EXPECT_EQ(fired, 1);
  timer.start(0ms);
  loop.run();
  EXPECT_EQ(fired, 2);
}

TEST(Timer, ItDoesNotFireBeforeItsTime) {
  Loop loop;
  Timer timer(loop, [] {});
  const auto begin = Clock::now();

  timer.start(20ms);
  loop.run();

  // libuv counts whole milliseconds.
  EXPECT_GE(Clock::now() - begin, 19ms);
}

TEST(Timer, ItCountsFromItsStartHoweverLongTheLoopWasBusy) {
  Loop loop;
  TimePoint begin;
  TimePoint end;
  Timer inner(loop, [&] { end = Clock::now(); });
  Timer outer(loop, [&] {
    const auto busy_until = Clock::now() + 50ms;
    while (Clock::now() < busy_until) {
    }
    begin = Clock::now();
    inner.start(20ms);
  });

  outer.start(0ms);
  loop.run();

  EXPECT_GE(end - begin, 19ms);
}

TEST(Timer, StartedAnewItCountsAnew) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });

  timer.start(1h);
  timer.start(1ms);
  loop.run();

  EXPECT_EQ(fired, 1);
}

TEST(Timer, StoppedItDoesNotFireAndDoesNotKeepTheLoop) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.start(1h);
  EXPECT_TRUE(timer.active());

  timer.stop();

  EXPECT_FALSE(timer.active());
  loop.run();
  EXPECT_EQ(fired, 0);
}

TEST(Timer, ADelayBelowZeroIsNone) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });

  timer.start(-5ms);
  loop.run();

  EXPECT_EQ(fired, 1);
}

TEST(Timer, ItMayBeStartedAgainInItsOwnCallback) {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired < 3) timer->start(0ms);
  });

  timer->start(0ms);
  loop.run();

  EXPECT_EQ(fired, 3);
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
