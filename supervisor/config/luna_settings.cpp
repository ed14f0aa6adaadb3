#include "supervisor/config/luna_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "supervisor/config/config.h"
#include "supervisor/config/luna_platform.h"
#include "supervisor/config/settings.h"
#include "supervisor/config/values.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

enum class LunaKind { kOrigin, kVersion, kSeconds, kSwitch, kText };

struct LunaSetting {
  std::string path;  // Without `luna.`.
  LunaKind kind;
  std::string default_text;  // As JSON; empty for none.

  std::string_view group() const { return std::string_view(path).substr(0, path.find('.')); }
  std::string_view member() const { return std::string_view(path).substr(path.find('.') + 1); }
};

struct Service {
  std::string_view name;
  std::string_view api_version;
  std::string_view bucket;  // Of the image store; empty for other services.
};

constexpr std::array kServices = {
    Service{"LUNA_FACES", "3", ""},
    Service{"LUNA_EVENTS", "2", ""},
    Service{"LUNA_PYTHON_MATCHER", "1", ""},
    Service{"LUNA_IMAGE_STORE_FACES_SAMPLES", "1", "visionlabs-samples"},
    Service{"LUNA_IMAGE_STORE_BODIES_SAMPLES", "1", "visionlabs-bodies-samples"},
    Service{"LUNA_IMAGE_STORE_IMAGES", "1", "visionlabs-image-origin"},
    Service{"LUNA_IMAGE_STORE_OBJECTS", "1", "visionlabs-objects"},
    Service{"LUNA_REMOTE_SDK", "1", ""},
    Service{"LUNA_SENDER", "1", ""},
    Service{"LUNA_HANDLERS", "2", ""},
    Service{"LUNA_VIDEO_AGENT", "1", ""},
};
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTimeouts = {{
    {"connect", "10"},
    {"request", "30"},
    {"sock_connect", "10"},
    {"sock_read", "30"},
}};
// LUNA writes them with `luna_` in front; without it they are taken as well.
constexpr std::array<std::string_view, 7> kSwitches = {
    "luna_events",      "luna_sender",      "luna_handlers", "luna_python_matcher",
    "luna_image_store", "luna_video_agent", "luna_lambda",
};
constexpr std::string_view kUsage = "ADDITIONAL_SERVICES_USAGE";
constexpr std::string_view kUseConfigurator = "LUNA_CONFIGURATOR.USE_CONFIGURATOR";
constexpr std::string_view kConfiguratorOrigin = "LUNA_CONFIGURATOR.LUNA_CONFIGURATOR_ORIGIN";
constexpr std::string_view kExampleOrigin = "\"http://HOST:PORT\"";
constexpr std::size_t kMaxText = 255;
constexpr double kMaxSeconds = 86'400;
constexpr std::uint64_t kMaxVersion = 1000;

std::string json_text(std::string_view text) {
  std::string out = "\"";
  append_json_escaped(out, text);
  return out + "\"";
}

std::vector<LunaSetting> make_table() {
  std::vector<LunaSetting> table;
  for (const Service& service : kServices) {
    const std::string address = std::string(service.name) + "_ADDRESS.";
    table.push_back({address + "origin", LunaKind::kOrigin, ""});
    table.push_back(
        {address + "api_version", LunaKind::kVersion, std::string(service.api_version)});
    if (!service.bucket.empty()) {
      table.push_back({address + "bucket", LunaKind::kText, json_text(service.bucket)});
    }
    for (const auto& [member, seconds] : kTimeouts) {
      table.push_back({std::string(service.name).append("_TIMEOUTS.").append(member),
                       LunaKind::kSeconds, std::string(seconds)});
    }
  }
  for (const std::string_view name : kSwitches) {
    table.push_back({std::string(kUsage).append(".").append(name), LunaKind::kSwitch, "1"});
  }
  table.push_back({std::string(kUseConfigurator), LunaKind::kSwitch, "0"});
  table.push_back({std::string(kConfiguratorOrigin), LunaKind::kOrigin, ""});
  table.push_back({"LUNA_CONFIGURATOR.LUNA_CONFIGURATOR_API", LunaKind::kVersion, "1"});
  return table;
}

const std::vector<LunaSetting>& table() {
  static const std::vector<LunaSetting> kMade = make_table();
  return kMade;
}

