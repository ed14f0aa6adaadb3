#include "supervisor/pool/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kRest =
    " S 1 1 1 0 -1 4194560 100 0 0 0 150 50 7 7 20 0 1 0 12345 1000000 3 18446744073709551615\n";

TEST(ProcessUsage, TimesAndPagesAreReadWhateverTheProgramIsCalled) {
  for (const std::string_view name : {"(worker)", "(a) b) ()", "(1 2 3)"}) {
    const auto usage = parse_process_stat("42 " + std::string(name) + std::string(kRest));

    ASSERT_TRUE(usage) << name;
    EXPECT_EQ(usage->resident_bytes, 3 * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    EXPECT_EQ(usage->cpu.count(), 200 * 1000 / sysconf(_SC_CLK_TCK));
  }
}

TEST(ProcessUsage, WhatIsNoSuchTextIsNothing) {
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("42 (worker) S 1 2 3"));
  EXPECT_FALSE(parse_process_stat("42 (worker) S 1 1 1 0 -1 1 1 0 0 0 x 50"));
}

TEST(ProcessUsage, MemoryIsReadFromAmongItsOtherLines) {
  const auto memory = parse_process_status(
      "Name:\tVmRSS: 7\nVmPeak:\t 9 kB\nVmHWM:\t    20 kB\nVmRSS:\t    10 kB\nThreads:\t1\n");

  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->resident_bytes, 10 * 1024);
  EXPECT_EQ(memory->peak_bytes, 20 * 1024);
  EXPECT_FALSE(parse_process_status("Name:\tzombie\n"));
  EXPECT_TRUE(process_memory(getpid()));
}

TEST(ProcessUsage, ALivingProcessTakesMemoryAndOneThatIsNotThereNothing) {
  const auto own = process_usage(getpid());

  ASSERT_TRUE(own);
  EXPECT_GT(own->resident_bytes, 100'000);
  EXPECT_FALSE(process_usage(-1));
}

}  // namespace
}  // namespace lambdapool::supervisor
