#include "protocol/frame_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.h"

namespace lambdapool::protocol {
namespace {

using Frames = std::vector<std::string>;

constexpr std::size_t kLimit = 1000;

std::string length_bytes(std::uint32_t length) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((length >> shift) & 0xff));
  }
  return out;
}

std::string frame(std::string_view payload) {
  return length_bytes(static_cast<std::uint32_t>(payload.size())) + std::string(payload);
}

// Payloads that differ in every place, so that a frame put together wrongly is seen.
std::string payload(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return out;
}

// Gives the decoder bytes in the pieces that its own room allows, as a reader of a socket does.
void feed(FrameDecoder& decoder, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto space = decoder.space();
    ASSERT_FALSE(space.empty());
    const std::size_t count = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), count);
    decoder.filled(count);
    bytes.remove_prefix(count);
  }
}

// Every whole frame there is now; a failure when the decoder finds an error.
Frames take_all(FrameDecoder& decoder) {
  Frames frames;
  while (true) {
    const auto next = decoder.next();
    if (!next) {
      ADD_FAILURE() << to_string(next.error());
      return frames;
    }
    const std::optional<std::string_view> payload = *next;
    if (!payload) return frames;
    frames.emplace_back(*payload);
  }
}

void append(Frames& all, Frames more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

TEST(FrameDecoder, FramesSurviveAnySplitIntoThreePieces) {
  const Frames wanted = {"a", payload(70, 1), "xyz", payload(2, 2)};
  std::string bytes;
  for (const std::string& one : wanted) bytes += frame(one);

  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      FrameDecoder decoder(kLimit);
      Frames got;
      feed(decoder, std::string_view(bytes).substr(0, first));
      append(got, take_all(decoder));
      feed(decoder, std::string_view(bytes).substr(first, second - first));
      append(got, take_all(decoder));
      feed(decoder, std::string_view(bytes).substr(second));
      append(got, take_all(decoder));
      ASSERT_EQ(got, wanted) << "cut at " << first << " and " << second;
      ASSERT_EQ(decoder.pending(), 0U);
    }
  }
}

TEST(FrameDecoder, FramesSurviveComingByteByByte) {
  const Frames wanted = {"a", payload(999, 1), payload(1000, 2), "b"};
  std::string bytes;
  for (const std::string& one : wanted) bytes += frame(one);

  FrameDecoder decoder(kLimit);
  Frames got;
  for (const char byte : bytes) {
    feed(decoder, {&byte, 1});
    append(got, take_all(decoder));
  }

  EXPECT_EQ(got, wanted);
}

TEST(FrameDecoder, FramesLargerThanItsBufferSurvivePiecesOfAnySize) {
  constexpr std::size_t kLarge = 300'000;
  std::mt19937 random(
      20261124);  // NOLINT(bugprone-random-generator-seed): the same pieces in every run.
  for (int round = 0; round < 20; ++round) {
    Frames wanted;
    std::string bytes;
    for (unsigned i = 0; i < 12; ++i) {
      wanted.push_back(payload(1 + random() % (i % 3 == 0 ? kLarge : 500), i));
      bytes += frame(wanted.back());
    }

    FrameDecoder decoder(kLarge);
    Frames got;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const std::size_t count = std::min<std::size_t>(rest.size(), 1 + random() % 90'000);
      feed(decoder, rest.substr(0, count));
      rest.remove_prefix(count);
      append(got, take_all(decoder));
    }

    ASSERT_TRUE(got == wanted) << "round " << round;
  }
}

TEST(FrameDecoder, NothingComesOfNoBytes) {
  FrameDecoder decoder(kLimit);

  EXPECT_EQ(take_all(decoder), Frames{});
  decoder.space();
  decoder.filled(0);
  EXPECT_EQ(take_all(decoder), Frames{});
  EXPECT_EQ(decoder.pending(), 0U);
}

TEST(FrameDecoder, ALengthOfZeroIsAnError) {
  FrameDecoder decoder(kLimit);
  feed(decoder, length_bytes(0));

  const auto next = decoder.next();

  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error(), FrameError::kEmpty);
}

TEST(FrameDecoder, AFrameOfExactlyTheLimitIsTaken) {
  FrameDecoder decoder(kLimit);
  const std::string most = payload(kLimit, 3);
  feed(decoder, frame(most));

  EXPECT_EQ(take_all(decoder), Frames{most});
}

TEST(FrameDecoder, ALengthOneOverTheLimitIsAnErrorBeforeThePayloadComes) {
  FrameDecoder decoder(kLimit);
  feed(decoder, length_bytes(kLimit + 1));

  const auto next = decoder.next();

  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error(), FrameError::kTooLong);
}

TEST(FrameDecoder, ThreeBytesOfALengthAreNotJudgedYet) {
  FrameDecoder decoder(kLimit);
  feed(decoder, "\xff\xff\xff");

  EXPECT_EQ(take_all(decoder), Frames{});
  EXPECT_EQ(decoder.pending(), 3U);
}

