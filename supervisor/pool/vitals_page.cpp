#include "supervisor/pool/vitals_page.h"

#include <sys/mman.h>

#include "supervisor/pool/sealed_memory.h"

namespace lambdapool::supervisor {

std::expected<std::unique_ptr<VitalsPage>, std::string> VitalsPage::create(std::uint32_t window) {
  const std::size_t size = protocol::vitals_bytes(window);
  auto memory = make_sealed_memory("lambdapool-vitals", size);
  if (!memory) return std::unexpected(memory.error());
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory->get(), 0);
  if (mapped == MAP_FAILED) return std::unexpected("cannot map the vitals page");
  return std::unique_ptr<VitalsPage>(
      new VitalsPage(std::move(*memory), static_cast<protocol::Vitals*>(mapped), window));
}

VitalsPage::VitalsPage(uv::FileDescriptor memory, protocol::Vitals* vitals, std::uint32_t window)
    : memory_(std::move(memory)), vitals_(vitals), window_(window) {}

VitalsPage::~VitalsPage() { munmap(vitals_, protocol::vitals_bytes(window_)); }

bool VitalsPage::begun(std::uint32_t slot, std::uint64_t request) const {
  return protocol::vitals_slots(vitals_)[slot].begun.load(std::memory_order_acquire) == request;
}

std::uint64_t VitalsPage::frames_taken() const {
  return vitals_->frames_taken.load(std::memory_order_acquire);
}

std::uint64_t VitalsPage::stepping() const {
  return vitals_->stepping.load(std::memory_order_acquire);
}

std::chrono::steady_clock::time_point VitalsPage::stepping_since() const {
  return std::chrono::steady_clock::time_point(
      std::chrono::nanoseconds(vitals_->stepping_since.load(std::memory_order_acquire)));
}

std::uint64_t VitalsPage::culprit() const {
  return vitals_->culprit.load(std::memory_order_acquire);
}

}  // namespace lambdapool::supervisor
