#include "supervisor/tasks/database_path.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// An id may hold anything; what could be another file's name is written as %XX.
std::string file_name(std::string_view id) {
  constexpr std::size_t kMostBytes = 200;
  std::string name;
  for (const char c : id) {
    if (is_digit(c) || is_alpha(c) || c == '-' || c == '_' || (c == '.' && !name.empty())) {
      name += c;
    } else {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      name.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return name.substr(0, kMostBytes);
}

std::expected<void, std::string> make_folders(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return std::unexpected(folder + ": " + std::strerror(errno) +
                             "; tasks are kept there, name another file (tasks.database)");
    }
    if (end == std::string::npos) return {};
  }
}

}  // namespace

std::expected<std::string, std::string> database_path(const std::string& configured,
                                                      const std::string& lambda_id) {
  if (!configured.empty()) return configured;
  if (const std::string folders = variable("STATE_DIRECTORY"); !folders.empty()) {
    return folders.substr(0, folders.find(':')) + "/tasks.sqlite";
  }
  std::string folder = variable("XDG_STATE_HOME");
  if (!folder.starts_with('/')) {
    const std::string home = variable("HOME");
    if (!home.starts_with('/')) {
      return std::unexpected(
          "there is no HOME to keep tasks in; name a file for them (tasks.database)");
    }
    folder = home + "/.local/state";
  }
  folder += "/lambdapool";
  if (auto made = make_folders(folder); !made) return std::unexpected(made.error());
  return folder + "/" + file_name(lambda_id) + ".sqlite";
}

}  // namespace lambdapool::supervisor
