// The supervisor's and the worker's ends of what connects the two, made before a worker is spawned.
#pragma once

#include <expected>
#include <string>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

struct WorkerPlumbing {
  uv::FileDescriptor channel, worker_channel;
  uv::FileDescriptor out, worker_out;
  uv::FileDescriptor err, worker_err;

  // Our ends do not block; the worker's do. All are close-on-exec.
  static std::expected<WorkerPlumbing, std::string> create();
};

}  // namespace lambdapool::supervisor
