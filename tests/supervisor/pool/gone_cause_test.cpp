#include "supervisor/pool/gone_cause.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lambdapool::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr const char* kSegfault =
    "Fatal Python error: Segmentation fault\n\n"
    "Current thread 0x00007f (most recent call first):\n"
    "  File \"/usr/lib/python3.11/ctypes/__init__.py\", line 517 in string_at\n"
    "  File \"/srv/l/lambda_main.py\", line 20 in boom\n";

std::string sentence(GoneCause cause, const ExitStatus& exit_status, std::string_view report) {
  return death_sentence(cause, exit_status, report, "/srv/l", 2s);
}

TEST(DeathSentence, NamesSignalAndPlace) {
  EXPECT_EQ(sentence(GoneCause::kCrashed, {0, 11}, kSegfault),
            "worker ended by signal 11 (SIGSEGV) at lambda_main.py:20 in boom");
}

TEST(DeathSentence, NamesTheStatusOfAnExit) {
  EXPECT_EQ(sentence(GoneCause::kCrashed, {0, 0}, ""), "worker exited with status 0");
}

TEST(DeathSentence, StacksThatWereOnlyAskedForAreNoPlaceOfDeath) {
  EXPECT_EQ(sentence(GoneCause::kCrashed, {0, 9},
                     "Current thread 0x1 (most recent call first):\n"
                     "  File \"/srv/l/lambda_main.py\", line 3 in main\n"),
            "worker ended by signal 9 (SIGKILL)");
}

TEST(DeathSentence, SaysWhyItWasKilled) {
  EXPECT_TRUE(sentence(GoneCause::kHung, {0, 6}, kSegfault)
                  .starts_with("worker was killed because its event loop"));
  EXPECT_TRUE(sentence(GoneCause::kProtocol, {0, 9}, "").ends_with("broke the protocol"));
  EXPECT_EQ(sentence(GoneCause::kStartTimeout, {0, 9}, ""),
            "worker was not ready within 2000 ms (pool.start_timeout)");
}

}  // namespace
}  // namespace lambdapool::supervisor
