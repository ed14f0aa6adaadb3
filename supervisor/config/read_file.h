// A whole file that the configuration is made of, as text.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace lambdapool::supervisor {

inline constexpr std::size_t kMaxConfigFile = std::size_t{1} << 20;

// Never waits for anybody who might write. Failure: what is wrong, without the path.
std::expected<std::string, std::string> read_config_file(const std::string& path);

}  // namespace lambdapool::supervisor
