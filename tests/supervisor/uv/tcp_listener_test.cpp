#include "supervisor/uv/tcp_listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/tcp_stream.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor::uv {
namespace {

class NoEvents final : public StreamEvents {
 public:
  void on_read(std::string_view) override {}
  void on_end() override {}
  void on_broken() override {}
  void on_drained() override {}
};

// 0 when the connection is made, else why not.
int connect_to(std::uint16_t port, FileDescriptor& made) {
  made = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
             ? 0
             : errno;
}

TEST(TcpListener, PortZeroIsChosenByTheKernel) {
  Loop loop;

  const auto listener = TcpListener::bind(loop, "127.0.0.1", 0);

  ASSERT_TRUE(listener) << listener.error();
  EXPECT_GT((*listener)->port(), 0);
}

TEST(TcpListener, APortInUseIsToldAtOnceWithHostAndPort) {
  Loop loop;
  const auto first = TcpListener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(first) << first.error();
  const auto listening = (*first)->listen(16, [](uv_stream_t*) {});
  ASSERT_TRUE(listening) << listening.error();
  const std::uint16_t port = (*first)->port();

  const auto second = TcpListener::bind(loop, "127.0.0.1", port);

  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << second.error();
  EXPECT_NE(second.error().find("port is in use"), std::string::npos) << second.error();
  EXPECT_NE(second.error().find("--port"), std::string::npos) << second.error();
}

TEST(TcpListener, AHostThatIsNoneOfOursIsNamed) {
  Loop loop;

  const auto listener = TcpListener::bind(loop, "192.0.2.1", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("192.0.2.1:8000"), std::string::npos) << listener.error();
}

TEST(TcpListener, AnAddressThatIsNoneIsToldWithItsKey) {
  Loop loop;

  const auto listener = TcpListener::bind(loop, "256.0.0.1.", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("server.host"), std::string::npos) << listener.error();
}

TEST(TcpListener, AnIpv6AddressIsNamedInBrackets) {
  Loop loop;

  const auto listener = TcpListener::bind(loop, "2001:db8::1", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("[2001:db8::1]:8000"), std::string::npos) << listener.error();
}

TEST(TcpListener, ClientsAreRefusedUntilItListens) {
  Loop loop;
  const auto listener = TcpListener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error();
  FileDescriptor client;
  EXPECT_EQ(connect_to((*listener)->port(), client), ECONNREFUSED);
  NoEvents events;
  std::unique_ptr<TcpStream> accepted;

  const auto listening = (*listener)->listen(
      16, [&](uv_stream_t* server) { accepted = TcpStream::accept(server, events); });

  ASSERT_TRUE(listening) << listening.error();
  EXPECT_EQ(connect_to((*listener)->port(), client), 0);
  EXPECT_TRUE(run_until(loop, [&] { return accepted != nullptr; }));
  EXPECT_EQ(accepted->peer_address(), "127.0.0.1");
}

TEST(TcpListener, ADroppedListenerRefusesClientsAndFreesItsPort) {
  Loop loop;
  auto listener = TcpListener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error();
  ASSERT_TRUE((*listener)->listen(16, [](uv_stream_t*) {}));
  const std::uint16_t port = (*listener)->port();

  listener->reset();
  run_turns(loop);

  FileDescriptor client;
  EXPECT_EQ(connect_to(port, client), ECONNREFUSED);
  EXPECT_TRUE(TcpListener::bind(loop, "127.0.0.1", port));
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
