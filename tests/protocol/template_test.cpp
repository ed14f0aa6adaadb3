#include "protocol/template.h"

#include <gtest/gtest.h>

namespace lambdapool::protocol {
namespace {

TEST(Template, EveryPacketIsReadAsItWasWritten) {
  const std::string forked = encode(TemplateForked{7, 4242});
  const auto found = decode_template(forked);
  ASSERT_TRUE(found && std::holds_alternative<TemplateForked>(*found));
  EXPECT_EQ(std::get<TemplateForked>(*found).id, 7U);
  EXPECT_EQ(std::get<TemplateForked>(*found).pid, 4242);

  const std::string log = encode(TemplateLog{"info", "two words\nand a line"});
  const auto line = decode_template(log);
  ASSERT_TRUE(line && std::holds_alternative<TemplateLog>(*line));
  EXPECT_EQ(std::get<TemplateLog>(*line).level, "info");
  EXPECT_EQ(std::get<TemplateLog>(*line).text, "two words\nand a line");

  const std::string failed = encode(TemplateFailed{"why not"});
  const auto failure = decode_template(failed);
  ASSERT_TRUE(failure && std::holds_alternative<TemplateFailed>(*failure));
  EXPECT_EQ(std::get<TemplateFailed>(*failure).text, "why not");

  const auto ready = decode_template(encode(TemplateReady{}));
  EXPECT_TRUE(ready && std::holds_alternative<TemplateReady>(*ready));
  EXPECT_EQ(decode_fork(encode_fork(18446744073709551615U)), 18446744073709551615U);
}

TEST(Template, WhatIsNoPacketIsRefused) {
  for (const std::string_view packet :
       {"", "reads", "forked", "forked 1", "forked 1 x", "forked 1 -2", "forked 1 2 3",
        "forked x 2", "forked 1 99999999999999999999"}) {
    EXPECT_FALSE(decode_template(packet)) << packet;
  }
  for (const std::string_view packet : {"", "fork", "fork x", "fork -1", "fork 1 ", "ready"}) {
    EXPECT_FALSE(decode_fork(packet)) << packet;
  }
}

TEST(Template, ALongTextIsCut) {
  EXPECT_EQ(encode(TemplateFailed{std::string(2 * kMaxTemplatePacket, 'x')}).size(),
            kMaxTemplatePacket);
}

}  // namespace
}  // namespace lambdapool::protocol
