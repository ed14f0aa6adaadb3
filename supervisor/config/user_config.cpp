#include "supervisor/config/user_config.h"

#include <string_view>

#include "supervisor/config/read_file.h"
#include "supervisor/json/json.h"
#include "supervisor/log/escape.h"

namespace lambdapool::supervisor {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

void read_user_config(LambdaConfig& lambda, std::vector<std::string>& errors) {
  lambda.user_config_json.clear();
  if (lambda.user_config.empty()) return;
  const std::string about = "lambda.user_config: " + in_quotes(lambda.user_config) + " ";
  auto text = read_config_file(lambda.user_config);
  if (!text) {
    errors.push_back(about + text.error());
    return;
  }
  if (text->starts_with(kByteOrderMark)) text->erase(0, kByteOrderMark.size());
  const auto value = parse_json(*text);
  if (!value) {
    errors.push_back(about + value.error());
  } else if (!value->is_object()) {
    errors.push_back(about + R"(must hold a JSON object, such as {"setting_1": 1})");
  } else {
    // As it was written: Python's numbers hold what those of others do not.
    lambda.user_config_json = *std::move(text);
  }
}

}  // namespace lambdapool::supervisor
