// Finds the end of a request's head in bytes that come in any pieces, and refuses what is no proper
// sequence of lines.
//
// llhttp reads what is inside the lines but is lenient about their ends and has no limits; both are
// kept here. Invariant: a head that is found consists of lines that end in CRLF and hold no other
// CR or LF, none but the first begins with a space or a tab, and all limits hold.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "supervisor/config/config.h"
#include "supervisor/failure.h"

namespace lambdapool::supervisor {

class HeadLines {
 public:
  explicit HeadLines(const ServerConfig& limits) : limits_(limits) {}

  // `bytes` begins at the same place at every call until the head is found or `reset` is called,
  // and may only have grown. Gives the length of the head with its empty line, or nothing when more
  // bytes are needed.
  std::expected<std::optional<std::size_t>, Failure> find_end(std::string_view bytes);

  // The first line without its CRLF, as soon as it is whole.
  std::optional<std::string_view> request_line(std::string_view bytes) const;

  void reset();

 private:
  std::optional<Failure> check_line(std::string_view line);
  std::optional<Failure> check_length(std::size_t line_bytes) const;

  const ServerConfig& limits_;
  std::size_t line_begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;
};

}  // namespace lambdapool::supervisor
