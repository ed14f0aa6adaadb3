// Where luna_lambda_tools is when nobody says so.
#pragma once

#include <string>

namespace lambdapool::worker {

// ../share/lambdapool/pylib beside the running program, in an installation as in a build tree;
// empty when it is not there, which leaves it to Python's own path.
std::string find_pylib();

}  // namespace lambdapool::worker
