#include "supervisor/cli/table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::size_t kGap = 2;

// Two digits that matter below ten, whole numbers above.
std::string short_number(double value) {
  constexpr double kFew = 9.95;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < kFew && value != 0 ? "%.1f" : "%.0f", value);
  return text.data();
}

}  // namespace

std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (; !text.empty(); ++width) text.remove_prefix(first_character(text).length);
  return width;
}

std::string_view fit(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  for (; columns > 0 && bytes < text.size(); --columns) {
    bytes += first_character(text.substr(bytes)).length;
  }
  return text.substr(0, bytes);
}

void Table::add(const std::vector<std::string>& cells) {
  std::vector<std::string>& row = rows_.emplace_back();
  for (const std::string& cell : cells) append_escaped(row.emplace_back(), cell);
  row.resize(columns_.size());
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string out;
  const auto add_line = [&](auto cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view cell = cell_of(i);
      const std::string padding(widths[i] - width_of(cell), ' ');
      if (i > 0) line.append(kGap, ' ');
      if (columns_[i].align == Align::kRight) line += padding;
      line += cell;
      if (columns_[i].align == Align::kLeft) line += padding;
    }
    line.resize(line.find_last_not_of(' ') + 1);
    out.append(line).append("\n");
  };
  add_line([this](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) {
    add_line([&row](std::size_t i) { return std::string_view(row[i]); });
  }
  return out;
}

std::string age_text(double seconds) {
  constexpr double kMinute = 60;
  constexpr double kHour = 60 * kMinute;
  constexpr double kDay = 24 * kHour;
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  if (seconds < kMinute - 0.5) return short_number(seconds) + "s";
  // Whole units that have passed: 119 s are not two minutes yet.
  const auto whole = [seconds](double unit) {
    return std::to_string(static_cast<std::uint64_t>(std::min(seconds / unit, 1e9)));
  };
  if (seconds < kHour) return std::max(whole(kMinute), std::string("1")) + "m";
  if (seconds < kDay) return whole(kHour) + "h";
  return whole(kDay) + "d";
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
  constexpr double kStep = 1024;
  if (bytes < static_cast<std::uint64_t>(kStep)) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= kStep - 0.5 && unit + 1 < kUnits.size(); ++unit) value /= kStep;
  return short_number(value).append(kUnits.at(unit));
}

}  // namespace lambdapool::supervisor
