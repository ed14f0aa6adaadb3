#include "supervisor/source/unpack_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace lambdapool::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "lambdapool-";
constexpr const char* kLockName = "/lock";

std::expected<uv::FileDescriptor, int> take_lock(const std::string& folder, int flags) {
  uv::FileDescriptor lock(
      open((folder + kLockName).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!lock.open() || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::unexpected(errno);
  return lock;
}

// systemd-tmpfiles, which removes what has lain in /tmp for days, passes over a folder that
// somebody has locked. When it is just being looked at there is no lock to get; it is too young
// then anyhow.
uv::FileDescriptor keep_from_cleaning(const std::string& folder) {
  uv::FileDescriptor kept(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (kept.open()) flock(kept.get(), LOCK_SH | LOCK_NB);
  return kept;
}

// Removes the folders of supervisors that are no more. Only our own user's are looked at.
void remove_leftovers(const fs::path& parent) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, ignored)) {
    struct stat status{};
    if (!entry.path().filename().string().starts_with(kPrefix) ||
        lstat(entry.path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != geteuid()) {
      continue;
    }
    // Without a lock file it is not one of ours, or one that is being made.
    if (const auto lock = take_lock(entry.path().string(), 0))
      fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

std::expected<std::unique_ptr<UnpackFolder>, std::string> UnpackFolder::create(
    const std::string& parent, const Account& reader) {
  std::error_code error;
  const fs::path base = parent.empty() ? fs::temp_directory_path(error) : fs::path(parent);
  if (error) {
    return std::unexpected("the temporary folder, TMPDIR, cannot be used: " + error.message() +
                           "; correct it, or set lambda.unpack_dir");
  }
  remove_leftovers(base);
  std::string path = (base / (std::string(kPrefix) + "XXXXXX")).string();
  if (mkdtemp(path.data()) == nullptr) {
    return std::unexpected("cannot make a folder in " + base.string() + ": " +
                           std::strerror(errno) +
                           "; set lambda.unpack_dir to a folder that can be written");
  }
  auto lock = take_lock(path, O_CREAT | O_EXCL);
  if (!lock) {
    fs::remove_all(path, error);
    return std::unexpected("cannot lock " + path + ": " + std::strerror(lock.error()));
  }
  // Workers of another user must get in, and nobody else.
  if (!reader.user.empty() &&
      (chown(path.c_str(), geteuid(), reader.gid) != 0 || chmod(path.c_str(), 0750) != 0)) {
    const int why = errno;
    fs::remove_all(path, error);
    return std::unexpected("cannot give " + path + " to worker.user: " + std::strerror(why));
  }
  return std::unique_ptr<UnpackFolder>(
      new UnpackFolder(path, std::move(*lock), keep_from_cleaning(path)));
}

UnpackFolder::~UnpackFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string UnpackFolder::generation(std::uint64_t number) const {
  return path_ + "/" + std::to_string(number);
}

void UnpackFolder::remove(std::uint64_t number) {
  std::error_code ignored;
  fs::remove_all(generation(number), ignored);
}

}  // namespace lambdapool::supervisor
