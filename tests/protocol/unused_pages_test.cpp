#include "protocol/unused_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <regex>
#include <span>
#include <string>

namespace lambdapool::protocol {
namespace {

constexpr std::size_t kPage = 4096;

// In KiB: what is there of the program's and its libraries' code.
long resident_code() {
  std::ifstream mappings("/proc/self/smaps");
  long total = 0;
  bool code = false;
  for (std::string line; std::getline(mappings, line);) {
    if (line.starts_with("Rss:") && code) total += std::stol(line.substr(4));
    if (std::isupper(static_cast<unsigned char>(line[0])) == 0) {
      code = line.find(" r-xp ") != std::string::npos && line.find(" /") != std::string::npos;
    }
  }
  return total;
}

TEST(UnusedPages, LittleIsLeftOfTheFilesAndWhatIsNeededComesBack) {
  const std::regex expression("(a|b)+c");
  ASSERT_TRUE(std::regex_match("abbac", expression));
  const long before = resident_code();

  let_go_of_file_pages();

  EXPECT_LT(resident_code(), before / 2);
  EXPECT_TRUE(std::regex_match("abbac", expression));
}

class Pages : public testing::Test {
 protected:
  Pages() {
    std::ranges::fill(bytes_, '\1');
    std::ranges::fill(bytes_, '\0');
  }
  ~Pages() override { munmap(bytes_.data(), bytes_.size()); }

  std::array<bool, 4> resident() const {
    std::array<unsigned char, 4> states{};
    EXPECT_EQ(mincore(bytes_.data(), bytes_.size(), states.data()), 0);
    std::array<bool, 4> found{};
    std::ranges::transform(states, found.begin(), [](auto state) { return (state & 1) != 0; });
    return found;
  }

  std::span<char> bytes_{static_cast<char*>(mmap(nullptr, 4 * kPage, PROT_READ | PROT_WRITE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)),
                         4 * kPage};
};

TEST_F(Pages, OfZerosAreLetGoAndReadAsZeros) {
  ASSERT_EQ(resident(), (std::array{true, true, true, true}));

  let_go_of_zeros(bytes_);

  EXPECT_EQ(resident(), (std::array{false, false, false, false}));
  EXPECT_TRUE(std::ranges::all_of(bytes_, [](char byte) { return byte == 0; }));
}

TEST_F(Pages, ThatHoldAByteAreKept) {
  bytes_[kPage] = 'f';
  bytes_[3 * kPage - 1] = 'l';

  let_go_of_zeros(bytes_);

  EXPECT_EQ(resident(), (std::array{false, true, true, false}));
  EXPECT_EQ(bytes_[kPage], 'f');
  EXPECT_EQ(bytes_[3 * kPage - 1], 'l');
}

TEST_F(Pages, ThatAreNotWhollyInTheMemoryAreKept) {
  let_go_of_zeros(bytes_.subspan(1, 3 * kPage + 5));

  EXPECT_EQ(resident(), (std::array{true, false, false, true}));
}

TEST_F(Pages, NoneIsLetGoOfMemoryThatIsSmallerThanOne) {
  let_go_of_zeros(bytes_.subspan(1, kPage - 1));
  let_go_of_zeros({});

  EXPECT_EQ(resident(), (std::array{true, true, true, true}));
}

}  // namespace
}  // namespace lambdapool::protocol