// Members of one group stand together in the table.
template <class Visit>
void each_group(Visit visit) {
  const std::span<const LunaSetting> all = table();
  for (std::size_t begin = 0; begin < all.size();) {
    std::size_t end = begin + 1;
    while (end < all.size() && all[end].group() == all[begin].group()) ++end;
    visit(all[begin].group(), all.subspan(begin, end - begin));
    begin = end;
  }
}

// scheme://host or scheme://host:port, also with one slash behind it, which is left out.
std::optional<std::string> parse_origin(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  std::string_view rest = text;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return std::nullopt;
  }
  const bool v6 = rest.starts_with('[');
  const std::size_t host_end = v6 ? rest.find(']') : std::min(rest.find(':'), rest.size());
  if (host_end == std::string_view::npos) return std::nullopt;
  const std::string_view host = v6 ? rest.substr(1, host_end - 1) : rest.substr(0, host_end);
  const std::string_view allowed =
      v6 ? "0123456789abcdefABCDEF:."
         : "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_";
  if (host.empty() || host.size() > kMaxText ||
      host.find_first_not_of(allowed) != std::string_view::npos) {
    return std::nullopt;
  }
  rest.remove_prefix(v6 ? host_end + 1 : host_end);
  if (!rest.empty()) {
    if (!rest.starts_with(':')) return std::nullopt;
    const auto port = parse_count(rest.substr(1));
    if (!port || *port == 0 || *port > 65535) return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::string> parse_seconds(std::string_view text) {
  double value = 0;
  const auto [stop, error] =
      std::from_chars(text.begin(), text.end(), value, std::chars_format::fixed);
  if (error != std::errc{} || stop != text.end() || !(value > 0) || value > kMaxSeconds) {
    return std::nullopt;
  }
  std::array<char, 400> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value, std::chars_format::fixed);
  return std::string(digits.begin(), end.ptr);
}

// The value as JSON; nothing when it is not of the kind.
std::optional<std::string> parse(LunaKind kind, std::string_view text) {
  switch (kind) {
    case LunaKind::kOrigin: {
      const auto origin = parse_origin(text);
      return origin ? std::optional(json_text(*origin)) : std::nullopt;
    }
    case LunaKind::kVersion: {
      const auto version = parse_count(text);
      if (!version || *version == 0 || *version > kMaxVersion) return std::nullopt;
      return std::to_string(*version);
    }
    case LunaKind::kSeconds:
      return parse_seconds(text);
    case LunaKind::kSwitch: {
      if (text == "0" || text == "1") return std::string(text);
      const auto value = parse_bool(text);
      return value ? std::optional<std::string>(*value ? "1" : "0") : std::nullopt;
    }
    case LunaKind::kText:
      if (text.empty() || text.size() > kMaxText || !is_printable(text)) return std::nullopt;
      return json_text(text);
  }
  return std::nullopt;
}

std::string_view expected(LunaKind kind) {
  switch (kind) {
    case LunaKind::kOrigin:
      return "a URL such as http://host or http://host:8080, without a path";
    case LunaKind::kVersion:
      return "a whole number from 1 to 1000";
    case LunaKind::kSeconds:
      return "a number of seconds above 0, at most 86400, such as 20 or 0.5";
    case LunaKind::kSwitch:
      return "0 or 1";
    case LunaKind::kText:
      return "text of 1 to 255 bytes without control characters";
  }
  return "";
}

const LunaSetting* find(std::string_view path) {
  const auto found = std::ranges::find(table(), path, &LunaSetting::path);
  return found == table().end() ? nullptr : &*found;
}

