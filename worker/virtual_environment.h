// A Python virtual environment on disk, checked before the interpreter is pointed at it: a wrong
// one would otherwise show itself as a missing module much later.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace lambdapool::worker {

// The program whose place makes Python use the environment in `folder`. `version` is the embedded
// interpreter's, such as "3.11"; an environment of another one is refused. The error is text for
// people and says what to do.
std::expected<std::string, std::string> virtual_environment_program(const std::string& folder,
                                                                    std::string_view version);

}  // namespace lambdapool::worker
