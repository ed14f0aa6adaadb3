// From a file and the command line to a Config; the only door to yaml-cpp.
//
// Of several values for one key the command line's wins over the file's, and the file's over the
// default. The file is YAML: sections of keys, or dotted keys (`server.port: 80`). Anchors, aliases
// and tags are refused: nobody needs them here, and a small file can unfold into a huge one with
// them.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/config/settings.h"

namespace lambdapool::supervisor {

enum class LambdaPath { kOptional, kRequired };

struct ConfigSources {
  std::optional<std::string> file;
  std::vector<Setting> sets;  // From the command line; a later one wins.
  LambdaPath lambda_path = LambdaPath::kOptional;
  std::vector<Setting> defaults = {};  // Of the command, where they are not the usual ones.
};

// Failure: every complaint at once, as lines for people: `FILE:LINE: KEY: text` or `--flag value:
// text`. Relative paths in the file count from the file's folder, those of the command line from
// the current one; all come out absolute.
std::expected<Config, std::vector<std::string>> load_config(const ConfigSources& sources);

// Reads one file's text into settings; `name` opens every complaint.
std::vector<Setting> read_settings(const std::string& yaml, const std::string& name,
                                   std::vector<std::string>& errors);

}  // namespace lambdapool::supervisor
