// Where the parts of this installation are, found from where the running program is.
#pragma once

#include <expected>
#include <string>

namespace lambdapool::supervisor {

struct Installation {
  std::string worker_program;  // lambdapool-worker beside lambdapool.
  std::string pylib;           // ../share/lambdapool/pylib
};

// Failure: what is missing.
std::expected<Installation, std::string> find_installation();

}  // namespace lambdapool::supervisor
