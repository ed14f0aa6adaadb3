#include "worker/channel/own_process.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace lambdapool::worker {
namespace {

constexpr std::size_t kMarkBytes = 1;  // Which is a page.

}  // namespace

OwnProcess::OwnProcess() : process_(getpid()), mark_(nullptr) {
  void* const page =
      mmap(nullptr, kMarkBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  if (madvise(page, kMarkBytes, MADV_WIPEONFORK) != 0) {
    munmap(page, kMarkBytes);
    return;
  }
  mark_ = static_cast<volatile char*>(page);
  *mark_ = 1;
}

OwnProcess::~OwnProcess() {
  if (mark_ != nullptr) munmap(const_cast<char*>(mark_), kMarkBytes);
}

bool OwnProcess::asks_system() const { return getpid() == process_; }

}  // namespace lambdapool::worker
