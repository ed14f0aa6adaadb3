// Descriptors over a real socketpair: what comes with which bytes, and what a hostile peer gets.
#include "protocol/passed_descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace lambdapool::protocol {
namespace {

ino_t inode(int descriptor) {
  struct stat status{};
  EXPECT_EQ(fstat(descriptor, &status), 0);
  return status.st_ino;
}

class PassedDescriptors : public testing::Test {
 protected:
  PassedDescriptors() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    here_ = FileDescriptor(ends[0]);
    there_ = FileDescriptor(ends[1]);
  }

  static FileDescriptor memory() { return FileDescriptor(memfd_create("test", MFD_CLOEXEC)); }

  // Sends all, as the owner of an output would.
  void send_all(std::string_view bytes, std::uint64_t position = 0) {
    while (!bytes.empty()) {
      const ssize_t count = outgoing_.send(here_.get(), bytes, position);
      ASSERT_GT(count, 0);
      bytes.remove_prefix(static_cast<std::size_t>(count));
      position += static_cast<std::uint64_t>(count);
    }
  }
  // What one receive gives.
  std::string receive() {
    std::array<char, 4096> space{};
    const ssize_t count = incoming_.receive(there_.get(), space);
    return count < 0 ? "nothing" : std::string(space.data(), static_cast<std::size_t>(count));
  }
  // Sends many descriptors with one byte, as no program of ours does.
  void send_with(const std::vector<int>& descriptors) {
    std::array<char, 256> control{};
    char byte = 'x';
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    ASSERT_EQ(sendmsg(here_.get(), &message, 0), 1);
  }

  FileDescriptor here_;
  FileDescriptor there_;
  OutgoingDescriptors outgoing_;
  IncomingDescriptors incoming_;
};

TEST_F(PassedDescriptors, OneComesWithTheBytesItBelongsTo) {
  auto sent = memory();
  const auto expected = inode(sent.get());
  outgoing_.add(3, std::move(sent));
  send_all("abcDEF");

  std::string got = receive();
  if (got.size() < 6) got += receive();
  EXPECT_EQ(got, "abcDEF");
  const auto taken = incoming_.take();
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(inode(taken->get()), expected);
  EXPECT_FALSE(incoming_.take().has_value());
  EXPECT_TRUE(outgoing_.empty());
}

TEST_F(PassedDescriptors, TheyComeInTheOrderOfTheirFrames) {
  std::vector<ino_t> expected;
  for (const std::uint64_t position : {0, 2, 4}) {
    auto one = memory();
    expected.push_back(inode(one.get()));
    outgoing_.add(position, std::move(one));
  }
  send_all("aabbcc");

  std::vector<ino_t> got;
  for (std::string bytes; bytes.size() < 6;) {
    bytes += receive();
    while (const auto taken = incoming_.take()) got.push_back(inode(taken->get()));
  }
  EXPECT_EQ(got, expected);
  EXPECT_FALSE(incoming_.surplus(true));
}

TEST_F(PassedDescriptors, AReceivedOneDoesNotGetIntoPrograms) {
  outgoing_.add(0, memory());
  send_all("x");
  receive();

  EXPECT_NE(fcntl(incoming_.take()->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PassedDescriptors, OneThatNoFrameNamesIsSurplus) {
  EXPECT_FALSE(incoming_.surplus(true));
  outgoing_.add(0, memory());
  send_all("x");
  receive();

  EXPECT_FALSE(incoming_.surplus(false));
  EXPECT_TRUE(incoming_.surplus(true));
}

TEST_F(PassedDescriptors, OfManyWithOneByteOnlyOneIsTakenAndItIsSurplus) {
  const auto one = memory();
  send_with(std::vector<int>(8, one.get()));
  receive();

  EXPECT_TRUE(incoming_.surplus(false));
  EXPECT_TRUE(incoming_.take().has_value());
  EXPECT_FALSE(incoming_.take().has_value());
}

TEST_F(PassedDescriptors, NoMoreThanTwoAreHeld) {
  const auto one = memory();
  for (int i = 0; i < 5; ++i) {
    send_with({one.get()});
    receive();
  }

  EXPECT_TRUE(incoming_.surplus(false));
  EXPECT_TRUE(incoming_.take().has_value());
  EXPECT_TRUE(incoming_.take().has_value());
  EXPECT_FALSE(incoming_.take().has_value());
}

TEST_F(PassedDescriptors, WhatWasNotSentIsClosed) {
  auto one = memory();
  const int number = one.get();
  {
    OutgoingDescriptors dropped;
    dropped.add(0, std::move(one));
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace lambdapool::protocol
