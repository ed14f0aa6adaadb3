#include "supervisor/source/lambda_identity.h"

#include <array>
#include <cstdint>

namespace lambdapool::supervisor {
namespace {

// FNV-1a.
std::uint64_t hash(std::string_view text, std::uint64_t state) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * kPrime;
  return state;
}

}  // namespace

std::string default_lambda_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (const auto slash = path.rfind('/'); slash != std::string_view::npos)
    path.remove_prefix(slash + 1);
  if (path.ends_with(".zip")) path.remove_suffix(4);
  return std::string(path.empty() ? std::string_view("lambda") : path);
}

std::string default_lambda_id(std::string_view name) {
  constexpr std::array<std::uint64_t, 2> kSeeds = {0xcbf29ce484222325, 0x9ae16a3b2f90404f};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (const std::uint64_t seed : kSeeds) {
    const std::uint64_t half = hash(name, seed);
    for (int shift = 60; shift >= 0; shift -= 4) id += kDigits[(half >> shift) & 0xf];
  }
  id[12] = '8';                          // RFC 9562: version 8, made by a rule of one's own,
  id[16] = kDigits[8 | (id[16] & 0x3)];  // variant 10.
  for (const std::size_t dash : {20UZ, 16UZ, 12UZ, 8UZ}) id.insert(dash, 1, '-');
  return id;
}

}  // namespace lambdapool::supervisor
