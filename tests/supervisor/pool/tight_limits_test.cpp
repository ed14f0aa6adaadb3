#include "supervisor/pool/tight_limits.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

TEST(TightLimits, OneThatIsSmallIsNamedWithItsKey) {
  EXPECT_EQ(tight_limits_hint({.open_files = 4}, "died"),
            " (worker.open_files is 4, which may be too few)");
  EXPECT_EQ(tight_limits_hint({.memory = 10U << 20U}, "died"),
            " (worker.memory_limit is 10MiB, which may be too little)");
}

TEST(TightLimits, AnyIsNamedWhenTheFailureSaysSo) {
  EXPECT_EQ(tight_limits_hint({.memory = 1U << 30U}, "MemoryError was raised"),
            " (worker.memory_limit is 1GiB, which may be too little)");
  EXPECT_EQ(tight_limits_hint({.open_files = 1000}, "OSError: [Errno 24] Too many open files"),
            " (worker.open_files is 1000, which may be too few)");
}

TEST(TightLimits, OthersAreNotBlamed) {
  EXPECT_EQ(tight_limits_hint({}, "MemoryError: Too many open files"), "");
  EXPECT_EQ(tight_limits_hint({.memory = 1U << 30U, .open_files = 64}, "SyntaxError"), "");
}

}  // namespace
}  // namespace lambdapool::supervisor
