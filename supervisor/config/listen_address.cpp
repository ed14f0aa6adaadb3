#include "supervisor/config/listen_address.h"

#include <charconv>

namespace lambdapool::supervisor {

std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kExpected = "must be unix:/absolute/path or host:port";
  if (text.starts_with(kUnix)) {
    text.remove_prefix(kUnix.size());
    if (!text.starts_with('/') || text.ends_with('/')) {
      return std::unexpected(std::string(kExpected));
    }
    return ListenAddress{.path = std::string(text)};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::unexpected(std::string(kExpected));
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return std::unexpected("has no port from 0 to 65535; it " + std::string(kExpected));
  }
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty()) return std::unexpected("has no host; it " + std::string(kExpected));
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return std::unexpected("must have an IPv6 address in brackets, as in [::1]:9100");
  }
  return ListenAddress{.host = std::string(host), .port = port};
}

std::string to_string(const ListenAddress& address) {
  if (!address.path.empty()) return "unix:" + address.path;
  const bool v6 = address.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + address.host + "]" : address.host;
  return "http://" + host + ":" + std::to_string(address.port);
}

}  // namespace lambdapool::supervisor
