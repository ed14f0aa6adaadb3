#include "protocol/allocator.h"

#include <malloc.h>

namespace lambdapool::protocol {

void keep_large_blocks() {
  constexpr int kKept = 16 << 20;
  mallopt(M_MMAP_THRESHOLD, kKept);
  mallopt(M_TRIM_THRESHOLD, kKept);
}

}  // namespace lambdapool::protocol
