// Text for people in columns, and numbers as people read them; pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lambdapool::supervisor {

// Columns are two spaces apart and as wide as their widest cell; numbers of a column stand to the
// right. What is not printable is shown escaped.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void add(const std::vector<std::string>& cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  // With an end of line after each row; no row ends in spaces.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// 0.25s, 1.2s, 59s, 3m, 2h, 5d.
std::string age_text(double seconds);
// 512 B, 1.5 KiB, 48 MiB.
std::string size_text(std::uint64_t bytes);

// How many columns of a terminal it takes, one for each character.
std::size_t width_of(std::string_view text);
// The longest start that takes at most that many columns.
std::string_view fit(std::string_view text, std::size_t columns);

}  // namespace lambdapool::supervisor
