// Msgpack by hand, for bytes that the codec itself would never make: wrong types, wrong counts,
// lies about lengths.
//
// Written from the msgpack specification and used by the tests alone, so that the codec is judged
// by something other than the library it is built on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lambdapool::protocol::raw {

// Each returns one whole msgpack value, always in the widest form, which decoders must take like
// the short one.
std::string nil();
std::string boolean(bool value);
std::string number(std::uint64_t value);
std::string negative(std::int64_t value);
std::string real(double value);
std::string str(std::string_view value);
std::string bin(std::string_view value);
std::string extension(std::int8_t type, std::string_view value);
std::string array(const std::vector<std::string>& values);
std::string map(const std::vector<std::string>& keys_and_values);

// Only the heads: what follows is left to the caller.
std::string array_head(std::uint32_t count);
std::string map_head(std::uint32_t count);
std::string str_head(std::uint32_t length);
std::string bin_head(std::uint32_t length);

// The values of a payload that is one well-formed array, each as its bytes.
std::vector<std::string> elements(std::string_view payload);

// A frame's payload.
std::string payload_of(std::string_view frame);

// "00 0b 93" -> the bytes. Blanks are ignored.
std::string from_hex(std::string_view text);
std::string to_hex(std::string_view bytes);

}  // namespace lambdapool::protocol::raw
