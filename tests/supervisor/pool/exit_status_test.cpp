#include "supervisor/pool/exit_status.h"

#include <gtest/gtest.h>

#include <csignal>

namespace lambdapool::supervisor {
namespace {

TEST(ExitStatus, AnExitIsToldByItsStatus) {
  EXPECT_EQ((ExitStatus{0, 0}.to_string()), "exited with status 0");
  EXPECT_EQ((ExitStatus{3, 0}.to_string()), "exited with status 3");
  EXPECT_EQ((ExitStatus{255, 0}.to_string()), "exited with status 255");
}

TEST(ExitStatus, ASignalIsToldByItsNumberAndName) {
  EXPECT_EQ((ExitStatus{0, SIGSEGV}.to_string()), "ended by signal 11 (SIGSEGV)");
  EXPECT_EQ((ExitStatus{0, SIGKILL}.to_string()), "ended by signal 9 (SIGKILL)");
}

TEST(ExitStatus, ASignalWithoutANameIsToldByItsNumber) {
  EXPECT_EQ((ExitStatus{0, 40}.to_string()), "ended by signal 40");
}

TEST(ExitStatus, OnlyAnExitWithStatusZeroIsClean) {
  EXPECT_TRUE((ExitStatus{0, 0}.clean()));
  EXPECT_FALSE((ExitStatus{1, 0}.clean()));
  EXPECT_FALSE((ExitStatus{0, SIGTERM}.clean()));
}

}  // namespace
}  // namespace lambdapool::supervisor
