#include "supervisor/crash/crash_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerOnly = 0600;

bool is_crash_file(std::string_view name) {
  return name.starts_with("crash-") && name.ends_with(".json");
}

// Zero, or the number of the error.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

std::string default_crash_folder() {
  const char* state = std::getenv("STATE_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
  if (state == nullptr || *state == '\0') return {};
  const std::string folders = state;
  return folders.substr(0, folders.find(':')) + "/crashes";
}

std::string write_crash_file(const std::string& folder, const std::string& name,
                             const std::string& text, const CrashFolderLimits& limits) {
  if (text.size() > limits.bytes) return name + " is larger than crash.max_size";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return folder + ": " + error.message();
  const std::string path = folder + "/" + name;
  const std::string unfinished = folder + "/." + name;
  int failed = 0;
  {
    const uv::FileDescriptor file(::open(
        unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
    failed = file.open() ? write_all(file.get(), text) : errno;
  }
  if (failed == 0 && std::rename(unfinished.c_str(), path.c_str()) != 0) failed = errno;
  if (failed != 0) {
    ::unlink(unfinished.c_str());
    // The name of the folder only, so that the same reason is the same text.
    return folder + ": " + std::strerror(failed);
  }
  remove_old_crash_files(folder, limits);
  return {};
}

void remove_old_crash_files(const std::string& folder, const CrashFolderLimits& limits) {
  struct Found {
    std::string name;
    std::uintmax_t bytes;
  };
  std::vector<Found> files;
  std::uintmax_t total = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; entry != end; entry.increment(error)) {
    if (error) return;
    std::string name = entry->path().filename().string();
    if (!is_crash_file(name) || !entry->is_regular_file(error)) continue;
    const std::uintmax_t bytes = entry->file_size(error);
    if (error) continue;
    total += bytes;
    files.push_back({std::move(name), bytes});
  }
  // Their names begin with the time.
  std::ranges::sort(files, {}, &Found::name);
  std::size_t left = files.size();
  for (const Found& oldest : files) {
    if (left <= limits.files && total <= limits.bytes) return;
    ::unlink((folder + "/" + oldest.name).c_str());
    --left;
    total -= oldest.bytes;
  }
}

CrashFolder::CrashFolder(uv::Loop& loop, Log& log, std::string folder, CrashFolderLimits limits)
    : loop_(loop), log_(log), folder_(std::move(folder)), limits_(limits) {}

std::string CrashFolder::path_of(const std::string& name) const {
  return waiting_.size() < kMostWaiting ? folder_ + "/" + name : "";
}

std::string CrashFolder::write(const std::string& name, std::string text) {
  if (waiting_.size() >= kMostWaiting) {
    warn("workers die faster than their crash files can be written; some are left out");
    return {};
  }
  const std::string path = path_of(name);
  waiting_.push_back({name, std::move(text)});
  if (work_ == nullptr) write_next();
  return path;
}

void CrashFolder::write_next() {
  File file = std::move(waiting_.front());
  waiting_.pop_front();
  work_ = uv::Work::start(
      loop_,
      [folder = folder_, file = std::move(file), limits = limits_] {
        return write_crash_file(folder, file.name, file.text, limits);
      },
      [this](const std::string& error) {
        work_.reset();
        warn(error);
        if (!waiting_.empty()) write_next();
      });
}

void CrashFolder::warn(const std::string& error) {
  if (error == std::exchange(last_error_, error) || error.empty()) return;
  log_.warning("crash file cannot be written", {{"text", error}});
}

}  // namespace lambdapool::supervisor
