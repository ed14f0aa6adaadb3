#include "supervisor/pool/vitals_page.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lambdapool::supervisor {
namespace {

// The worker's side of the page.
class WorkersView {
 public:
  WorkersView(const VitalsPage& page, std::uint32_t window)
      : bytes_(protocol::vitals_bytes(window)) {
    void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, page.descriptor(), 0);
    if (mapped != MAP_FAILED) vitals_ = static_cast<protocol::Vitals*>(mapped);
  }
  WorkersView(const WorkersView&) = delete;
  WorkersView& operator=(const WorkersView&) = delete;
  ~WorkersView() {
    if (vitals_ != nullptr) munmap(vitals_, bytes_);
  }

  bool mapped() const { return vitals_ != nullptr; }
  void begin(std::uint32_t slot, std::uint64_t id) {
    protocol::vitals_slots(vitals_)[slot].begun.store(id);
  }
  void take_frame() { vitals_->frames_taken.fetch_add(1); }

 private:
  std::size_t bytes_;
  protocol::Vitals* vitals_ = nullptr;
};

std::unique_ptr<VitalsPage> make_page(std::uint32_t window) {
  auto page = VitalsPage::create(window);
  EXPECT_TRUE(page) << page.error();
  return std::move(*page);
}

TEST(VitalsPage, OnANewPageNothingHasBegun) {
  const auto page = make_page(3);

  for (std::uint32_t slot = 0; slot < 3; ++slot) EXPECT_FALSE(page->begun(slot, 1));
  EXPECT_EQ(page->frames_taken(), 0U);
}

TEST(VitalsPage, ARequestHasBegunWhenItsSlotHoldsItsIdAndNoOther) {
  const auto page = make_page(3);
  WorkersView worker(*page, 3);
  ASSERT_TRUE(worker.mapped());

  worker.begin(1, 42);

  EXPECT_TRUE(page->begun(1, 42));
  EXPECT_FALSE(page->begun(1, 43));
  EXPECT_FALSE(page->begun(0, 42));
  EXPECT_FALSE(page->begun(2, 42));
}

TEST(VitalsPage, TheFirstAndTheLastSlotOfTheLargestWindowAreThere) {
  const auto page = make_page(protocol::kMaxWindow);
  WorkersView worker(*page, protocol::kMaxWindow);
  ASSERT_TRUE(worker.mapped());

  worker.begin(0, 1);
  worker.begin(protocol::kMaxWindow - 1, 2);

  EXPECT_TRUE(page->begun(0, 1));
  EXPECT_TRUE(page->begun(protocol::kMaxWindow - 1, 2));
}

TEST(VitalsPage, TakenFramesAreCounted) {
  const auto page = make_page(1);
  WorkersView worker(*page, 1);
  ASSERT_TRUE(worker.mapped());

  worker.take_frame();
  worker.take_frame();

  EXPECT_EQ(page->frames_taken(), 2U);
}

TEST(VitalsPage, TheWorkerCannotTakeTheMemoryAway) {
  const auto page = make_page(1);

  EXPECT_EQ(ftruncate(page->descriptor(), 0), -1);
  EXPECT_EQ(page->frames_taken(), 0U);
}

TEST(VitalsPage, OtherProgramsDoNotInheritIt) {
  const auto page = make_page(1);

  EXPECT_NE(fcntl(page->descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

}  // namespace
}  // namespace lambdapool::supervisor
