#include "worker/channel/channel_io.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <numeric>
#include <thread>

#include "tests/worker/channel_pair.h"

namespace lambdapool::worker {
namespace {

using namespace std::chrono_literals;

protocol::Response response(std::uint64_t id, std::string_view body) {
  return {.id = id, .status = 200, .headers = {}, .body = body};
}

protocol::Log log_line(std::string_view text) {
  return {.level = "info", .request_id = "r", .text = text};
}

// A line whose frame is exactly `bytes` long.
std::string text_for_frame_of(std::size_t bytes) {
  std::string frame;
  const std::string probe(bytes / 2 + 1, 'x');
  protocol::append(frame, log_line(probe));
  return std::string(bytes - (frame.size() - probe.size()), 'x');
}

class ChannelIoTest : public testing::Test {
 protected:
  ChannelPair pair_;
  ChannelIo io_{pair_.worker_fd()};
};

TEST_F(ChannelIoTest, FramesThatComeTogetherAreGivenOneByOne) {
  pair_.send(protocol::Cancel{.id = 1, .reason = "timeout"});
  pair_.send(protocol::Shutdown{.limit_ms = 5});

  EXPECT_EQ(io_.receive().state, ReceiveState::kDrained);

  const std::string first_payload = next_payload(io_);
  const auto first = protocol::decode_down(first_payload);
  EXPECT_EQ(first.value(), (protocol::Down{protocol::Cancel{.id = 1, .reason = "timeout"}}));
  EXPECT_TRUE(io_.has_input());
  const std::string second_payload = next_payload(io_);
  const auto second = protocol::decode_down(second_payload);
  EXPECT_EQ(second.value(), protocol::Down{protocol::Shutdown{.limit_ms = 5}});
  EXPECT_EQ(next_payload(io_), "");
  EXPECT_FALSE(io_.has_input());
}

TEST_F(ChannelIoTest, AFrameSurvivesAnySplit) {
  std::string bytes;
  protocol::append(bytes, protocol::Cancel{.id = 7, .reason = "timeout"});

  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    pair_.send_bytes(std::string_view(bytes).substr(0, cut));
    io_.receive();
    EXPECT_EQ(next_payload(io_), "") << "cut at " << cut;
    pair_.send_bytes(std::string_view(bytes).substr(cut));
    io_.receive();
    EXPECT_EQ(next_payload(io_), std::string_view(bytes).substr(4)) << "cut at " << cut;
  }
}

TEST_F(ChannelIoTest, NothingToReadIsNotTheEnd) {
  const Received received = io_.receive();

  EXPECT_EQ(received.state, ReceiveState::kDrained);
  EXPECT_EQ(received.bytes, 0U);
}

TEST_F(ChannelIoTest, EndOfFileIsTheEnd) {
  pair_.hang_up();

  EXPECT_EQ(io_.receive().state, ReceiveState::kEnd);
}

TEST_F(ChannelIoTest, FramesSentBeforeTheEndAreStillGiven) {
  pair_.send(protocol::Shutdown{.limit_ms = 5});
  pair_.hang_up();

  EXPECT_EQ(io_.receive().state, ReceiveState::kDrained);
  EXPECT_NE(next_payload(io_), "");
  EXPECT_EQ(io_.receive().state, ReceiveState::kEnd);
}

TEST_F(ChannelIoTest, AFrameOfLengthZeroIsAnError) {
  pair_.send_bytes(std::string_view("\0\0\0\0", 4));
  io_.receive();

  EXPECT_EQ(io_.next_frame().error(), protocol::FrameError::kEmpty);
}

TEST_F(ChannelIoTest, WaitingForAFrameGivesTheFirstWholeOne) {
  std::string bytes;
  protocol::append(bytes, protocol::Shutdown{.limit_ms = 9});
  pair_.send_bytes(bytes.substr(0, 3));
  std::thread later([&] { pair_.send_bytes(std::string_view(bytes).substr(3)); });

  const auto payload = io_.wait_frame(10s);

  later.join();
  EXPECT_EQ(payload.value(), std::string_view(bytes).substr(4));
}

TEST_F(ChannelIoTest, WaitingForAFrameEndsWithTheTime) {
  EXPECT_EQ(io_.wait_frame(0ms).error(), WaitFrameError::kTimeout);
  EXPECT_EQ(io_.wait_frame(1ms).error(), WaitFrameError::kTimeout);
}

TEST_F(ChannelIoTest, WaitingForAFrameEndsWithTheSupervisor) {
  pair_.hang_up();

  EXPECT_EQ(io_.wait_frame(10s).error(), WaitFrameError::kEnd);
}

TEST_F(ChannelIoTest, WaitingForAFrameRefusesGarbage) {
  pair_.send_bytes("GET / HTTP/1.1\r\n");

  EXPECT_EQ(io_.wait_frame(10s).error(), WaitFrameError::kFraming);
}

TEST_F(ChannelIoTest, NothingLeavesBeforeItIsWritten) {
  io_.queue(response(1, "a"));
  io_.queue(response(2, "b"));
  EXPECT_EQ(pair_.readable(), 0U);

  EXPECT_EQ(io_.write(), WriteState::kWritten);

  EXPECT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Response>(0).body, "a");
  EXPECT_EQ(pair_.message<protocol::Response>(1).body, "b");
  EXPECT_EQ(io_.waiting(), 0U);
}

