// LUNA's own settings, below the section `luna`: which services there are, where they are, and how
// long they may take.
//
// Their names are LUNA's: a group, such as LUNA_FACES_ADDRESS, and its members, such as origin. A
// path here is `luna.GROUP.member`. What is kept has been checked, and is JSON text, which YAML
// reads as the same value. Whatever is not set is the Python side's to decide.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lambdapool::supervisor {

struct LunaConfig;

inline constexpr std::string_view kLunaPrefix = "luna.";

// By path, without `luna.`.
using LunaValues = std::map<std::string, std::string, std::less<>>;

// Whether this is the path of a group, whose value is a mapping.
bool is_luna_group(std::string_view path);

// Every group and every member, as paths; those of luna_platform.h as well.
std::span<const std::string> luna_paths();

// Sets a member. Failure: what is wrong, without the path.
std::expected<void, std::string> set_luna_value(LunaValues& values, std::string_view path,
                                                std::string_view text);

// A member's value as it is kept; "not set" for one that is not, and for groups.
std::string luna_value_text(const LunaValues& values, std::string_view path);

// What holds between settings.
void check_luna(const LunaConfig& config, std::vector<std::string>& errors);

// Every group as lines of YAML below `luna:`, as a comment when nothing of it is set.
std::string luna_yaml(const LunaValues& values);

// The whole section as a JSON object: the plain keys, durations in seconds, and LUNA's groups.
std::string luna_json(const LunaConfig& config);

}  // namespace lambdapool::supervisor
