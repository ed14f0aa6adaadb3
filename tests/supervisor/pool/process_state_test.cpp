#include "supervisor/pool/process_state.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace lambdapool::supervisor {
namespace {

TEST(ProcessState, StoppedAndTracedProcessesAreStopped) {
  EXPECT_TRUE(parse_process_state("Name:\tx\nState:\tT (stopped)\n").stopped);
  EXPECT_TRUE(parse_process_state("Name:\tx\nState:\tt (tracing stop)\n").stopped);
  EXPECT_FALSE(parse_process_state("Name:\tx\nState:\tS (sleeping)\n").stopped);
  EXPECT_FALSE(parse_process_state("Name:\tState:\tT\nState:\tR (running)\n").stopped);
}

TEST(ProcessState, StacksAreTakenByWhoHasAHandlerForTheSignal) {
  // SIGUSR2 is 12, bit 11.
  EXPECT_TRUE(parse_process_state("SigCgt:\t0000000000000800\n").takes_stacks);
  EXPECT_TRUE(parse_process_state("State:\tR\nSigCgt:\tffffffffffffffff\n").takes_stacks);
  EXPECT_FALSE(parse_process_state("SigCgt:\tfffffffffffff7ff\n").takes_stacks);
  EXPECT_FALSE(parse_process_state("SigIgn:\t0000000000000800\n").takes_stacks);
  EXPECT_FALSE(parse_process_state("").takes_stacks);
  EXPECT_FALSE(parse_process_state("SigCgt:\tnonsense\n").takes_stacks);
}

TEST(ProcessState, TheKernelTellsItOfAProcessThatRuns) {
  const auto before = std::signal(SIGUSR2, SIG_DFL);
  EXPECT_FALSE(process_state(getpid()).value().takes_stacks);
  static_cast<void>(std::signal(SIGUSR2, [](int) {}));
  EXPECT_TRUE(process_state(getpid()).value().takes_stacks);
  EXPECT_FALSE(process_state(getpid()).value().stopped);
  static_cast<void>(std::signal(SIGUSR2, before));

  EXPECT_FALSE(process_state(0x7fffffff).has_value());
}

}  // namespace
}  // namespace lambdapool::supervisor
