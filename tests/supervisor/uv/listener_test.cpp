#include "supervisor/uv/listener.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/stream.h"
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

TEST(Listener, PortZeroIsChosenByTheKernel) {
  Loop loop;

  const auto listener = Listener::bind(loop, "127.0.0.1", 0);

  ASSERT_TRUE(listener) << listener.error();
  EXPECT_GT((*listener)->port(), 0);
}

TEST(Listener, APortInUseIsToldAtOnceWithHostAndPort) {
  Loop loop;
  const auto first = Listener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(first) << first.error();
  const auto listening = (*first)->listen(16, [](uv_stream_t*) {});
  ASSERT_TRUE(listening) << listening.error();
  const std::uint16_t port = (*first)->port();

  const auto second = Listener::bind(loop, "127.0.0.1", port);

  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << second.error();
  EXPECT_NE(second.error().find("port is in use"), std::string::npos) << second.error();
}

TEST(Listener, AHostThatIsNoneOfOursIsNamed) {
  Loop loop;

  const auto listener = Listener::bind(loop, "192.0.2.1", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("192.0.2.1:8000"), std::string::npos) << listener.error();
}

TEST(Listener, AnAddressThatIsNoneIsNamed) {
  Loop loop;

  const auto listener = Listener::bind(loop, "256.0.0.1.", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("256.0.0.1.:8000"), std::string::npos) << listener.error();
}

TEST(Listener, AnIpv6AddressIsNamedInBrackets) {
  Loop loop;

  const auto listener = Listener::bind(loop, "2001:db8::1", 8000);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("[2001:db8::1]:8000"), std::string::npos) << listener.error();
}

TEST(Listener, ClientsAreRefusedUntilItListens) {
  Loop loop;
  const auto listener = Listener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error();
  FileDescriptor client;
  EXPECT_EQ(connect_to((*listener)->port(), client), ECONNREFUSED);
  NoEvents events;
  std::unique_ptr<Stream> accepted;

  const auto listening = (*listener)->listen(
      16, [&](uv_stream_t* server) { accepted = Stream::accept(server, events); });

  ASSERT_TRUE(listening) << listening.error();
  EXPECT_EQ(connect_to((*listener)->port(), client), 0);
  EXPECT_TRUE(run_until(loop, [&] { return accepted != nullptr; }));
  EXPECT_EQ(accepted->peer_address(), "127.0.0.1");
}

TEST(Listener, ADroppedListenerRefusesClientsAndFreesItsPort) {
  Loop loop;
  auto listener = Listener::bind(loop, "127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error();
  ASSERT_TRUE((*listener)->listen(16, [](uv_stream_t*) {}));
  const std::uint16_t port = (*listener)->port();

  listener->reset();
  run_turns(loop);

  FileDescriptor client;
  EXPECT_EQ(connect_to(port, client), ECONNREFUSED);
  EXPECT_TRUE(Listener::bind(loop, "127.0.0.1", port));
}

// A folder of its own for the files of unix sockets.
class UnixListener : public testing::Test {
 protected:
  UnixListener() {
    std::string name = testing::TempDir() + "/listenerXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~UnixListener() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/socket"; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                                  std::filesystem::directory_iterator()));
  }
  int connect_to_it(FileDescriptor& made) const {
    made = FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    return connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
               ? 0
               : errno;
  }
  mode_t mode() const {
    struct stat found{};
    return lstat(path().c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
  }

  std::string folder_;
  Loop loop_;
};

TEST_F(UnixListener, ItsFileHasExactlyTheModeWhateverTheUmask) {
  const mode_t before = umask(0);
  const auto open = Listener::bind_unix(loop_, path(), 0600);
  ASSERT_TRUE(open) << open.error();
  EXPECT_EQ(mode(), 0600);
  umask(0777);
  const auto shared = Listener::bind_unix(loop_, path() + "2", 0660);
  umask(before);

  ASSERT_TRUE(shared) << shared.error();
  EXPECT_EQ(std::filesystem::status(path() + "2").permissions(), std::filesystem::perms(0660));
}

TEST_F(UnixListener, AClientThatComesBeforeItListensIsTakenThen) {
  const auto listener = Listener::bind_unix(loop_, path(), 0600);
  ASSERT_TRUE(listener) << listener.error();
  FileDescriptor client;
  ASSERT_EQ(connect_to_it(client), 0);
  NoEvents events;
  std::unique_ptr<Stream> accepted;

  const auto listening = (*listener)->listen(
      16, [&](uv_stream_t* server) { accepted = Stream::accept(server, events); });

  ASSERT_TRUE(listening) << listening.error();
  ASSERT_TRUE(run_until(loop_, [&] { return accepted != nullptr; }));
  EXPECT_EQ(accepted->peer_user(), geteuid());
  EXPECT_EQ(accepted->peer_address(), "unix");
  EXPECT_EQ(accepted->peer_state(), PeerState::kThere);
  client.reset();
  EXPECT_EQ(accepted->peer_state(), PeerState::kGone);
}

TEST_F(UnixListener, ItsFileGoesWithIt) {
  auto listener = Listener::bind_unix(loop_, path(), 0600);
  ASSERT_TRUE(listener) << listener.error();
  EXPECT_EQ(files(), 1);

  listener->reset();

  EXPECT_EQ(files(), 0);
}

TEST_F(UnixListener, TheFileOfADeadProgramIsReplaced) {
  {
    const FileDescriptor dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  FileDescriptor client;
  ASSERT_EQ(connect_to_it(client), ECONNREFUSED);

  const auto listener = Listener::bind_unix(loop_, path(), 0600);

  ASSERT_TRUE(listener) << listener.error();
  EXPECT_EQ(connect_to_it(client), 0);
}

TEST_F(UnixListener, TheFileOfALivingProgramIsAnErrorThatNamesIt) {
  const auto first = Listener::bind_unix(loop_, path(), 0600);
  ASSERT_TRUE(first) << first.error();

  const auto second = Listener::bind_unix(loop_, path(), 0600);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(),
            "cannot listen on " + path() +
                ": a running program listens there; stop it or choose another path");
  FileDescriptor client;
  EXPECT_EQ(connect_to_it(client), 0);
}

TEST_F(UnixListener, WhatIsNoSocketIsLeftAlone) {
  std::ofstream(path()) << "text";

  const auto listener = Listener::bind_unix(loop_, path(), 0600);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("no socket"), std::string::npos) << listener.error();
  EXPECT_EQ(std::filesystem::file_size(path()), 4);
}

TEST_F(UnixListener, AFileThatAnotherProgramPutInItsPlaceIsLeftAlone) {
  auto listener = Listener::bind_unix(loop_, path(), 0600);
  ASSERT_TRUE(listener) << listener.error();
  std::filesystem::remove(path());
  std::ofstream(path()) << "text";

  listener->reset();

  EXPECT_EQ(files(), 1);
}

TEST_F(UnixListener, APathThatNoAddressHoldsIsTold) {
  const std::string longest = folder_ + "/" + std::string(107 - folder_.size() - 1, 'x');
  EXPECT_TRUE(Listener::bind_unix(loop_, longest, 0600));

  const auto listener = Listener::bind_unix(loop_, longest + "x", 0600);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("longer than 107 bytes"), std::string::npos);
}

TEST_F(UnixListener, AFolderThatIsNotThereIsTold) {
  const auto listener = Listener::bind_unix(loop_, folder_ + "/none/socket", 0600);

  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().find("No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
