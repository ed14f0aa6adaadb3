// Watches a folder with all folders below it, or one file, for changes.
//
// The callback comes for every change that could matter to a lambda; editors make several per save,
// so whoever acts on it waits until they are over. Folders that appear later are watched as well.
// Does not keep the loop alive.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "supervisor/uv/loop.h"

namespace lambdapool::supervisor::uv {

// Whether a change of a file or folder of that name says nothing about a lambda: caches, version
// control, editors' files.
bool is_noise(std::string_view name);

class FolderWatch {
 public:
  FolderWatch(Loop& loop, const std::string& path, std::function<void()> changed);

 private:
  struct Watched {
    FolderWatch* owner = nullptr;
    std::string folder;
    HandlePtr<uv_fs_event_t> handle;
  };

  void watch(const std::string& folder);
  void watch_below(const std::string& folder);
  void on_event(const std::string& folder, const char* name);

  Loop& loop_;
  std::string only_;  // The one file that counts; empty: all.
  std::function<void()> changed_;
  std::map<std::string, Watched> watched_;  // By folder.
};

}  // namespace lambdapool::supervisor::uv
