// The codec with bytes that are no message: every one of them is an error with a reason, never a
// crash.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/codec.h"
#include "protocol/frame.h"
#include "tests/protocol/raw_msgpack.h"
#include "tests/protocol/vectors.h"

namespace lambdapool::protocol {
namespace {

enum class Direction { kDown, kUp };

// The payload of a vector, and which way it travels.
struct Sample {
  std::string name;
  Direction direction;
  std::string payload;
};

std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const auto& vector : down_vectors()) {
    all.push_back(
        {std::string(vector.name), Direction::kDown, raw::payload_of(raw::from_hex(vector.hex))});
  }
  for (const auto& vector : up_vectors()) {
    all.push_back(
        {std::string(vector.name), Direction::kUp, raw::payload_of(raw::from_hex(vector.hex))});
  }
  return all;
}

// Why the payload is no message; empty when it is one.
std::string refusal(Direction direction, std::string_view payload) {
  if (direction == Direction::kDown) {
    const auto decoded = decode_down(payload);
    return decoded ? "" : decoded.error().text;
  }
  const auto decoded = decode_up(payload);
  return decoded ? "" : decoded.error().text;
}

void expect_refused(std::string_view payload, std::string_view why) {
  EXPECT_NE(refusal(Direction::kDown, payload), "") << "down: " << why;
  EXPECT_NE(refusal(Direction::kUp, payload), "") << "up: " << why;
}

enum class Kind { kNumber, kText, kList };

Kind kind_of(std::string_view value) {
  const auto tag = static_cast<unsigned char>(value[0]);
  if (tag <= 0x7f || (tag >= 0xcc && tag <= 0xcf)) return Kind::kNumber;
  if (tag >= 0x90 && tag <= 0x9f) return Kind::kList;
  return Kind::kText;
}

std::string cancel_with(std::string_view extra) {
  return raw::array_head(4) + raw::number(3) + raw::number(7) + raw::str("timeout") +
         std::string(extra);
}

TEST(CodecHostile, EveryTruncationOfEveryMessageIsRefused) {
  for (const Sample& sample : samples()) {
    for (std::size_t size = 0; size < sample.payload.size(); ++size) {
      // A copy of its own size, so that a sanitizer sees a read behind its end.
      const std::string cut = sample.payload.substr(0, size);
      EXPECT_NE(refusal(sample.direction, cut), "") << sample.name << " cut to " << size;
    }
  }
}

TEST(CodecHostile, AnyByteBehindAMessageIsRefused) {
  for (const Sample& sample : samples()) {
    for (int byte = 0; byte < 256; ++byte) {
      const std::string longer = sample.payload + static_cast<char>(byte);
      EXPECT_NE(refusal(sample.direction, longer), "") << sample.name << " and byte " << byte;
    }
  }
}

constexpr std::size_t kRequestBody = 11;
constexpr std::size_t kResponseBody = 4;

TEST(CodecHostile, EveryFieldOfAWrongTypeIsRefused) {
  const std::string wrong_everywhere[] = {
      raw::nil(),          raw::boolean(true),
      raw::boolean(false), raw::negative(-1),
      raw::real(1.0),      raw::extension(1, "abc"),
      raw::map({}),        raw::map({raw::str("a"), raw::number(1)})};
  for (const Sample& sample : samples()) {
    const auto good = raw::elements(sample.payload);
    for (std::size_t field = 0; field < good.size(); ++field) {
      std::vector<std::string> replacements(std::begin(wrong_everywhere),
                                            std::end(wrong_everywhere));
      const Kind kind = kind_of(good[field]);
      // A request's body may be a number: it is in memory then.
      // So may a response's, with one field more, which is not looked at when the body is bytes.
      const bool body =
          (sample.name.starts_with("request") && field == kRequestBody) ||
          (sample.name.starts_with("response whose body is in memory") && field == kResponseBody);
      if (kind != Kind::kNumber && !body) replacements.push_back(raw::number(1));
      if (body) replacements.push_back(raw::number(0));
      if (body) replacements.push_back(raw::number(kMaxBodyBytes + 1));
      if (kind != Kind::kText && !body) replacements.push_back(raw::str("text"));
      if (kind != Kind::kText && !body) replacements.push_back(raw::bin("bytes"));
      if (kind != Kind::kList) replacements.push_back(raw::array({}));
      for (const std::string& replacement : replacements) {
        auto bad = good;
        bad[field] = replacement;
        EXPECT_NE(refusal(sample.direction, raw::array(bad)), "")
            << sample.name << ", field " << field << " is " << raw::to_hex(replacement);
      }
    }
  }
}

