#include "protocol/vitals.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace lambdapool::protocol {
namespace {

// One mapping of a vitals page, as each of the two programs has one.
class Mapping {
 public:
  Mapping(int file, std::uint32_t window)
      : bytes_(vitals_bytes(window)),
        memory_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)) {}
  ~Mapping() { munmap(memory_, bytes_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  Mapping(Mapping&&) = delete;
  Mapping& operator=(Mapping&&) = delete;

  bool good() const { return memory_ != MAP_FAILED; }
  Vitals* vitals() const { return static_cast<Vitals*>(memory_); }
  VitalsSlot* slots() const { return vitals_slots(vitals()); }

 private:
  std::size_t bytes_;
  void* memory_;
};

class VitalsTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kWindow = 64;

  void SetUp() override {
    file_ = memfd_create("vitals", MFD_CLOEXEC);
    ASSERT_GE(file_, 0);
    ASSERT_EQ(ftruncate(file_, static_cast<off_t>(vitals_bytes(kWindow))), 0);
  }
  void TearDown() override { close(file_); }

  int file_ = -1;
};

TEST(Vitals, AreFourWordsAndOneForEachSlot) {
  EXPECT_EQ(vitals_bytes(0), 32U);
  EXPECT_EQ(vitals_bytes(1), 40U);
  EXPECT_EQ(vitals_bytes(kMaxWindow), 32U + 8U * kMaxWindow);
}

TEST(Vitals, SlotsFollowTheFieldsWithoutAGap) {
  alignas(Vitals) std::byte memory[vitals_bytes(2)] = {};
  auto* vitals = reinterpret_cast<Vitals*>(memory);

  EXPECT_EQ(reinterpret_cast<std::byte*>(vitals_slots(vitals)), memory + 32);
  EXPECT_EQ(reinterpret_cast<std::byte*>(vitals_slots(vitals) + 1), memory + 40);
}

TEST_F(VitalsTest, AFreshPageSaysThatNothingHasBegun) {
  const Mapping page(file_, kWindow);
  ASSERT_TRUE(page.good());

  EXPECT_EQ(page.vitals()->frames_taken.load(), 0U);
  for (std::uint32_t slot = 0; slot < kWindow; ++slot)
    EXPECT_EQ(page.slots()[slot].begun.load(), 0U);
}

TEST_F(VitalsTest, WhatOneProcessMarksTheOtherSeesAlsoAfterItsDeath) {
  const Mapping supervisor(file_, kWindow);
  ASSERT_TRUE(supervisor.good());

  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Mapping worker(file_, kWindow);
    if (!worker.good()) _exit(1);
    worker.vitals()->frames_taken.store(3, std::memory_order_relaxed);
    worker.slots()[0].begun.store(UINT64_MAX, std::memory_order_release);
    worker.slots()[kWindow - 1].begun.store(17, std::memory_order_release);
    abort();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(supervisor.vitals()->frames_taken.load(), 3U);
  EXPECT_EQ(supervisor.slots()[0].begun.load(), UINT64_MAX);
  EXPECT_EQ(supervisor.slots()[1].begun.load(), 0U);
  EXPECT_EQ(supervisor.slots()[kWindow - 1].begun.load(), 17U);
}

}  // namespace
}  // namespace lambdapool::protocol
