#include "supervisor/config/listen_address.h"

#include <gtest/gtest.h>

namespace lambdapool::supervisor {
namespace {

TEST(ListenAddress, AUnixSocketHasAnAbsolutePath) {
  EXPECT_EQ(parse_listen_address("unix:/run/a.sock")->path, "/run/a.sock");
  EXPECT_FALSE(parse_listen_address("unix:a.sock"));
  EXPECT_FALSE(parse_listen_address("unix:"));
  EXPECT_FALSE(parse_listen_address("unix:/run/"));
}

TEST(ListenAddress, TcpIsAHostAndAPort) {
  for (const std::string_view text : {"127.0.0.1:9100", "localhost:0", "[::1]:65535"}) {
    const auto address = parse_listen_address(text);

    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), "http://" + std::string(text));
  }
  for (const std::string_view text :
       {"", "9100", ":9100", "host:", "host:65536", "host:-1", "host:9x", "::1:9100", "[]:9100"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

}  // namespace
}  // namespace lambdapool::supervisor
