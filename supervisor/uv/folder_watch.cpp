#include "supervisor/uv/folder_watch.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace lambdapool::supervisor::uv {
namespace {

namespace fs = std::filesystem;

// A tree with more folders than this is no lambda; what is beyond is not watched.
constexpr std::size_t kMostFolders = 4096;

}  // namespace

bool is_noise(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {
      "__pycache__", ".git", ".hg", ".svn", ".pytest_cache", ".mypy_cache", ".idea", ".vscode"};
  constexpr std::array<std::string_view, 6> kEndings = {".pyc", ".swp", ".swx",
                                                        "~",    ".tmp", ".log"};
  if (name.starts_with(".#") || name == "4913") return true;
  return std::ranges::find(kNames, name) != kNames.end() ||
         std::ranges::any_of(kEndings,
                             [name](std::string_view end) { return name.ends_with(end); });
}

FolderWatch::FolderWatch(Loop& loop, const std::string& path, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    watch_below(path);
    return;
  }
  // A file is often replaced rather than written: its folder is what stays.
  only_ = fs::path(path).filename().string();
  watch(fs::path(path).parent_path().string());
}

void FolderWatch::watch_below(const std::string& folder) {
  watch(folder);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; entry != end;
       entry.increment(error)) {
    if (error) return;
    if (!entry->is_directory(error) || entry->is_symlink(error)) continue;
    if (is_noise(entry->path().filename().string())) {
      entry.disable_recursion_pending();
    } else {
      watch(entry->path().string());
    }
  }
}

void FolderWatch::watch(const std::string& folder) {
  if (watched_.contains(folder) || watched_.size() >= kMostFolders) return;
  Watched& watched = watched_[folder];
  watched.owner = this;
  watched.folder = folder;
  watched.handle.reset(new uv_fs_event_t);
  uv_fs_event_init(loop_.get(), watched.handle.get());
  watched.handle->data = &watched;
  const int result = uv_fs_event_start(
      watched.handle.get(),
      [](uv_fs_event_t* handle, const char* name, int, int) {
        if (auto* self = static_cast<Watched*>(handle->data)) {
          self->owner->on_event(self->folder, name);
        }
      },
      folder.c_str(), 0);
  uv_unref(as_handle(watched.handle));
  if (result != 0) watched_.erase(folder);
}

void FolderWatch::on_event(const std::string& folder, const char* name) {
  const std::string_view changed = name == nullptr ? "" : name;
  if (only_.empty() ? is_noise(changed) : changed != only_) return;
  std::error_code error;
  const fs::path path = fs::path(folder) / changed;
  if (only_.empty() && fs::is_directory(path, error)) watch_below(path.string());
  changed_();
}

}  // namespace lambdapool::supervisor::uv
