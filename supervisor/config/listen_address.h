// An address to listen on that is either a unix socket or TCP: `unix:/path` or `host:port`.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace lambdapool::supervisor {

struct ListenAddress {
  std::string path = {};  // Of a unix socket; empty: TCP.
  std::string host = {};
  std::uint16_t port = 0;
};

// An IPv6 address stands in brackets: [::1]:9100. Failure: what it must be.
std::expected<ListenAddress, std::string> parse_listen_address(std::string_view text);

// As it is shown to people: `unix:/path`, `http://host:port`.
std::string to_string(const ListenAddress& address);

}  // namespace lambdapool::supervisor
