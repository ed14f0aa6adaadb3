#include "supervisor/pool/oom_counter.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace lambdapool::supervisor {
namespace {

TEST(OomCounter, CountsWhatTheControlGroupSays) {
  std::string path = "/tmp/lambdapool-oom-XXXXXX";
  ASSERT_GE(mkstemp(path.data()), 0);
  const OomCounter counter(path);
  EXPECT_FALSE(counter.kills());

  std::ofstream(path) << "low 0\nhigh 12\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n";

  EXPECT_EQ(counter.kills(), 2U);
  std::remove(path.c_str());
  EXPECT_FALSE(counter.kills());
}

}  // namespace
}  // namespace lambdapool::supervisor
