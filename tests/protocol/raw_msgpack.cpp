#include "tests/protocol/raw_msgpack.h"

#include <bit>
#include <stdexcept>

namespace lambdapool::protocol::raw {
namespace {

std::string big_endian(std::uint64_t value, std::size_t bytes) {
  std::string out;
  for (std::size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  return out;
}

std::string head(unsigned char tag, std::uint64_t value, std::size_t bytes) {
  return std::string(1, static_cast<char>(tag)) + big_endian(value, bytes);
}

std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += value;
  return out;
}

std::uint64_t read(std::string_view text, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value = (value << 8) | static_cast<unsigned char>(text.at(at + i));
  }
  return value;
}

std::size_t skip(std::string_view text, std::size_t at);

std::size_t skip_all(std::string_view text, std::size_t at, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) at = skip(text, at);
  return at;
}

// Where the value that begins at `at` ends. Knows the forms that our messages use.
std::size_t skip(std::string_view text, std::size_t at) {
  const auto tag = static_cast<unsigned char>(text.at(at));
  if (tag <= 0x7f || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) return at + 1;
  if (tag >= 0x90 && tag <= 0x9f) return skip_all(text, at + 1, tag & 0x0fU);
  if (tag >= 0xa0 && tag <= 0xbf) return at + 1 + (tag & 0x1fU);
  switch (tag) {
    case 0xcc:
      return at + 2;
    case 0xcd:
      return at + 3;
    case 0xce:
      return at + 5;
    case 0xcb:
    case 0xcf:
      return at + 9;
    case 0xc4:
    case 0xd9:
      return at + 2 + read(text, at + 1, 1);
    case 0xc5:
    case 0xda:
      return at + 3 + read(text, at + 1, 2);
    case 0xc6:
    case 0xdb:
      return at + 5 + read(text, at + 1, 4);
    case 0xdc:
      return skip_all(text, at + 3, read(text, at + 1, 2));
    case 0xdd:
      return skip_all(text, at + 5, read(text, at + 1, 4));
    default:
      throw std::invalid_argument("a form of msgpack that the tests do not read");
  }
}

}  // namespace

std::string nil() { return "\xc0"; }
std::string boolean(bool value) { return value ? "\xc3" : "\xc2"; }
std::string number(std::uint64_t value) { return head(0xcf, value, 8); }
std::string negative(std::int64_t value) {
  return head(0xd3, static_cast<std::uint64_t>(value), 8);
}
std::string real(double value) { return head(0xcb, std::bit_cast<std::uint64_t>(value), 8); }
std::string str(std::string_view value) {
  return str_head(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
std::string bin(std::string_view value) {
  return bin_head(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
std::string extension(std::int8_t type, std::string_view value) {
  return head(0xc9, value.size(), 4) + static_cast<char>(type) + std::string(value);
}
std::string array(const std::vector<std::string>& values) {
  return array_head(static_cast<std::uint32_t>(values.size())) + joined(values);
}
std::string map(const std::vector<std::string>& keys_and_values) {
  return map_head(static_cast<std::uint32_t>(keys_and_values.size() / 2)) + joined(keys_and_values);
}

std::string array_head(std::uint32_t count) { return head(0xdd, count, 4); }
std::string map_head(std::uint32_t count) { return head(0xdf, count, 4); }
std::string str_head(std::uint32_t length) { return head(0xdb, length, 4); }
std::string bin_head(std::uint32_t length) { return head(0xc6, length, 4); }

std::vector<std::string> elements(std::string_view payload) {
  const auto tag = static_cast<unsigned char>(payload.at(0));
  std::uint64_t count = tag & 0x0fU;
  std::size_t at = 1;
  if (tag == 0xdc) {
    count = read(payload, 1, 2);
    at = 3;
  } else if (tag == 0xdd) {
    count = read(payload, 1, 4);
    at = 5;
  } else if ((tag & 0xf0U) != 0x90) {
    throw std::invalid_argument("not an array");
  }
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t end = skip(payload, at);
    values.emplace_back(payload.substr(at, end - at));
    at = end;
  }
  if (at != payload.size()) throw std::invalid_argument("bytes after the array");
  return values;
}

std::string payload_of(std::string_view frame) { return std::string(frame.substr(4)); }

std::string from_hex(std::string_view text) {
  std::string digits;
  for (const char letter : text) {
    if (letter != ' ' && letter != '\n') digits.push_back(letter);
  }
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    if (!out.empty()) out.push_back(' ');
    out.push_back(kDigits[value >> 4]);
    out.push_back(kDigits[value & 0x0f]);
  }
  return out;
}

}  // namespace lambdapool::protocol::raw
