#include "supervisor/pool/oom_counter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace lambdapool::supervisor {
namespace {

// A /proc and a /sys of the test's own.
class OomCounters : public testing::Test {
 protected:
  OomCounters() {
    std::string name = testing::TempDir() + "lambdapool-oom-XXXXXX";
    root_ = mkdtemp(name.data());
  }
  ~OomCounters() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const auto file = std::filesystem::path(root_ + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string root_;
};

TEST_F(OomCounters, CountsWhatTheControlGroupSays) {
  const OomCounter counter(root_ + "/memory.events");
  EXPECT_FALSE(counter.kills());

  write("/memory.events", "low 0\nhigh 12\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n");
  EXPECT_EQ(counter.kills(), 2U);

  std::filesystem::remove(root_ + "/memory.events");
  EXPECT_FALSE(counter.kills());
}

TEST_F(OomCounters, FindsTheGroupOfVersionTwo) {
  write("/proc/self/cgroup", "0::/system.slice/lambdapool.service\n");
  write("/sys/fs/cgroup/system.slice/lambdapool.service/memory.events", "oom 1\noom_kill 4\n");

  EXPECT_EQ(OomCounter::of_this_process(root_).kills(), 4U);
}

TEST_F(OomCounters, FindsTheGroupOfVersionOneBesideAVersionTwoWithoutMemory) {
  write("/proc/self/cgroup", "4:memory:/docker/1f\n3:cpu,cpuacct:/docker/1f\n0::/docker/1f\n");
  write("/sys/fs/cgroup/memory/docker/1f/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");

  EXPECT_EQ(OomCounter::of_this_process(root_).kills(), 5U);
}

TEST_F(OomCounters, FindsTheGroupThatIsTheRootOfAContainersMount) {
  write("/proc/self/cgroup", "0::/docker/1f\n");
  write("/sys/fs/cgroup/memory.events", "oom 1\noom_kill 6\n");
  EXPECT_EQ(OomCounter::of_this_process(root_).kills(), 6U);

  write("/proc/self/cgroup", "7:name=systemd:/docker/1f\n6:hugetlb,memory:/docker/1f\n");
  write("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill 7\n");
  EXPECT_EQ(OomCounter::of_this_process(root_).kills(), 7U);
}

TEST_F(OomCounters, WithoutAControlGroupNothingIsCounted) {
  EXPECT_FALSE(OomCounter::of_this_process(root_).kills());

  write("/proc/self/cgroup", "not a group\n0:\n5:cpu:/a\n0::/gone\n");
  EXPECT_FALSE(OomCounter::of_this_process(root_).kills());
}

}  // namespace
}  // namespace lambdapool::supervisor
