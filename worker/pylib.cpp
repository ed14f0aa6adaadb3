#include "worker/pylib.h"

#include <filesystem>
#include <system_error>

namespace lambdapool::worker {

std::string find_pylib() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& folder :
       {program.parent_path() / LAMBDAPOOL_INSTALLED_PYLIB, fs::path(LAMBDAPOOL_SOURCE_PYLIB)}) {
    if (fs::is_directory(folder / "luna_lambda_tools", error))
      return folder.lexically_normal().string();
  }
  return {};
}

}  // namespace lambdapool::worker
