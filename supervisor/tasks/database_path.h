// Where the tasks of a lambda are kept.
#pragma once

#include <expected>
#include <string>

namespace lambdapool::supervisor {

// `configured` when that is given, else a file in the state directory of the service or the user,
// whose folders are made. Failure: a line for people.
std::expected<std::string, std::string> database_path(const std::string& configured,
                                                      const std::string& lambda_id);

}  // namespace lambdapool::supervisor
