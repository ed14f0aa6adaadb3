#include "supervisor/config/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

std::expected<std::string, std::string> read_config_file(const std::string& path) {
  // A pipe would else wait for its other end, and hold up a reload.
  const uv::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return std::unexpected("cannot be opened: " + reason(errno));
  std::string text(kMaxConfigFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected("cannot be read: " + reason(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxConfigFile)
    return std::unexpected("is larger than 1MiB; it cannot be a configuration");
  text.resize(size);
  return text;
}

}  // namespace lambdapool::supervisor
