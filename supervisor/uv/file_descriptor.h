// The supervisor's name for what owns a file descriptor.
#pragma once

#include "protocol/file_descriptor.h"

namespace lambdapool::supervisor::uv {

using protocol::FileDescriptor;

}  // namespace lambdapool::supervisor::uv
