#include "supervisor/pool/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lambdapool::supervisor {

std::expected<uv::FileDescriptor, std::string> make_sealed_memory(const char* name,
                                                                  std::size_t bytes) {
  uv::FileDescriptor memory(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.open() || ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0 ||
      fcntl(memory.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return std::unexpected(std::string("cannot make shared memory: ") + std::strerror(errno));
  }
  return memory;
}

}  // namespace lambdapool::supervisor
