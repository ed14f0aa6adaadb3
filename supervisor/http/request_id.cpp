#include "supervisor/http/request_id.h"

#include <sys/random.h>

#include <cstdlib>
#include <ctime>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kSecondsDigits = 10;
constexpr std::string_view kUuidShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::size_t kUuidBytes = 16;

}  // namespace

bool is_request_id(std::string_view text) {
  if (text.size() != kSecondsDigits + 1 + kUuidShape.size() || text[kSecondsDigits] != ',')
    return false;
  for (std::size_t i = 0; i < kSecondsDigits; ++i) {
    if (!is_digit(text[i])) return false;
  }
  const std::string_view uuid = text.substr(kSecondsDigits + 1);
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    const bool fits =
        kUuidShape[i] == '-' ? uuid[i] == '-' : is_hex(uuid[i]) && uuid[i] == to_lower(uuid[i]);
    if (!fits) return false;
  }
  return true;
}

std::string RequestIds::next() {
  if (used_ + kUuidBytes > random_.size()) {
    // Asks for less than the kernel may interrupt; it fails only where there is no such call.
    if (getrandom(random_.data(), 256, 0) < 0) std::abort();
    for (std::size_t done = 256; done < random_.size(); done += 256) {
      if (getrandom(random_.data() + done, 256, 0) < 0) std::abort();
    }
    used_ = 0;
  }
  std::uint8_t* bytes = random_.data() + used_;
  used_ += kUuidBytes;
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // RFC 9562: version 4,
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // variant 10.

  std::array<char, kSecondsDigits + 1 + kUuidShape.size()> text{};
  auto seconds = static_cast<std::uint64_t>(std::time(nullptr));
  for (std::size_t i = kSecondsDigits; i-- > 0; seconds /= 10) {
    text[i] = static_cast<char>('0' + seconds % 10);
  }
  text[kSecondsDigits] = ',';
  constexpr std::string_view kDigits = "0123456789abcdef";
  char* at = text.data() + kSecondsDigits + 1;
  for (std::size_t i = 0; i < kUuidBytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = kDigits[bytes[i] >> 4];
    *at++ = kDigits[bytes[i] & 0x0f];
  }
  return {text.data(), text.size()};
}

}  // namespace lambdapool::supervisor
