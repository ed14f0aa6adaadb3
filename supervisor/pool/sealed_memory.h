// Anonymous shared memory of a fixed size: a memfd of zeros that nobody can grow or shrink any
// more, so that a lambda can neither fill the machine's memory through it nor take it away under
// its reader.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

std::expected<uv::FileDescriptor, std::string> make_sealed_memory(const char* name,
                                                                  std::size_t bytes);

}  // namespace lambdapool::supervisor
