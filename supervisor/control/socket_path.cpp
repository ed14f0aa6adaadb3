#include "supervisor/control/socket_path.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {
namespace {

constexpr mode_t kOwnerOnly = 0700;
constexpr const char* kServiceFolders = "/run";
constexpr std::string_view kService = "lambdapool";  // And lambdapool@INSTANCE.

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

// Of several folders of a unit the first is ours.
std::string runtime_folder() {
  const std::string folders = variable("RUNTIME_DIRECTORY");
  return folders.substr(0, folders.find(':'));
}

std::string user_folder() {
  const std::string session = variable("XDG_RUNTIME_DIR");
  if (session.starts_with('/')) return session + "/lambdapool";
  return "/tmp/lambdapool-" + std::to_string(geteuid());
}

bool has_listener(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  std::ranges::copy(path, address.sun_path);
  const uv::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
             0 ||
         errno == EAGAIN || errno == EACCES;
}

}  // namespace

std::vector<std::string> service_folders() {
  std::vector<std::string> folders;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(kServiceFolders, error), end; entry != end;
       entry.increment(error)) {
    if (error) break;
    const std::string name = entry->path().filename().string();
    if (name == kService || name.starts_with(std::string(kService) + "@")) {
      folders.push_back(entry->path().string());
    }
  }
  return folders;
}

std::expected<std::string, std::string> default_socket_path(std::uint16_t port) {
  if (const std::string folder = runtime_folder(); !folder.empty()) return folder + "/control.sock";
  const std::string folder = user_folder();
  if (mkdir(folder.c_str(), kOwnerOnly) != 0 && errno != EEXIST) {
    return std::unexpected(folder + ": " + std::strerror(errno));
  }
  struct stat found{};
  if (lstat(folder.c_str(), &found) != 0) {
    return std::unexpected(folder + ": " + std::strerror(errno));
  }
  // /tmp is everybody's: somebody else could have put the folder there.
  if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077) != 0) {
    return std::unexpected(folder + ": must be a folder of this user alone, with mode 0700");
  }
  return folder + "/" + std::to_string(port) + ".sock";
}

std::vector<std::string> find_control_sockets() {
  namespace fs = std::filesystem;
  std::vector<std::string> folders = service_folders();
  folders.push_back(user_folder());
  if (const std::string folder = runtime_folder(); !folder.empty()) folders.push_back(folder);
  std::vector<std::string> sockets;
  for (const std::string& folder : folders) {
    struct stat found{};
    if (stat(folder.c_str(), &found) != 0) continue;
    // The folder of a service belongs to the service's user, whom root may talk to.
    if (found.st_uid != geteuid() && found.st_uid != 0 && geteuid() != 0) continue;
    if (folder == user_folder() && (found.st_uid != geteuid() || (found.st_mode & 022) != 0)) {
      continue;
    }
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
      if (error) break;
      const std::string path = entry->path().string();
      if (!path.ends_with(".sock") || !entry->is_socket(error) || !has_listener(path)) continue;
      sockets.push_back(path);
    }
  }
  std::ranges::sort(sockets);
  const auto [again, end] = std::ranges::unique(sockets);
  sockets.erase(again, end);
  return sockets;
}

}  // namespace lambdapool::supervisor
