#include "supervisor/installation.h"

#include <filesystem>

namespace lambdapool::supervisor {

std::expected<Installation, std::string> find_installation() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error)
    return std::unexpected("cannot find out where lambdapool is installed: " + error.message());
  const fs::path worker = program.parent_path() / "lambdapool-worker";
  const fs::path pylib = program.parent_path().parent_path() / "share" / "lambdapool" / "pylib";
  for (const fs::path& part : {worker, pylib / "luna_lambda_tools"}) {
    if (!fs::exists(part, error)) {
      return std::unexpected(part.string() + " is missing; install lambdapool again, all of it");
    }
  }
  return Installation{worker.string(), pylib.string()};
}

}  // namespace lambdapool::supervisor
