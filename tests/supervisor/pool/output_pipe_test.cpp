#include "supervisor/pool/output_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

class OutputPipeTest : public testing::Test {
 protected:
  OutputPipeTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    EXPECT_GT(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20), 0);
    worker_ = uv::FileDescriptor(ends[1]);
    pipe_ = std::make_unique<OutputPipe>(
        loop_, uv::FileDescriptor(ends[0]),
        [this](std::string_view line) { lines_.emplace_back(line); },
        [this](std::uint64_t count) { dropped_ += count; });
  }

  void worker_prints(std::string_view text) {
    ASSERT_EQ(write(worker_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  uv::Loop loop_;
  uv::FileDescriptor worker_;
  std::unique_ptr<OutputPipe> pipe_;
  std::vector<std::string> lines_;
  std::uint64_t dropped_ = 0;
};

std::string many_lines(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += "x\n";
  return text;
}

TEST_F(OutputPipeTest, LinesComeAsTheyArePrinted) {
  worker_prints("first\nsec");
  EXPECT_TRUE(run_until(loop_, [&] { return lines_.size() == 1; }));
  worker_prints("ond\n");
  EXPECT_TRUE(run_until(loop_, [&] { return lines_.size() == 2; }));

  EXPECT_EQ(lines_, (std::vector<std::string>{"first", "second"}));
}

TEST_F(OutputPipeTest, FinishTakesWhatIsLeftAndTheLineWithoutAnEnd) {
  worker_prints("left\nbehind");
  worker_.reset();

  pipe_->finish();

  EXPECT_EQ(lines_, (std::vector<std::string>{"left", "behind"}));
}

TEST_F(OutputPipeTest, FinishDoesNotWaitForAChildThatHoldsThePipe) {
  worker_prints("left");

  pipe_->finish();

  EXPECT_EQ(lines_, std::vector<std::string>{"left"});
}

TEST_F(OutputPipeTest, AfterFinishNothingKeepsTheLoop) {
  pipe_->finish();

  run_turns(loop_);

  EXPECT_EQ(uv_loop_alive(loop_.get()), 0);
}

TEST_F(OutputPipeTest, AfterEndOfFileNothingKeepsTheLoop) {
  worker_.reset();

  loop_.run();

  EXPECT_TRUE(lines_.empty());
}

TEST_F(OutputPipeTest, AsManyLinesAsASecondHasRoomForAllCome) {
  worker_prints(many_lines(OutputPipe::kLinesPerSecond));

  pipe_->finish();

  EXPECT_EQ(lines_.size(), OutputPipe::kLinesPerSecond);
  EXPECT_EQ(dropped_, 0U);
}

TEST_F(OutputPipeTest, EveryLineComesOrIsCountedAsDropped) {
  constexpr std::uint64_t kPrinted = 3 * OutputPipe::kLinesPerSecond;
  worker_prints(many_lines(kPrinted));

  pipe_->finish();

  // Most are dropped, unless the machine takes seconds for this.
  EXPECT_GE(lines_.size(), OutputPipe::kLinesPerSecond);
  EXPECT_EQ(lines_.size() + dropped_, kPrinted);
}

TEST_F(OutputPipeTest, TheNextSecondHasRoomAgainAndTellsWhatWasDropped) {
  worker_prints(many_lines(OutputPipe::kLinesPerSecond + 5));
  EXPECT_TRUE(run_until(loop_, [&] { return lines_.size() >= OutputPipe::kLinesPerSecond; }));

  // A line now and then, until one gets through.
  EXPECT_TRUE(run_until(loop_, [&] {
    worker_prints("later\n");
    return lines_.back() == "later";
  }));

  EXPECT_GE(dropped_, 5U);
}

TEST_F(OutputPipeTest, AFloodDoesNotKeepTheLoopFromItsOtherWork) {
  bool fired = false;
  uv::Timer timer(loop_, [&] { fired = true; });
  timer.start(std::chrono::milliseconds(1));
  const std::string flood = many_lines(10'000);

  EXPECT_TRUE(run_until(loop_, [&] {
    while (write(worker_.get(), flood.data(), flood.size()) > 0) {
    }
    return fired;
  }));
}

}  // namespace
}  // namespace lambdapool::supervisor
