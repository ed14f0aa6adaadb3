#include "supervisor/pool/worker_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "protocol/frame_decoder.h"
#include "tests/supervisor/support/run_until.h"

namespace lambdapool::supervisor {
namespace {

// A channel, and the worker's end of it in the hands of the test.
class WorkerChannelTest : public testing::Test, protected ChannelEvents {
 protected:
  explicit WorkerChannelTest(int type = SOCK_STREAM) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    worker_ = uv::FileDescriptor(ends[1]);
    channel_ = std::make_unique<WorkerChannel>(loop_, uv::FileDescriptor(ends[0]),
                                               static_cast<ChannelEvents&>(*this));
  }

  void worker_writes(std::string_view bytes) {
    ASSERT_EQ(write(worker_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // What one read of the worker gives.
  std::string worker_reads() const {
    std::string bytes(std::size_t{1} << 20, '\0');
    const ssize_t count = read(worker_.get(), bytes.data(), bytes.size());
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
  }

  static std::string frame(const auto& message) {
    std::string out;
    protocol::append(out, message);
    return out;
  }
  static std::string answer(std::uint64_t id, std::string_view body = {}) {
    protocol::Response made;
    made.id = id;
    made.status = 200;
    made.body = body;
    return frame(made);
  }

  void on_message(const protocol::Up& message) override {
    if (const auto* told = std::get_if<protocol::Response>(&message)) answers_.push_back(told->id);
    ++messages_;
    if (closes_at_ == messages_) channel_->close();
  }
  void on_protocol_error(std::string_view what) override { errors_.emplace_back(what); }
  void on_channel_closed() override { ++closed_; }

  uv::Loop loop_;
  uv::FileDescriptor worker_;
  std::unique_ptr<WorkerChannel> channel_;
  std::vector<std::uint64_t> answers_;
  std::vector<std::string> errors_;
  int messages_ = 0;
  int closed_ = 0;
  int closes_at_ = 0;
};

class WorkerChannelOfPackets : public WorkerChannelTest {
 protected:
  // Keeps the boundaries of writes, so that they can be counted.
  WorkerChannelOfPackets() : WorkerChannelTest(SOCK_SEQPACKET) {}
};

TEST_F(WorkerChannelOfPackets, WhatIsSentInATurnLeavesInOneWrite) {
  const protocol::Cancel first{1, "timeout"};
  const protocol::Cancel second{2, "disconnect"};

  channel_->send(first);
  channel_->send(second);
  EXPECT_EQ(worker_reads(), "");
  run_turns(loop_);

  EXPECT_EQ(worker_reads(), frame(first) + frame(second));
  EXPECT_EQ(worker_reads(), "");
}

TEST_F(WorkerChannelTest, FramesThatWereSentAreCounted) {
  channel_->send(protocol::Shutdown{1});
  channel_->send_request(1, 0, 1000, protocol::encode_request_fields({}), "body");

  EXPECT_EQ(channel_->frames_sent(), 2U);
  EXPECT_GT(channel_->unsent(), 0U);
  run_turns(loop_);
  EXPECT_EQ(channel_->unsent(), 0U);
  EXPECT_EQ(channel_->frames_sent(), 2U);
}

TEST_F(WorkerChannelTest, ARequestArrivesAsItWasSent) {
  const protocol::Request request{.id = 7,
                                  .slot = 3,
                                  .time_left_ms = 50,
                                  .method = "POST",
                                  .path = "/p",
                                  .query = "q",
                                  .headers = {{"A", "b"}},
                                  .peer = "::1",
                                  .request_id = "r",
                                  .body = "body"};

  channel_->send_request(7, 3, 50, protocol::encode_request_fields(request), "body");
  run_turns(loop_);

  EXPECT_EQ(worker_reads(), frame(request));
}

TEST_F(WorkerChannelTest, ALargeBodyComesInMemoryWithItsFrame) {
  BodyPool pool(loop_);
  std::string fields = protocol::encode_request_fields({});
  std::string expected;
  {
    Body first(&pool);
    first.append(std::string(100'000, 'a'));
    Body second(&pool);
    second.append(std::string(200'000, 'b'));
    Body small(std::string("small"));
    channel_->send(protocol::Shutdown{1});
    channel_->send_request(1, 0, 9, fields, first);
    channel_->send_request(2, 1, 9, fields, small);
    channel_->send_request(3, 2, 9, fields, second);
    EXPECT_EQ(channel_->frames_sent(), 4U);
    expected += frame(protocol::Shutdown{1});
    protocol::append_request_with_memory(expected, 1, 0, 9, fields, 100'000, 1);
    protocol::append_request(expected, 2, 1, 9, fields, "small");
    protocol::append_request_with_memory(expected, 3, 2, 9, fields, 200'000, 2);
    // The requests are over before they are sent: what was promised to the worker stays.
  }
  run_turns(loop_);

  protocol::IncomingDescriptors incoming;
  std::string got;
  std::vector<std::string> bodies;
  while (got.size() < expected.size()) {
    std::array<char, 4096> space{};
    const ssize_t count = incoming.receive(worker_.get(), space);
    ASSERT_GT(count, 0);
    got.append(space.data(), static_cast<std::size_t>(count));
    while (const auto memory = incoming.take()) {
      std::string body(std::size_t{1} << 20, '\0');
      const ssize_t size = pread(memory->get(), body.data(), body.size(), 0);
      ASSERT_GT(size, 0);
      bodies.push_back(body.substr(0, 100'000));
    }
  }
  EXPECT_TRUE(got == expected);
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_TRUE(bodies[0] == std::string(100'000, 'a'));
  EXPECT_TRUE(bodies[1] == std::string(100'000, 'b'));
  EXPECT_EQ(channel_->unsent(), 0U);
}

// A channel whose frames the test reads as a worker does.
class WorkerChannelWithBodies : public WorkerChannelTest {
 protected:
  struct Told {
    std::uint64_t memory = 0;
    bool came = false;  // A descriptor, with the frame.
    bool forgotten = false;
    bool operator==(const Told&) const = default;
  };

  void send(Body& body) {
    channel_->send_request(1, 0, 9, protocol::encode_request_fields({}), body);
    body.returned();
  }
  Body body_of(std::size_t bytes) {
    Body body(&pool_);
    body.append(std::string(bytes, 'x'));
    return body;
  }
  // What has been said of memories since the last call.
  std::vector<Told> told() {
    run_turns(loop_);
    std::vector<Told> all;
    for (;;) {
      const auto space = decoder_.space();
      const ssize_t count = incoming_.receive(worker_.get(), space);
      if (count <= 0) return all;
      decoder_.filled(static_cast<std::size_t>(count));
      for (;;) {
        const std::optional<std::string_view> payload = decoder_.next().value();
        if (!payload) break;
        const auto message = protocol::decode_down(*payload).value();
        if (const auto* request = std::get_if<protocol::Request>(&message)) {
          all.push_back({request->memory, incoming_.take().has_value(), false});
        } else if (const auto* forgotten = std::get_if<protocol::MemoryForgotten>(&message)) {
          all.push_back({forgotten->memory, false, true});
        }
      }
    }
  }

  BodyPool pool_{loop_};
  protocol::FrameDecoder decoder_{protocol::kMaxFrameBytes};
  protocol::IncomingDescriptors incoming_;
};

TEST_F(WorkerChannelWithBodies, MemoryThatIsUsedAgainComesOnce) {
  for (int i = 0; i < 2; ++i) {
    Body body = body_of(100'000);
    send(body);
  }

  EXPECT_EQ(told(), (std::vector<Told>{{.memory = 1, .came = true}, {.memory = 1}}));
}

TEST_F(WorkerChannelWithBodies, LargerMemoryThanAWorkerKeepsComesWithEachBody) {
  for (const std::size_t bytes : {KnownMemories::kLargest, KnownMemories::kLargest + 1}) {
    for (int i = 0; i < 2; ++i) {
      Body body = body_of(bytes);
      send(body);
    }
  }

  EXPECT_EQ(told(), (std::vector<Told>{{.memory = 1, .came = true},
                                       {.memory = 1},
                                       {.memory = 0, .came = true},
                                       {.memory = 0, .came = true}}));
}

TEST_F(WorkerChannelWithBodies, AWorkerForgetsMemoryForMoreThanItKeeps) {
  std::vector<Body> bodies;
  for (std::size_t i = 0; i <= KnownMemories::kMost; ++i) {
    bodies.push_back(body_of(100'000));
    send(bodies.back());
  }

  const auto all = told();
  ASSERT_EQ(all.size(), KnownMemories::kMost + 2);
  EXPECT_EQ(all[KnownMemories::kMost], (Told{.memory = 1, .forgotten = true}));
  EXPECT_EQ(all.back(), (Told{.memory = KnownMemories::kMost + 1, .came = true}));
}

TEST_F(WorkerChannelWithBodies, AWorkerForgetsMemoryThatIsNotUsed) {
  Body body = body_of(100'000);
  send(body);
  EXPECT_EQ(told(), (std::vector<Told>{{.memory = 1, .came = true}}));

  std::vector<Told> later;
  ASSERT_TRUE(run_until(loop_, [&] { return !(later = told()).empty(); }));
  EXPECT_EQ(later, (std::vector<Told>{{.memory = 1, .forgotten = true}}));
  send(body);
  EXPECT_EQ(told(), (std::vector<Told>{{.memory = 1, .came = true}}));
}

TEST_F(WorkerChannelWithBodies, MemoryThatAWorkerCouldNotTakeComesAgain) {
  Body body = body_of(100'000);
  send(body);
  EXPECT_EQ(told(), (std::vector<Told>{{.memory = 1, .came = true}}));

  channel_->memory_refused(1);
  channel_->memory_refused(1);
  channel_->memory_refused(2);
  send(body);
  EXPECT_EQ(told(),
            (std::vector<Told>{{.memory = 1, .forgotten = true}, {.memory = 1, .came = true}}));
}

TEST_F(WorkerChannelTest, DescriptorsThatAWorkerSendsAreDroppedAndItsFramesAreRead) {
  const int first_free = dup(0);
  close(first_free);
  for (int i = 1; i <= 50; ++i) {
    protocol::OutgoingDescriptors outgoing;
    outgoing.add(0, uv::FileDescriptor(dup(worker_.get())));
    const std::string bytes = answer(static_cast<std::uint64_t>(i));
    ASSERT_EQ(outgoing.send(worker_.get(), bytes, 0), static_cast<ssize_t>(bytes.size()));
    run_turns(loop_);
  }

  EXPECT_EQ(answers_.size(), 50U);
  const int still_free = dup(0);
  EXPECT_EQ(still_free, first_free);
  close(still_free);
}

TEST_F(WorkerChannelTest, ToAWorkerThatDoesNotReadBytesWaitAndNothingElseDoes) {
  const std::string large(std::size_t{8} << 20, 'x');
  channel_->send_request(1, 0, 1000, protocol::encode_request_fields({}), large);
  run_turns(loop_, 20);
  EXPECT_GT(channel_->unsent(), std::size_t{1} << 20);

  worker_writes(answer(1));

  EXPECT_TRUE(run_until(loop_, [&] { return answers_.size() == 1; }));
}

TEST_F(WorkerChannelTest, WhatWaitedArrivesWholeAndInOrder) {
  const std::string large(std::size_t{4} << 20, 'x');
  const protocol::Request first{.id = 1,
                                .slot = 0,
                                .time_left_ms = 1000,
                                .method = {},
                                .path = {},
                                .query = {},
                                .headers = {},
                                .peer = {},
                                .request_id = {},
                                .body = large};
  const protocol::Cancel second{1, "timeout"};
  channel_->send_request(1, 0, 1000, protocol::encode_request_fields(first), large);
  run_turns(loop_, 20);
  channel_->send(second);

  std::string got;
  EXPECT_TRUE(run_until(loop_, [&] {
    got += worker_reads();
    return channel_->unsent() == 0;
  }));
  got += worker_reads();

  EXPECT_TRUE(got == frame(first) + frame(second));
}

TEST_F(WorkerChannelTest, ATurnReadsABoundedAmount) {
  // The peer could write for ever; what is more than a turn's share is left for the next one.
  const int size = 16 << 20;
  if (setsockopt(worker_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
    GTEST_SKIP() << "needs root";
  const std::string body(std::size_t{3} << 20, 'x');
  worker_writes(answer(1, body) + answer(2));

  uv_run(loop_.get(), UV_RUN_NOWAIT);

  EXPECT_EQ(messages_, 0);
  EXPECT_TRUE(run_until(loop_, [&] { return messages_ == 2; }));
}

TEST_F(WorkerChannelTest, MessagesAreReadAtEverySplit) {
  const std::string bytes = answer(1, "one") + answer(2);
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    answers_.clear();
    worker_writes(bytes.substr(0, cut));
    run_turns(loop_);
    worker_writes(bytes.substr(cut));
    run_turns(loop_);

    EXPECT_EQ(answers_, (std::vector<std::uint64_t>{1, 2})) << cut;
  }
}

TEST_F(WorkerChannelTest, GarbageIsOneErrorAndThenSilence) {
  worker_writes(answer(1) + std::string("\0\0\0\1\xc1", 5) + answer(2));
  run_turns(loop_);
  worker_writes(answer(3));
  run_turns(loop_);

  EXPECT_EQ(answers_, std::vector<std::uint64_t>{1});
  EXPECT_EQ(errors_.size(), 1U);
  EXPECT_EQ(closed_, 0);
}

TEST_F(WorkerChannelTest, AFrameOfNoLengthOrTooMuchIsAnError) {
  worker_writes(std::string(4, '\0'));
  run_turns(loop_);

  EXPECT_EQ(errors_, std::vector<std::string>{"a frame of length zero"});
}

TEST_F(WorkerChannelTest, ALengthOverTheLimitIsAnErrorBeforeItsBytesCome) {
  worker_writes("\xff\xff\xff\xff");
  run_turns(loop_);

  EXPECT_EQ(errors_, std::vector<std::string>{"a frame over the length limit"});
}

TEST_F(WorkerChannelTest, AMessageThatOnlyTheSupervisorSendsIsAnError) {
  worker_writes(frame(protocol::Shutdown{1}));
  run_turns(loop_);

  EXPECT_EQ(errors_.size(), 1U);
  EXPECT_EQ(messages_, 0);
}

TEST_F(WorkerChannelTest, EndOfFileIsToldOnceAfterTheLastMessage) {
  worker_writes(answer(1));
  worker_.reset();
  run_turns(loop_);

  EXPECT_EQ(answers_, std::vector<std::uint64_t>{1});
  EXPECT_EQ(closed_, 1);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(WorkerChannelTest, DrainTakesWhatWasLeftBehindWithoutTheLoop) {
  worker_writes(answer(1) + answer(2));
  worker_.reset();

  channel_->drain();

  EXPECT_EQ(answers_, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(closed_, 1);
  run_turns(loop_);
  channel_->drain();
  EXPECT_EQ(closed_, 1);
}

TEST_F(WorkerChannelTest, DrainEndsWhenNothingMoreIsThereAlsoWithoutEndOfFile) {
  worker_writes(answer(1));

  channel_->drain();

  EXPECT_EQ(answers_, std::vector<std::uint64_t>{1});
  EXPECT_EQ(closed_, 0);
  worker_writes(answer(2));
  run_turns(loop_);
  EXPECT_EQ(answers_.size(), 2U);
}

TEST_F(WorkerChannelTest, AFrameThatIsCutOffIsNoMessage) {
  const std::string bytes = answer(1, "body");
  worker_writes(bytes.substr(0, bytes.size() - 1));
  worker_.reset();

  channel_->drain();

  EXPECT_EQ(messages_, 0);
  EXPECT_EQ(closed_, 1);
}

TEST_F(WorkerChannelTest, ClosedInTheMiddleOfMessagesItIsSilentAtOnce) {
  closes_at_ = 1;
  worker_writes(answer(1) + answer(2));
  run_turns(loop_);
  worker_.reset();
  run_turns(loop_);
  channel_->drain();

  EXPECT_EQ(messages_, 1);
  EXPECT_EQ(closed_, 0);
  EXPECT_TRUE(errors_.empty());
}

TEST_F(WorkerChannelTest, SendingToAWorkerThatIsGoneDoesNoHarm) {
  worker_.reset();
  channel_->send(protocol::Shutdown{1});
  channel_->send_request(1, 0, 1, protocol::encode_request_fields({}),
                         std::string(std::size_t{4} << 20, 'x'));
  run_turns(loop_);
  channel_->send(protocol::Shutdown{1});
  run_turns(loop_);

  EXPECT_EQ(closed_, 1);
}

TEST_F(WorkerChannelTest, WhatHasBeenSentIsNotKeptWhileSomethingWaits) {
  const std::string piece(std::size_t{256} << 10, 'x');
  const auto fields = protocol::encode_request_fields({});
  channel_->send_request(1, 0, 1, fields, piece);
  channel_->send_request(1, 0, 1, fields, piece);
  run_turns(loop_);
  std::string scratch(piece.size(), '\0');
  const auto before = mallinfo2();
  for (int i = 0; i < 400; ++i) {
    channel_->send_request(1, 0, 1, fields, piece);
    for (std::size_t left = piece.size(); left > 0;) {
      const ssize_t count = read(worker_.get(), scratch.data(), left);
      if (count > 0) left -= static_cast<std::size_t>(count);
      run_turns(loop_, 1);
    }
    ASSERT_GT(channel_->unsent(), 0U);
    ASSERT_LT(channel_->unsent(), std::size_t{2} << 20);
  }
  const auto after = mallinfo2();
  EXPECT_LT(after.uordblks + after.hblkhd,
            before.uordblks + before.hblkhd + (std::size_t{16} << 20));
}

}  // namespace
}  // namespace lambdapool::supervisor
