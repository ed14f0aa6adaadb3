#include "supervisor/uv/stream.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "supervisor/uv/file_descriptor.h"
#include "supervisor/uv/listener.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor::uv {
namespace {

// More than the buffers of both sockets hold.
constexpr std::size_t kLarge = std::size_t{24} << 20;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i % 23);
  return bytes;
}

// Content in memory of the test. With `unreadable`, as what a worker has taken away: it faults
// until it is kept.
class TestContent final : public Content {
 public:
  TestContent(std::string bytes, bool& gone, bool unreadable = false)
      : bytes_(std::move(bytes)), rest_(bytes_), gone_(gone) {
    if (!unreadable) return;
    fault_ = mmap(nullptr, bytes_.size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rest_ = {static_cast<const char*>(fault_), bytes_.size()};
  }
  ~TestContent() override {
    if (fault_ != nullptr) munmap(fault_, bytes_.size());
    gone_ = true;
  }
  std::string_view rest() const override { return rest_; }
  void sent(std::size_t bytes) override { rest_.remove_prefix(bytes); }
  std::size_t copy(std::span<char> to) const override {
    return std::string_view(bytes_).substr(bytes_.size() - rest_.size()).copy(to.data(), to.size());
  }
  void keep() override { rest_ = std::string_view(bytes_).substr(bytes_.size() - rest_.size()); }

 private:
  std::string bytes_;
  std::string_view rest_;
  bool& gone_;
  void* fault_ = nullptr;
};

// A stream, and the client's end in the hands of the test.
class StreamTest : public testing::Test, private StreamEvents {
 protected:
  StreamTest() {
    auto listener = Listener::bind(loop_, "127.0.0.1", 0);
    EXPECT_TRUE(listener);
    EXPECT_TRUE((*listener)->listen(
        1, [this](uv_stream_t* server) { stream_ = Stream::accept(server, *this); }));
    client_ = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>((*listener)->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(client_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    EXPECT_TRUE(run_until(loop_, [&] { return stream_ != nullptr; }));
  }

  // Reads until so much has come or the stream has ended.
  std::string client_reads(std::size_t most) {
    std::string got;
    std::string room(std::size_t{1} << 20, '\0');  // Once: a sanitizer takes its time to fill it.
    EXPECT_TRUE(run_until(loop_, [&] {
      for (;;) {
        const ssize_t count = recv(client_.get(), room.data(),
                                   std::min(room.size(), most - got.size()), MSG_DONTWAIT);
        if (count <= 0) return count == 0 || got.size() >= most;
        got.append(room.data(), static_cast<std::size_t>(count));
        if (got.size() >= most) return true;
      }
    }));
    return got;
  }
  std::unique_ptr<Content> content(std::string bytes, bool unreadable = false) {
    return std::make_unique<TestContent>(std::move(bytes), gone_, unreadable);
  }

  void on_read(std::string_view) override {}
  void on_end() override {}
  void on_broken() override { ++broken_; }
  void on_drained() override { ++drained_; }

  Loop loop_;
  std::unique_ptr<Stream> stream_;
  FileDescriptor client_;
  bool gone_ = false;
  int broken_ = 0;
  int drained_ = 0;
};

TEST_F(StreamTest, ContentThatTheSocketTakesIsSentAtOnce) {
  stream_->write("head ", content("body"));

  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_TRUE(gone_);
  EXPECT_EQ(client_reads(9), "head body");
  EXPECT_EQ(drained_, 0);
}

TEST_F(StreamTest, ContentGoesAsTheClientReads) {
  const std::string body = pattern(kLarge);
  stream_->write("head ", content(body));
  EXPECT_GT(stream_->unsent(), 0U);
  EXPECT_FALSE(gone_);

  EXPECT_TRUE(client_reads(5 + kLarge) == "head " + body);

  EXPECT_TRUE(run_until(loop_, [&] { return drained_ > 0; }));
  EXPECT_EQ(stream_->unsent(), 0U);
  EXPECT_TRUE(gone_);
  EXPECT_EQ(drained_, 1);
}

TEST_F(StreamTest, WhatIsWrittenBehindContentComesBehindIt) {
  const std::string body = pattern(kLarge);
  stream_->write("head ", content(body));
  stream_->write(" next");
  stream_->write(" head ", content(body));

  const std::string all = client_reads(16 + 2 * kLarge);

  EXPECT_TRUE(all == "head " + body + " next head " + body);
}

TEST_F(StreamTest, TheEndComesBehindContent) {
  const std::string body = pattern(kLarge);
  stream_->write("head ", content(body));
  stream_->finish_writing();

  EXPECT_TRUE(client_reads(SIZE_MAX) == "head " + body);
}

TEST_F(StreamTest, ContentThatCannotBeReadWhereItIsIsKept) {
  const std::string body = pattern(kLarge);
  stream_->write("head ", content(body, true));

  EXPECT_TRUE(client_reads(5 + kLarge) == "head " + body);
}

TEST_F(StreamTest, ContentIsLetGoOfWithTheStream) {
  stream_->write("head ", content(pattern(kLarge)));
  EXPECT_FALSE(gone_);

  stream_.reset();

  EXPECT_TRUE(gone_);
}

TEST_F(StreamTest, AClientThatLeavesInTheMiddleOfContentIsNoticed) {
  stream_->write("head ", content(pattern(kLarge)));
  client_.reset();

  EXPECT_TRUE(run_until(loop_, [&] { return broken_ > 0; }));
}

}  // namespace
}  // namespace lambdapool::supervisor::uv
