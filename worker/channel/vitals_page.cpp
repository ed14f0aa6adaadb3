#include "worker/channel/vitals_page.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace lambdapool::worker {

std::expected<VitalsPage, std::string> VitalsPage::map(int fd, std::uint32_t window) {
  if (window == 0 || window > protocol::kMaxWindow) {
    return std::unexpected("a window of " + std::to_string(window) + " requests: it must be 1 to " +
                           std::to_string(protocol::kMaxWindow));
  }
  const std::size_t bytes = protocol::vitals_bytes(window);
  struct stat status{};
  if (fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) != bytes) {
    return std::unexpected("descriptor " + std::to_string(fd) + " is no vitals page of " +
                           std::to_string(bytes) + " bytes");
  }
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    return std::unexpected("cannot map the vitals page: " + std::generic_category().message(errno));
  }
  return VitalsPage(static_cast<protocol::Vitals*>(memory), window);
}

void VitalsPage::become_private() {
  const std::size_t bytes = protocol::vitals_bytes(window_);
  static_cast<void>(mmap(page_.get(), bytes, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

void VitalsPage::Unmap::operator()(protocol::Vitals* page) const noexcept { munmap(page, bytes); }

}  // namespace lambdapool::worker
