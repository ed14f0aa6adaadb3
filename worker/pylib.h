// Where luna_lambda_tools is when nobody says so.
#pragma once

#include <string>

namespace lambdapool::worker {

// The folder beside the installed program, else the one of the source tree it was built from; empty
// when neither holds the package, which leaves it to Python's own path.
std::string find_pylib();

}  // namespace lambdapool::worker
