#include "worker/pylib.h"

#include <filesystem>
#include <system_error>

namespace lambdapool::worker {

std::string find_pylib() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path folder = program.parent_path().parent_path() / "share" / "lambdapool" / "pylib";
  return fs::is_directory(folder / "luna_lambda_tools", error) ? folder.string() : std::string();
}

}  // namespace lambdapool::worker