TEST(FrameDecoder, TheLargestLengthOfFourBytesIsAnError) {
  FrameDecoder decoder(kMaxFrameBytes);
  feed(decoder, length_bytes(UINT32_MAX));

  const auto next = decoder.next();

  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error(), FrameError::kTooLong);
}

TEST(FrameDecoder, TextInPlaceOfFramesIsAnError) {
  for (const std::string_view garbage :
       {"HTTP/1.1 200 OK\r\n\r\n", "Traceback (most recent call last):\n", "{\"json\": true}",
        "\x7f\x45LF"}) {
    FrameDecoder decoder(kMaxFrameBytes);
    feed(decoder, garbage);

    const auto next = decoder.next();

    ASSERT_FALSE(next.has_value()) << garbage;
    EXPECT_EQ(next.error(), FrameError::kTooLong) << garbage;
  }
}

TEST(FrameDecoder, FramesBeforeABadOneAreStillGiven) {
  FrameDecoder decoder(kLimit);
  feed(decoder, frame("first") + frame("second") + length_bytes(0) + frame("third"));

  EXPECT_EQ(decoder.next().value().value_or(""), "first");
  EXPECT_EQ(decoder.next().value().value_or(""), "second");
  EXPECT_FALSE(decoder.next().has_value());
}

TEST(FrameDecoder, AnErrorStaysWhateverComesAfterIt) {
  FrameDecoder decoder(kLimit);
  feed(decoder, length_bytes(kLimit + 1));
  ASSERT_FALSE(decoder.next().has_value());

  for (int i = 0; i < 3; ++i) {
    feed(decoder, frame("good"));
    const auto next = decoder.next();
    ASSERT_FALSE(next.has_value());
    EXPECT_EQ(next.error(), FrameError::kTooLong);
  }
}

TEST(FrameDecoder, EachErrorSaysWhatItIs) {
  EXPECT_NE(to_string(FrameError::kEmpty).find("zero"), std::string_view::npos);
  EXPECT_NE(to_string(FrameError::kTooLong).find("limit"), std::string_view::npos);
}

TEST(FrameDecoder, AClaimedLengthCostsNoMemory) {
  FrameDecoder decoder(kMaxFrameBytes);
  feed(decoder, length_bytes(kMaxFrameBytes) + "a");

  EXPECT_EQ(take_all(decoder), Frames{});
  EXPECT_LT(decoder.space().size(), std::size_t{1} << 20);
}

TEST(FrameDecoder, MemoryGrowsWithTheBytesThatHaveCome) {
  constexpr std::size_t kPiece = std::size_t{100} << 10;
  FrameDecoder decoder(kMaxFrameBytes);
  feed(decoder, length_bytes(kMaxFrameBytes));

  const std::string piece(kPiece, 'x');
  for (std::size_t come = kPiece; come <= 40 * kPiece; come += kPiece) {
    feed(decoder, piece);
    ASSERT_EQ(take_all(decoder), Frames{});
    ASSERT_LE(decoder.space().size(), 2 * come + kPiece);
  }
}

TEST(FrameDecoder, PayloadsStayValidUntilSpaceIsAskedFor) {
  const Frames wanted = {payload(200, 1), "b", payload(300, 2), payload(1, 3)};
  FrameDecoder decoder(kLimit);
  std::string bytes;
  for (const std::string& one : wanted) bytes += frame(one);
  feed(decoder, bytes + std::string(2, '\0'));

  std::vector<std::string_view> views;
  for (auto view = decoder.next().value(); view; view = decoder.next().value()) {
    views.push_back(*view);
  }

  ASSERT_EQ(views.size(), wanted.size());
  for (std::size_t i = 0; i < views.size(); ++i) EXPECT_EQ(views[i], wanted[i]);
}

TEST(FrameDecoder, ALargeFrameDoesNotKeepItsMemory) {
  constexpr std::size_t kLarge = std::size_t{20} << 20;
  FrameDecoder decoder(kMaxFrameBytes);
  const std::string large = payload(kLarge, 1);
  feed(decoder, frame(large));
  ASSERT_TRUE(take_all(decoder) == Frames{large});

  EXPECT_LT(decoder.space().size(), std::size_t{2} << 20);

  for (unsigned i = 0; i < 1000; ++i) {
    const std::string small = payload(1 + i, i);
    feed(decoder, frame(small));
    ASSERT_EQ(take_all(decoder), Frames{small});
  }
}

TEST(FrameDecoder, PendingCountsTheBytesOfACutFrame) {
  FrameDecoder decoder(kLimit);
  const std::string cut = frame("whole") + frame("cut off").substr(0, 7);
  feed(decoder, cut);

  EXPECT_EQ(take_all(decoder), Frames{"whole"});
  EXPECT_EQ(decoder.pending(), 7U);
}

}  // namespace
}  // namespace lambdapool::protocol