TEST(CodecHostile, ARefusalNamesTheMessageAndTheField) {
  const std::string why =
      refusal(Direction::kDown, raw::array({raw::number(3), raw::str("7"), raw::str("timeout")}));

  EXPECT_NE(why.find("cancel"), std::string::npos) << why;
  EXPECT_NE(why.find('1'), std::string::npos) << why;
}

TEST(CodecHostile, TooFewFieldsAreRefusedWhateverTheirNumber) {
  for (const Sample& sample : samples()) {
    auto fields = raw::elements(sample.payload);
    while (fields.size() > 1) {
      fields.pop_back();
      EXPECT_NE(refusal(sample.direction, raw::array(fields)), "")
          << sample.name << " with " << fields.size() << " fields";
    }
  }
}

TEST(CodecHostile, FieldsBeyondTheKnownOnesAreIgnored) {
  for (const Sample& sample : samples()) {
    auto fields = raw::elements(sample.payload);
    fields.push_back(raw::nil());
    fields.push_back(raw::map({raw::str("key"), raw::array({raw::real(1.5), raw::negative(-1)})}));
    fields.push_back(raw::bin("bytes"));
    EXPECT_EQ(refusal(sample.direction, raw::array(fields)), "") << sample.name;
  }
}

TEST(CodecHostile, TextIsTakenForBytesAndBytesForText) {
  for (const Sample& sample : samples()) {
    for (const bool as_bin : {true, false}) {
      auto fields = raw::elements(sample.payload);
      for (std::string& field : fields) {
        if (kind_of(field) == Kind::kText) field = as_bin ? raw::bin("swap") : raw::str("swap");
        // A list of numbers stays what it is.
        if (kind_of(field) == Kind::kList && field.find('\xcb') == std::string::npos) {
          field = as_bin ? raw::array({raw::bin("n"), raw::bin("v")})
                         : raw::array({raw::str("n"), raw::str("v")});
        }
      }
      EXPECT_EQ(refusal(sample.direction, raw::array(fields)), "") << sample.name;
    }
  }
}

TEST(CodecHostile, NumbersInAnyFormOfMsgpackAreTheSameNumber) {
  const std::string wide = raw::array({raw::number(3), raw::number(7), raw::str("timeout")});

  const auto decoded = decode_down(wide);

  ASSERT_TRUE(decoded.has_value()) << decoded.error().text;
  EXPECT_TRUE(*decoded == Down(Cancel{.id = 7, .reason = "timeout"}));
}

TEST(CodecHostile, NumbersOver32BitsAreRefusedWhereAFieldHas32) {
  EXPECT_EQ(refusal(Direction::kDown, raw::array({raw::number(4), raw::number(UINT32_MAX)})), "");
  EXPECT_NE(refusal(Direction::kDown, raw::array({raw::number(4), raw::number(1ULL << 32)})), "");
  EXPECT_EQ(refusal(Direction::kUp,
                    raw::array({raw::number(131), raw::number(1ULL << 32), raw::number(200),
                                raw::array({}), raw::bin(""), raw::str("")})),
            "");
  EXPECT_NE(
      refusal(Direction::kUp, raw::array({raw::number(131), raw::number(1), raw::number(1ULL << 32),
                                          raw::array({}), raw::bin(""), raw::str("")})),
      "");
}

TEST(CodecHostile, MessagesOfTheOtherDirectionAreRefused) {
  for (const Sample& sample : samples()) {
    const Direction other =
        sample.direction == Direction::kDown ? Direction::kUp : Direction::kDown;
    EXPECT_NE(refusal(other, sample.payload), "") << sample.name;
  }
}