TEST_F(ChannelIoTest, AFullSocketBlocksAndTheRestLeavesLaterInOrder) {
  constexpr std::uint64_t kAnswers = 40;
  std::string body(100'000, 'x');
  for (std::uint64_t id = 1; id <= kAnswers; ++id) {
    body.back() = static_cast<char>('A' + id);
    io_.queue(response(id, body));
  }
  ASSERT_EQ(io_.write(), WriteState::kBlocked);

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();

  ASSERT_EQ(pair_.read_frames().size(), kAnswers);
  for (std::uint64_t id = 1; id <= kAnswers; ++id) {
    const auto message = pair_.message<protocol::Response>(id - 1);
    EXPECT_EQ(message.id, id);
    EXPECT_EQ(message.body.size(), body.size());
    EXPECT_EQ(message.body.back(), static_cast<char>('A' + id));
  }
}

TEST_F(ChannelIoTest, WritingToASupervisorThatIsGoneSaysSo) {
  pair_.hang_up();
  io_.queue(response(1, "a"));

  EXPECT_EQ(io_.write(), WriteState::kGone);
}

TEST_F(ChannelIoTest, FlushWaitsForASlowReader) {
  io_.queue(response(1, std::string(std::size_t{4} << 20, 'x')));
  const std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && pair_.read_frames().empty()) std::this_thread::yield();
  });

  EXPECT_EQ(io_.flush(30s), WriteState::kWritten);
}

TEST_F(ChannelIoTest, FlushGivesUpWhenItsTimeIsOver) {
  ChannelPair::fill(io_);

  EXPECT_EQ(io_.flush(0ms), WriteState::kBlocked);
  EXPECT_EQ(io_.flush(1ms), WriteState::kBlocked);
}

TEST_F(ChannelIoTest, LogLinesMayWaitUpToExactlyTheirLimit) {
  ChannelPair::fill(io_);
  constexpr std::size_t kLine = std::size_t{64} << 10;
  const std::string text = text_for_frame_of(kLine);

  for (std::size_t bytes = kLine; bytes <= kMaxWaitingLogBytes; bytes += kLine) {
    io_.queue_log(log_line(text));
    EXPECT_EQ(io_.waiting_log_bytes(), bytes);
  }
  io_.queue_log(log_line(""));

  EXPECT_EQ(io_.waiting_log_bytes(), kMaxWaitingLogBytes);
}

TEST_F(ChannelIoTest, DroppedLogLinesAreCountedAndReportedOnce) {
  ChannelPair::fill(io_);
  const std::string text = text_for_frame_of(kMaxWaitingLogBytes);
  io_.queue_log(log_line(text));
  for (int i = 0; i < 3; ++i) io_.queue_log(log_line("lost"));

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();
  io_.queue_log(log_line("after"));
  io_.write();

  const auto count = pair_.read_frames().size();
  EXPECT_EQ(pair_.message<protocol::Log>(count - 3).text, text);
  const auto report = pair_.message<protocol::Log>(count - 2);
  EXPECT_EQ(report.level, "warning");
  EXPECT_TRUE(report.text.starts_with("dropped 3 log lines")) << report.text;
  EXPECT_EQ(pair_.message<protocol::Log>(count - 1).text, "after");
  EXPECT_EQ(io_.waiting_log_bytes(), 0U);
}

TEST_F(ChannelIoTest, AnswersAreNeverDropped) {
  ChannelPair::fill(io_);
  io_.queue_log(log_line(text_for_frame_of(kMaxWaitingLogBytes)));
  io_.queue(response(42, std::string(std::size_t{2} << 20, 'y')));

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();

  const auto count = pair_.read_frames().size();
  EXPECT_EQ(pair_.message<protocol::Response>(count - 1).id, 42U);
}

TEST_F(ChannelIoTest, AnswersThatWaitDoNotCostLogLines) {
  io_.queue(response(1, std::string(std::size_t{8} << 20, 'x')));
  io_.write();
  io_.queue_log(log_line("kept"));

  while (io_.write() == WriteState::kBlocked) pair_.read_frames();

  ASSERT_EQ(pair_.read_frames().size(), 2U);
  EXPECT_EQ(pair_.message<protocol::Log>(1).text, "kept");
}

TEST_F(ChannelIoTest, AForkedChildWritesNothingToTheChannelAndTakesNothingFromIt) {
  io_.queue(response(1, "queued before the fork"));
  pair_.send(protocol::Shutdown{.limit_ms = 5});

  const pid_t child = fork();
  if (child == 0) {
    io_.queue(response(2, "from the child"));
    const bool silent = !io_.is_own_process() && io_.write() == WriteState::kWritten &&
                        io_.flush(0ms) == WriteState::kWritten && io_.receive().bytes == 0;
    _exit(silent ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
  EXPECT_EQ(pair_.readable(), 0U);
  EXPECT_TRUE(io_.is_own_process());
  EXPECT_GT(io_.receive().bytes, 0U);
}

TEST_F(ChannelIoTest, AForkedChildLogsToStandardError) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);

  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    io_.queue_log({.level = "warning", .request_id = "abc", .text = "from the child"});
    _exit(0);
  }
  close(ends[1]);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  char text[256] = {};
  const ssize_t count = read(ends[0], text, sizeof text);
  close(ends[0]);
  ASSERT_GT(count, 0);
  EXPECT_EQ(std::string_view(text, static_cast<std::size_t>(count)),
            "warning: [abc] from the child\n");
  EXPECT_EQ(pair_.readable(), 0U);
}

}  // namespace
}  // namespace lambdapool::worker