// The path with LUNA's own name of a switch.
std::string canonical(std::string_view path) {
  std::string full(path);
  const std::string prefix = std::string(kUsage) + ".";
  if (full.starts_with(prefix) && !full.starts_with(prefix + "luna_")) {
    full.insert(prefix.size(), "luna_");
  }
  return full;
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() > 1 && text.starts_with('"') && text.ends_with('"');
  return quoted ? text.substr(1, text.size() - 2) : text;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kShape, [](char c, char shape) {
    return shape == '-' ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace

bool is_luna_group(std::string_view path) {
  if (!path.starts_with(kLunaPrefix)) return false;
  path.remove_prefix(kLunaPrefix.size());
  return std::ranges::find(table(), path, &LunaSetting::group) != table().end();
}

std::span<const std::string> luna_paths() {
  static const std::vector<std::string> kPaths = [] {
    std::vector<std::string> made;
    each_group([&](std::string_view group, std::span<const LunaSetting> members) {
      made.push_back(std::string(kLunaPrefix).append(group));
      for (const LunaSetting& one : members) made.push_back(std::string(kLunaPrefix) + one.path);
    });
    made.insert(made.end(), platform_paths().begin(), platform_paths().end());
    return made;
  }();
  return kPaths;
}

std::expected<void, std::string> set_luna_value(LunaValues& values, std::string_view path,
                                                std::string_view text) {
  if (is_luna_group(path)) {
    const std::string_view group = path.substr(kLunaPrefix.size());
    const auto first = std::ranges::find(table(), group, &LunaSetting::group);
    const std::string example =
        first->default_text.empty() ? std::string(kExampleOrigin) : first->default_text;
    return std::unexpected("must be a mapping, such as {" + std::string(first->member()) + ": " +
                           example + "}; with --set name its members: --set " + std::string(path) +
                           "." + std::string(first->member()) + "=" +
                           std::string(unquoted(example)));
  }
  if (path.starts_with(kLunaPrefix)) path.remove_prefix(kLunaPrefix.size());
  const LunaSetting* const setting = find(canonical(path));
  if (setting == nullptr) {
    return std::unexpected("unknown key" + did_you_mean(std::string(kLunaPrefix).append(path)));
  }
  auto value = parse(setting->kind, text);
  if (!value) {
    return std::unexpected("must be " + std::string(expected(setting->kind)) + ", not " +
                           in_quotes(text));
  }
  values.insert_or_assign(setting->path, std::move(*value));
  return {};
}

std::string luna_value_text(const LunaValues& values, std::string_view path) {
  const auto value = values.find(path.substr(std::min(kLunaPrefix.size(), path.size())));
  return value == values.end() ? "not set" : value->second;
}

void check_luna(const LunaConfig& config, std::vector<std::string>& errors) {
  const LunaValues& values = config.settings;
  const auto use = values.find(kUseConfigurator);
  const bool configurator = use != values.end() && use->second == "1";
  if (configurator && !values.contains(kConfiguratorOrigin)) {
    errors.push_back(std::string(kLunaPrefix).append(kUseConfigurator) + ": is 1, so luna." +
                     std::string(kConfiguratorOrigin) + " must be given");
  }
  each_group([&](std::string_view group, std::span<const LunaSetting> members) {
    const bool is_address = group.ends_with("_ADDRESS");
    if (!is_address || configurator || values.contains(members.front().path)) return;
    if (std::ranges::any_of(members, [&](const auto& one) { return values.contains(one.path); })) {
      errors.push_back(std::string(kLunaPrefix).append(group) +
                       ": has no origin; without one the service is disabled and the rest means "
                       "nothing");
    }
  });
  if (!config.account_id.empty() && !is_uuid(config.account_id)) {
    errors.push_back("luna.account_id: must be a UUID in lower case, not " +
                     in_quotes(config.account_id));
  }
}

std::string luna_yaml(const LunaValues& values) {
  std::string out;
  each_group([&](std::string_view group, std::span<const LunaSetting> members) {
    const bool is_set = std::ranges::any_of(
        members, [&](const LunaSetting& one) { return values.contains(one.path); });
    out.append(is_set ? "  " : "  # ").append(group).append(": {");
    std::string_view comma;
    for (const LunaSetting& one : members) {
      const auto value = values.find(one.path);
      if (is_set && value == values.end() && one.default_text.empty()) continue;
      out.append(comma).append(one.member()).append(": ");
      if (value != values.end()) {
        out += value->second;
      } else {
        out += one.default_text.empty() ? std::string(kExampleOrigin) : one.default_text;
      }
      comma = ", ";
    }
    out += "}\n";
  });
  return out;
}

std::string luna_json(const LunaConfig& config) {
  std::string out = "{\"retries\":" + std::to_string(config.retries) +
                    ",\"pool_size\":" + std::to_string(config.pool_size) +
                    ",\"max_answer\":" + std::to_string(config.max_answer) + ",\"poll_period\":" +
                    std::to_string(static_cast<double>(config.poll_period.count()) / 1000) +
                    ",\"account_id\":" + json_text(config.account_id);
  each_group([&](std::string_view group, std::span<const LunaSetting> members) {
    std::string_view opening = "{";
    std::string inside;
    for (const LunaSetting& one : members) {
      const auto value = config.settings.find(one.path);
      if (value == config.settings.end()) continue;
      inside.append(opening).append(json_text(one.member())).append(":").append(value->second);
      opening = ",";
    }
    if (!inside.empty()) out.append(",").append(json_text(group)).append(":").append(inside + "}");
  });
  return out + "}";
}

}  // namespace lambdapool::supervisor
