#include "worker/virtual_environment.h"

#include <filesystem>
#include <fstream>
#include <system_error>

namespace lambdapool::worker {
namespace {

namespace fs = std::filesystem;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// "3.11" of "3.11.2", "3.11.2.final.0" or "3.11".
std::string_view minor_version(std::string_view version) {
  const auto first = version.find('.');
  if (first == std::string_view::npos) return version;
  return version.substr(0, version.find('.', first + 1));
}

// The version in pyvenv.cfg: `version` as venv writes it, `version_info` as virtualenv does. Empty
// when there is none.
std::string configured_version(std::istream& file) {
  std::string line;
  while (std::getline(file, line)) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto key = trimmed(std::string_view(line).substr(0, equals));
    if (key != "version" && key != "version_info") continue;
    return std::string(minor_version(trimmed(std::string_view(line).substr(equals + 1))));
  }
  return {};
}

}  // namespace

std::expected<std::string, std::string> virtual_environment_program(const std::string& folder,
                                                                    std::string_view version) {
  std::error_code error;
  const fs::path root = fs::absolute(folder, error);
  const std::string name = "virtual environment " + root.string();
  const std::string advice = "; make one with `python" + std::string(version) +
                             " -m venv --system-site-packages " + root.string() + "`";

  const fs::path program = root / "bin" / "python3";
  if (error || !fs::is_regular_file(program, error)) {
    return std::unexpected(name + " has no bin/python3" + advice);
  }
  std::ifstream configuration(root / "pyvenv.cfg");
  if (!configuration) return std::unexpected(name + " has no readable pyvenv.cfg" + advice);
  const std::string theirs = configured_version(configuration);
  if (!theirs.empty() && theirs != version) {
    return std::unexpected(name + " is of Python " + theirs + ", this worker of Python " +
                           std::string(version) + advice);
  }
  if (!fs::is_directory(root / "lib" / ("python" + std::string(version)), error)) {
    return std::unexpected(name + " has no lib/python" + std::string(version) +
                           ": it is of another Python, this worker of Python " +
                           std::string(version) + advice);
  }
  return program.string();
}

}  // namespace lambdapool::worker
