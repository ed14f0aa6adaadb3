#include "supervisor/pool/crash_report.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "protocol/vitals.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kRoot = "/srv/lambda";

// What CPython 3.11 writes at ctypes.string_at(0).
constexpr std::string_view kSegfault = R"(Fatal Python error: Segmentation fault

Current thread 0x00007f6a1c2d5740 (most recent call first):
  File "/usr/lib/python3.11/ctypes/__init__.py", line 519 in string_at
  File "/srv/lambda/lambda_main.py", line 20 in boom
  File "/srv/lambda/lambda_main.py", line 24 in main
  File "/usr/share/lambdapool/pylib/luna_lambda_tools/private/running.py", line 88 in run
  File "/usr/lib/python3.11/asyncio/events.py", line 80 in _run

Extension modules: _ctypes (total: 1)
)";

constexpr std::string_view kThreads = R"(Fatal Python error: Aborted

Thread 0x00007f0000000001 (most recent call first):
  File "/srv/lambda/bystander.py", line 1 in wait
  File "/usr/lib/python3.11/threading.py", line 975 in run

Current thread 0x00007f0000000002 (most recent call first):
  File "/srv/lambda/package/deep.py", line 7 in abort
  File "/srv/lambda/lambda_main.py", line 3 in main

Thread 0x00007f0000000003 (most recent call first):
  File "/srv/lambda/other.py", line 2 in wait
)";

