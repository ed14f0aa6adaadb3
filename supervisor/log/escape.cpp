#include "supervisor/log/escape.h"

#include <algorithm>
#include <cstdint>

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD.
constexpr std::size_t kMaxQuoted = 120;

std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool must_escape(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) {
    return code >= first && code <= last;
  };
  return within(0, 0x1f) || within(0x7f, 0x9f) || within(0x2028, 0x202e) || within(0x2066, 0x2069);
}

std::string x_escape(std::uint32_t byte) {
  return {'\\', 'x', kHex[byte >> 4U & 0xfU], kHex[byte & 0xfU]};
}

std::string u_escape(std::uint32_t code) {
  std::string out = "\\u";
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out += kHex[code >> shift & 0xfU];
  return out;
}

std::string backslashed(char c) { return {'\\', c}; }

// The letter of the short escape that both forms share, or 0.
char short_escape(char32_t code) {
  switch (code) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

// Copies `text` with each character that `escape(character, first byte)` has a text for replaced by
// that text. All of them fit into a string's own room: nothing is allocated.
template <class Escape>
void append_with(std::string& out, std::string_view text, Escape escape) {
  std::size_t copied = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const Character character = first_character(text.substr(at));
    const std::string escaped = escape(character, byte_at(text, at));
    if (!escaped.empty()) {
      out.append(text.substr(copied, at - copied)).append(escaped);
      copied = at + character.length;
    }
    at += character.length;
  }
  out.append(text.substr(copied));
}

}  // namespace

Character first_character(std::string_view text) {
  const std::uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  constexpr Character kInvalid{0, 1, false};
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return kInvalid;

  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const std::uint8_t next = byte_at(text, i);
    if ((next & 0xc0U) != 0x80U) return kInvalid;
    code = code << 6U | (next & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return kInvalid;
  return {code, length, true};
}

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const Character character = first_character(text);
    if (!character.valid || must_escape(character.code)) return false;
    text.remove_prefix(character.length);
  }
  return true;
}

void append_escaped(std::string& out, std::string_view text, std::string_view also) {
  append_with(out, text, [&](const Character& character, std::uint8_t byte) -> std::string {
    if (!character.valid) return x_escape(byte);
    if (const char letter = short_escape(character.code)) return backslashed(letter);
    if (must_escape(character.code)) {
      return character.code < 0x80 ? x_escape(byte) : u_escape(character.code);
    }
    if (also.contains(static_cast<char>(byte))) return backslashed(static_cast<char>(byte));
    return "";
  });
}

void append_json_escaped(std::string& out, std::string_view text) {
  append_with(out, text, [](const Character& character, std::uint8_t) -> std::string {
    if (!character.valid) return std::string(kReplacement);
    if (const char letter = short_escape(character.code)) return backslashed(letter);
    if (must_escape(character.code)) return u_escape(character.code);
    if (character.code == '"' || character.code == '\\') {
      return backslashed(static_cast<char>(character.code));
    }
    return "";
  });
}

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  append_escaped(out, clipped(text, kMaxQuoted));
  out += text.size() > kMaxQuoted ? "...'" : "'";
  return out;
}

std::string_view clipped(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  // A character has at most three bytes after its first.
  for (std::size_t back = 0; back < std::min<std::size_t>(4, most); ++back) {
    const std::size_t at = most - back;
    if ((byte_at(text, at) & 0xc0U) != 0x80U) return text.substr(0, at);
  }
  return text.substr(0, most);
}

}  // namespace lambdapool::supervisor
