#include "supervisor/uv/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include "supervisor/uv/file_descriptor.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor::uv {
namespace {

class ProcessTest : public testing::Test {
 protected:
  struct Ended {
    std::int64_t status;
    int signal;
  };

  ProcessTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    ours_ = FileDescriptor(ends[0]);
    theirs_ = FileDescriptor(ends[1]);
  }

  // Runs a script whose standard output is read by `output`.
  void run(const std::string& script) {
    auto process =
        Process::spawn(loop_, {{"/bin/sh", "-c", script}, {-1, theirs_.get(), 2}},
                       [this](std::int64_t status, int signal) { ended_ = {status, signal}; });
    ASSERT_TRUE(process) << process.error();
    process_ = std::move(*process);
  }
  // Everything the children print, until the last of them has closed its end.
  std::string output() {
    theirs_.reset();
    std::string text;
    char byte = 0;
    while (read(ours_.get(), &byte, 1) == 1) text += byte;
    return text;
  }
  std::string line() {
    std::string text;
    char byte = 0;
    while (read(ours_.get(), &byte, 1) == 1 && byte != '\n') text += byte;
    return text;
  }
  Ended await_end() {
    EXPECT_TRUE(run_until(loop_, [&] { return ended_.has_value(); }));
    return ended_.value_or(Ended{-1, -1});
  }

  Loop loop_;
  FileDescriptor ours_;
  FileDescriptor theirs_;
  std::unique_ptr<Process> process_;
  std::optional<Ended> ended_;
};

TEST_F(ProcessTest, AnExitIsToldWithItsStatus) {
  run("exit 7");
  EXPECT_TRUE(process_->running());
  EXPECT_GT(process_->pid(), 0);

  const Ended ended = await_end();

  EXPECT_EQ(ended.status, 7);
  EXPECT_EQ(ended.signal, 0);
  EXPECT_FALSE(process_->running());
}

TEST_F(ProcessTest, ADeathBySignalIsToldWithTheSignal) {
  run("kill -SEGV $$");

  EXPECT_EQ(await_end().signal, SIGSEGV);
}

TEST_F(ProcessTest, ASignalReachesTheProcess) {
  run("echo up; exec sleep 1000");
  EXPECT_EQ(line(), "up");

  process_->signal(SIGTERM);

  EXPECT_EQ(await_end().signal, SIGTERM);
}

TEST_F(ProcessTest, AProcessThatHasEndedIsNotSignalled) {
  run("exit 0");
  await_end();

  process_->signal(SIGKILL);

  EXPECT_EQ(await_end().status, 0);
}

TEST_F(ProcessTest, AGroupSignalReachesWhatTheProcessStartedAlsoAfterItsEnd) {
  run("sleep 1000 & echo up; exit 3");
  EXPECT_EQ(line(), "up");
  EXPECT_EQ(await_end().status, 3);

  process_->signal_group(SIGKILL);

  // End-of-file comes when the last one of the group is gone.
  EXPECT_EQ(output(), "");
}

TEST_F(ProcessTest, AProcessHasASessionOfItsOwn) {
  run("exec sleep 1000");

  EXPECT_EQ(getsid(process_->pid()), process_->pid());
  process_->signal(SIGKILL);
  await_end();
}

TEST_F(ProcessTest, ADescriptorOfOursIsInheritedOnlyWhenItIsGiven) {
  // Far above what the shell may use itself.
  const FileDescriptor extra(fcntl(theirs_.get(), F_DUPFD_CLOEXEC, 50));
  ASSERT_TRUE(extra.open());

  run("test -e /proc/self/fd/1 && test ! -e /proc/self/fd/" + std::to_string(extra.get()));

  EXPECT_EQ(await_end().status, 0);
}

TEST_F(ProcessTest, ADroppedProcessIsKilledWithItsGroup) {
  run("sleep 1000 & echo up; wait");
  EXPECT_EQ(line(), "up");

  process_.reset();

  EXPECT_EQ(output(), "");
  EXPECT_FALSE(ended_);
}

TEST_F(ProcessTest, AProgramThatIsMissingIsNamed) {
  const auto process = Process::spawn(loop_, {{"/nowhere/program"}, {}}, [](std::int64_t, int) {});

  ASSERT_FALSE(process);
  EXPECT_EQ(process.error(), "/nowhere/program: no such file or directory");
}

TEST_F(ProcessTest, AMinusOneIsTheNullDevice) {
  auto process = Process::spawn(
      loop_, {{"/bin/sh", "-c", "readlink /proc/self/fd/0"}, {-1, theirs_.get(), -1}},
      [this](std::int64_t status, int signal) { ended_ = {status, signal}; });
  ASSERT_TRUE(process) << process.error();

  EXPECT_EQ(await_end().status, 0);
  EXPECT_EQ(output(), "/dev/null\n");
}

TEST_F(ProcessTest, ADescriptorThatIsNotGivenIsNotInherited) {
  const FileDescriptor extra(
      fcntl(theirs_.get(), F_DUPFD, 50));  // Without close-on-exec, as one inherited from a shell.
  run("test ! -e /proc/self/fd/" + std::to_string(extra.get()));
  EXPECT_EQ(await_end().status, 0);
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
