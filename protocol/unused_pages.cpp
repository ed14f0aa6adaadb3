#include "protocol/unused_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace lambdapool::protocol {
namespace {

constexpr std::size_t kPage = 4096;

// The mapping that such a line describes, if it is of a file, private and not to be written:
// "7f00-7f10 r--p 00000000 fe:00 123 /usr/lib/libx.so".
std::optional<std::span<char>> read_only_file(std::string_view line) {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  const char* const last = line.data() + line.size();
  const auto first = std::from_chars(line.data(), last, begin, 16);
  if (first.ec != std::errc() || first.ptr == last || *first.ptr != '-') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, last, end, 16);
  if (second.ec != std::errc() || end <= begin) return std::nullopt;
  const std::string_view rest(second.ptr, last);
  if (!rest.starts_with(" r--p ") && !rest.starts_with(" r-xp ")) return std::nullopt;
  if (rest.find(" /") == std::string_view::npos) return std::nullopt;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the system says so in text.
  return std::span(reinterpret_cast<char*>(begin), end - begin);
}

}  // namespace

void let_go_of_file_pages() {
  std::ifstream mappings("/proc/self/smaps");
  std::optional<std::span<char>> mapping;
  for (std::string line; std::getline(mappings, line);) {
    if (line.empty()) continue;
    // Lines about a mapping begin with a name, the line of a mapping with an address.
    if (line[0] < 'A' || line[0] > 'Z') {
      mapping = read_only_file(line);
    } else if (mapping && line.starts_with("Anonymous:")) {
      // What has been written to once, as the linker does, is not in the file.
      if (line.ends_with(" 0 kB")) madvise(mapping->data(), mapping->size(), MADV_DONTNEED);
      mapping.reset();
    }
  }
}

void let_go_of_zeros(std::span<char> memory) {
  const auto misaligned = reinterpret_cast<std::uintptr_t>(memory.data()) % kPage;
  const std::size_t skipped = misaligned == 0 ? 0 : kPage - misaligned;
  for (std::size_t at = skipped; at + kPage <= memory.size(); at += kPage) {
    const auto page = memory.subspan(at, kPage);
    if (std::ranges::all_of(page, [](char byte) { return byte == 0; })) {
      madvise(page.data(), page.size(), MADV_DONTNEED);
    }
  }
}

}  // namespace lambdapool::protocol
