// Every key of the configuration, once: what it is called, what it may be, what it means and which
// member it sets.
//
// The loader, `lambdapool config` and configs/lambdapool.yml are all made from this table. A
// default text says what the member's initialiser in config.h says; a test keeps them equal.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "supervisor/config/config.h"

namespace lambdapool::supervisor {

// What stands for a secret that is set.
inline constexpr std::string_view kMask = "***";

enum class Kind {
  kText,
  kSecret,  // Text that is never shown: not when it is printed, not in complaints.
  kPath,    // Text; a relative one counts from the folder of whoever wrote it.
  kBool,
  kCount,
  kSize,
  kDuration,
  kChoice,
};

using Member =
    std::variant<std::string*, bool*, std::uint16_t*, std::uint32_t*, std::uint64_t*, Milliseconds*,
                 EventLoop*, LogLevel*, LogFormat*, Preload*, Replay*, Interpreter*>;

struct Key {
  std::string_view path;  // `section.name`.
  Kind kind;
  std::string_view default_text;
  // The least and the most: of a number, of bytes, of milliseconds, of a text's length.
  std::uint64_t least;
  std::uint64_t most;
  std::string_view unit;  // Of a count: what is counted.
  std::string_view doc;   // A sentence or two.
  Member (*member)(Config&);

  std::string_view section() const { return path.substr(0, path.find('.')); }
  std::string_view name() const { return path.substr(path.find('.') + 1); }
};

struct Section {
  std::string_view name;
  std::string_view doc;
};

// In the order in which they are shown; keys of one section stand together.
std::span<const Section> sections();
std::span<const Key> keys();

const Section* find_section(std::string_view name);
const Key* find_key(std::string_view path);

// What a value of this key must be: "a whole number from 0 to 65535"; and in short: "0 to 65535",
// or nothing for text.
std::string expected_value(const Key& key);
std::string value_range(const Key& key);

// Sets the key's member. Failure: what a value must be, and the one that was given.
std::expected<void, std::string> set_value(Config& config, const Key& key, std::string_view text);

// The key's value, as its parser would read it again; a secret's is the mask, which it refuses.
std::string value_text(Config& config, const Key& key);

}  // namespace lambdapool::supervisor
