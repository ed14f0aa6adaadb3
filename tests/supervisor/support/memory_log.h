// A log that is kept, to be asked what it says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervisor/log/log.h"

namespace lambdapool::supervisor {

class MemoryLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view message,
             std::initializer_list<LogField> fields = {}) override {
    std::string line(message);
    for (const LogField& field : fields) {
      line.append(" ").append(field.key).append("=");
      std::visit(
          [&]<class Value>(const Value& value) {
            if constexpr (std::is_same_v<Value, std::string_view>) {
              line.append(value);
            } else {
              line.append(std::to_string(value));
            }
          },
          field.value);
    }
    lines_.push_back(std::move(line));
  }
  void set_level(LogLevel) override {}
  void reopen() override {}

  // How many lines hold `text`.
  std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (const std::string& line : lines_) found += line.find(text) != std::string::npos ? 1 : 0;
    return found;
  }
  bool says(std::string_view text) const { return count(text) > 0; }
  std::string all() const {
    std::string text;
    for (const std::string& line : lines_) text.append(line).append("\n");
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

}  // namespace lambdapool::supervisor