TEST(CodecHostile, UnknownTypesAreRefused) {
  constexpr std::uint64_t kTypes[] = {0, 5, 127, 128, 134, 257, (1ULL << 32) + 3, UINT64_MAX};
  for (const std::uint64_t type : kTypes) {
    expect_refused(raw::array({raw::number(type), raw::number(7), raw::str("timeout"),
                               raw::array({}), raw::bin("")}),
                   "type " + std::to_string(type));
  }
}

TEST(CodecHostile, WhatIsNoArrayIsRefused) {
  expect_refused("", "nothing");
  expect_refused(raw::nil(), "nil");
  expect_refused(raw::number(3), "a number");
  expect_refused(raw::str("cancel"), "a text");
  expect_refused(raw::bin("\x93\x03\x07"), "bytes");
  expect_refused(raw::map({raw::number(3), raw::number(7)}), "a map");
  expect_refused(raw::array({}), "an empty array");
  expect_refused("\xc1", "the byte that msgpack never uses");
  expect_refused("GET / HTTP/1.1\r\n\r\n", "HTTP");
}

TEST(CodecHostile, AListOfHeadersThatIsNotInPairsIsRefused) {
  for (const std::string& list : {raw::array({raw::bin("name")}),
                                  raw::array({raw::bin("a"), raw::bin("b"), raw::bin("c")})}) {
    EXPECT_NE(
        refusal(Direction::kUp, raw::array({raw::number(131), raw::number(1), raw::number(200),
                                            list, raw::bin(""), raw::str("")})),
        "");
  }
}

TEST(CodecHostile, HeadersThatAreNotTextAreRefused) {
  for (const std::string& odd : {raw::nil(), raw::number(1), raw::array({}), raw::negative(-1)}) {
    for (const std::string& list :
         {raw::array({odd, raw::bin("value")}), raw::array({raw::bin("name"), odd})}) {
      EXPECT_NE(
          refusal(Direction::kUp, raw::array({raw::number(131), raw::number(1), raw::number(200),
                                              list, raw::bin(""), raw::str("")})),
          "");
    }
  }
}

TEST(CodecHostile, DeepNestingIsRefusedWithoutDeepRecursion) {
  for (const std::size_t depth : {std::size_t{64}, std::size_t{10'000}, std::size_t{2'000'000}}) {
    const std::string nested_arrays = std::string(depth, '\x91') + raw::nil();
    expect_refused(nested_arrays, "only arrays in arrays");
    expect_refused(cancel_with(nested_arrays), "arrays in a field that would be ignored");
    std::string nested_maps;
    for (std::size_t i = 0; i < depth; ++i) nested_maps += "\x81\x01";
    expect_refused(cancel_with(nested_maps + raw::nil()), "maps in a field that would be ignored");
  }
}

TEST(CodecHostile, LengthsThatAreLiesAreRefusedWithoutTakingMemory) {
  const std::uint32_t lies[] = {100, 4097, 1U << 24, UINT32_MAX};
  for (const std::uint32_t lie : lies) {
    const std::string heads[] = {raw::array_head(lie), raw::map_head(lie), raw::str_head(lie),
                                 raw::bin_head(lie),
                                 std::string("\xc9") + raw::number(lie).substr(5) + "\x01"};
    for (const std::string& head : heads) {
      expect_refused(head, "at the top");
      expect_refused(cancel_with(head), "in a field that would be ignored");
      expect_refused(raw::array_head(3) + raw::number(3) + raw::number(7) + head, "in a field");
      expect_refused(raw::array_head(5) + raw::number(131) + raw::number(7) + raw::number(200) +
                         raw::array_head(2) + head,
                     "in a list of headers");
    }
  }
}

TEST(CodecHostile, NoChangeOfOneByteCrashesTheDecoder) {
  for (const Sample& sample : samples()) {
    for (std::size_t place = 0; place < sample.payload.size(); ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed = sample.payload;
        changed[place] = static_cast<char>(byte);
        for (const Direction direction : {Direction::kDown, Direction::kUp}) {
          const std::string why = refusal(direction, changed);
          ASSERT_LT(why.size(), 200U);
        }
      }
    }
  }
}

}  // namespace
}  // namespace lambdapool::protocol
