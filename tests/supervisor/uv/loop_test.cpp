#include "supervisor/uv/loop.h"

#include <gtest/gtest.h>

#include "supervisor/uv/before_wait.h"
#include "supervisor/uv/timer.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor::uv {
namespace {

using namespace std::chrono_literals;

// Says when it is destroyed, and retires another object then.
class Tracked final : public Retirable {
 public:
  Tracked(Loop& loop, int& destroyed, std::unique_ptr<Retirable> next = nullptr)
      : loop_(loop), destroyed_(destroyed), next_(std::move(next)) {}
  ~Tracked() override {
    ++destroyed_;
    if (next_ != nullptr) loop_.retire(std::move(next_));
  }

 private:
  Loop& loop_;
  int& destroyed_;
  std::unique_ptr<Retirable> next_;
};

// An object that ends inside of its own callback.
class OneShot final : public Retirable {
 public:
  OneShot(Loop& loop, std::unique_ptr<OneShot>& owner, int& fired)
      : timer_(loop, [this, &loop, &owner, &fired] {
          loop.retire(std::move(owner));
          // It is still there: its members may be used until the callback returns.
          fired += timer_.active() ? 100 : 1;
        }) {
    timer_.start(0ms);
  }

 private:
  Timer timer_;
};

TEST(Loop, ALoopWithNothingOnItEndsAtOnce) {
  Loop loop;

  loop.run();

  EXPECT_EQ(uv_loop_alive(loop.get()), 0);
}

TEST(Loop, ARetiredObjectIsDestroyedBeforeTheLoopWaits) {
  int destroyed = 0;
  Loop loop;

  loop.retire(std::make_unique<Tracked>(loop, destroyed));
  EXPECT_EQ(destroyed, 0);
  run_turns(loop, 1);

  EXPECT_EQ(destroyed, 1);
}

TEST(Loop, AnObjectMayRetireAnotherWhenItIsDestroyed) {
  int destroyed = 0;
  Loop loop;

  loop.retire(
      std::make_unique<Tracked>(loop, destroyed, std::make_unique<Tracked>(loop, destroyed)));
  run_turns(loop, 1);

  EXPECT_EQ(destroyed, 2);
}

TEST(Loop, WhatIsRetiredLastIsDestroyedWithTheLoop) {
  int destroyed = 0;
  {
    Loop loop;
    loop.retire(
        std::make_unique<Tracked>(loop, destroyed, std::make_unique<Tracked>(loop, destroyed)));
  }

  EXPECT_EQ(destroyed, 2);
}

TEST(Loop, AnObjectMayEndInsideItsOwnCallback) {
  int fired = 0;
  Loop loop;
  std::unique_ptr<OneShot> object;
  object = std::make_unique<OneShot>(loop, object, fired);

  loop.run();

  EXPECT_EQ(fired, 1);
  EXPECT_EQ(object, nullptr);
}

TEST(Loop, RetiringNothingDoesNoHarm) {
  Loop loop;

  loop.retire(nullptr);

  run_turns(loop, 1);
}

TEST(Loop, AHandleThatIsDroppedJustBeforeTheLoopIsClosedByIt) {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop, [] {});
  timer->start(1h);

  timer.reset();
}

TEST(BeforeWait, ItCallsBackOncePerTurnAndDoesNotKeepTheLoop) {
  Loop loop;
  int called = 0;
  BeforeWait before(loop, [&] { ++called; });
  Timer alive(loop, [] {});
  alive.start(1h);

  uv_run(loop.get(), UV_RUN_NOWAIT);
  EXPECT_EQ(called, 1);
  uv_run(loop.get(), UV_RUN_NOWAIT);
  EXPECT_EQ(called, 2);

  alive.stop();
  loop.run();
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