void write_as_worker(const CrashReport& report, std::string_view text) {
  ASSERT_EQ(write(report.descriptor(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}

std::unique_ptr<CrashReport> make_report() {
  auto report = CrashReport::create();
  EXPECT_TRUE(report) << report.error();
  return std::move(*report);
}

TEST(CrashPlace, ItIsTheInnermostFrameOfTheLambdaBelowWhatItCalled) {
  EXPECT_EQ(crash_place(kSegfault, kRoot), "lambda_main.py:20 in boom");
}

TEST(CrashPlace, OfSeveralThreadsTheCurrentOneCounts) {
  EXPECT_EQ(crash_place(kThreads, kRoot), "package/deep.py:7 in abort");
}

TEST(CrashPlace, WithoutAFrameOfTheLambdaItIsTheInnermostOfAll) {
  EXPECT_EQ(crash_place(kSegfault, "/elsewhere"),
            "/usr/lib/python3.11/ctypes/__init__.py:519 in string_at");
}

TEST(CrashPlace, AFolderWhoseNameOnlyBeginsLikeTheLambdasIsNotIt) {
  constexpr std::string_view kText =
      "Current thread 0x01 (most recent call first):\n"
      "  File \"/srv/lambda-other/a.py\", line 1 in a\n"
      "  File \"/srv/lambda/b.py\", line 2 in b\n";

  EXPECT_EQ(crash_place(kText, kRoot), "b.py:2 in b");
}

TEST(CrashPlace, WithoutACurrentThreadTheFirstOneCounts) {
  constexpr std::string_view kText =
      "Thread 0x01 (most recent call first):\n"
      "  File \"/srv/lambda/a.py\", line 1 in a\n"
      "\n"
      "Thread 0x02 (most recent call first):\n"
      "  File \"/srv/lambda/b.py\", line 2 in b\n";

  EXPECT_EQ(crash_place(kText, kRoot), "a.py:1 in a");
}

TEST(CrashPlace, TheCurrentThreadMayHaveNoPythonFrame) {
  constexpr std::string_view kText =
      "Fatal Python error: Segmentation fault\n\n"
      "Current thread 0x01 (most recent call first):\n"
      "  <no Python frame>\n"
      "\n"
      "Thread 0x02 (most recent call first):\n"
      "  File \"/srv/lambda/b.py\", line 2 in b\n";

  EXPECT_EQ(crash_place(kText, kRoot), "");
}

TEST(CrashPlace, NamesMayHoldWhatSeparatesTheParts) {
  constexpr std::string_view kText =
      "Current thread 0x01 (most recent call first):\n"
      "  File \"/srv/lambda/a\", line 1 in b.py\", line 2 in <lambda>\n";

  EXPECT_EQ(crash_place(kText, kRoot), "a\", line 1 in b.py:2 in <lambda>");
}

TEST(CrashPlace, TextThatIsNoReportHasNoPlace) {
  for (const std::string_view text :
       {"", "\n\n\n", "Segmentation fault", "  File \"/srv/lambda/a.py\", line 1 in a\n",
        "Current thread 0x", "Current thread 0x01\n  File \"/srv/lambda/a.py\n",
        "Current thread 0x01\n  File \"/srv/lambda/a.py\", line x in a\n",
        "Current thread 0x01\n  File \"/srv/lambda/a.py\", line  in a\n",
        "Current thread 0x01\n  File \"/srv/lambda/a.py\", line 1\n",
        "Current thread 0x01\n  File \"\n", "Current thread 0x01\n  File \"\", line "}) {
    EXPECT_EQ(crash_place(text, kRoot), "") << text;
  }
}

TEST(CrashPlace, AReportCutOffAnywhereIsReadWithoutHarm) {
  for (std::size_t size = 0; size < kThreads.size(); ++size) {
    const std::string place = crash_place(kThreads.substr(0, size), kRoot);
    EXPECT_EQ(place.find('\n'), std::string::npos) << size;
  }
}

TEST(CrashReport, WhatTheWorkerWroteIsTaken) {
  const auto report = make_report();
  EXPECT_EQ(report->take(), "");

  write_as_worker(*report, kSegfault);

  EXPECT_EQ(report->take(), kSegfault);
}

TEST(CrashReport, WhatWasTakenIsForgotten) {
  const auto report = make_report();
  write_as_worker(*report, kSegfault);

  report->take();

  EXPECT_EQ(report->take(), "");
}

TEST(CrashReport, AfterATakeTheWorkerWritesFromTheStart) {
  const auto report = make_report();
  write_as_worker(*report, kSegfault);
  report->take();

  write_as_worker(*report, "again");

  EXPECT_EQ(report->take(), "again");
}

TEST(CrashReport, AsMuchAsFitsIsTakenAndTheRestCannotBeWritten) {
  const auto report = make_report();
  const std::string whole(protocol::kCrashReportBytes, 'x');
  write_as_worker(*report, whole);

  EXPECT_EQ(write(report->descriptor(), "y", 1), -1);

  EXPECT_EQ(report->take(), whole);
}

TEST(CrashReport, TheWorkerCanNeitherGrowNorShrinkIt) {
  const auto report = make_report();

  EXPECT_EQ(ftruncate(report->descriptor(), 0), -1);
  EXPECT_EQ(ftruncate(report->descriptor(), off_t{protocol::kCrashReportBytes} + 1), -1);

  struct stat status{};
  ASSERT_EQ(fstat(report->descriptor(), &status), 0);
  EXPECT_EQ(status.st_size, off_t{protocol::kCrashReportBytes});
}

TEST(CrashReport, AWorkerThatMovesThePositionDoesNotHideTheNextReport) {
  const auto report = make_report();
  write_as_worker(*report, "first");
  ASSERT_EQ(lseek(report->descriptor(), 1000, SEEK_SET), 1000);

  EXPECT_EQ(report->take(), "first");

  write_as_worker(*report, "second");
  EXPECT_EQ(report->take(), "second");
}

TEST(CrashReport, OtherProgramsDoNotInheritIt) {
  const auto report = make_report();

  EXPECT_NE(fcntl(report->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(CrashReport, StacksThatWereAskedForAreForgottenUnlessACrashIsThereAsWell) {
  const auto report = make_report();
  write_as_worker(*report, "Thread 0x01 (most recent call first):\n");
  EXPECT_EQ(report->take_unless_crash(), "Thread 0x01 (most recent call first):\n");
  EXPECT_EQ(report->take_unless_crash(), "");

  write_as_worker(*report, kSegfault);
  EXPECT_EQ(report->take_unless_crash(), kSegfault);
  EXPECT_EQ(report->take(), kSegfault);
  EXPECT_EQ(report->take(), "");
}

}  // namespace
}  // namespace lambdapool::supervisor
