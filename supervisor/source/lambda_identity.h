// The lambda's name and id where the configuration gives none.
#pragma once

#include <string>
#include <string_view>

namespace lambdapool::supervisor {

// The last part of the path, without ".zip".
std::string default_lambda_name(std::string_view path);

// A UUID made from the name: the same at every start, so that metrics and logs of one lambda stay
// together.
std::string default_lambda_id(std::string_view name);

}  // namespace lambdapool::supervisor
