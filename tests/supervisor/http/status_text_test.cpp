#include "supervisor/http/status_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "supervisor/http/text.h"

namespace lambdapool::supervisor {
namespace {

TEST(StatusText, CodesHaveTheirNames) {
  EXPECT_EQ(status_text(200), "OK");
  EXPECT_EQ(status_text(404), "Not Found");
  EXPECT_EQ(status_text(503), "Service Unavailable");
  EXPECT_EQ(status_text(511), "Network Authentication Required");
}

TEST(StatusText, EveryStatusThatTheHostItselfAnswersHasAName) {
  for (const std::uint32_t status :
       {400U, 408U, 413U, 414U, 417U, 431U, 500U, 501U, 503U, 504U, 505U}) {
    EXPECT_NE(status_text(status), "Status") << status;
  }
}

TEST(StatusText, ACodeWithoutANameIsStatus) {
  for (const std::uint32_t status :
       {0U, 99U, 199U, 208U, 299U, 306U, 430U, 512U, 599U, 600U, 4294967295U}) {
    EXPECT_EQ(status_text(status), "Status") << status;
  }
}

TEST(StatusText, EveryNameIsReachableAndUnique) {
  std::multiset<std::string_view> names;
  for (std::uint32_t status = 0; status < 1000; ++status) {
    if (status_text(status) != "Status") names.insert(status_text(status));
  }

  EXPECT_EQ(names.size(), 53U);
  for (const auto& name : names) EXPECT_EQ(names.count(name), 1U) << name;
}

}  // namespace
}  // namespace lambdapool::supervisor
