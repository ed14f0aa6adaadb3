// Memory that a process has touched and does not need, given back to the system.
#pragma once

#include <span>

namespace lambdapool::protocol {

// Lets go of its program's and libraries' pages that hold what is in the files, and nothing else:
// the system keeps those as long as it has room, and a page that is needed again is there again.
// For a process that will do little for a long time: loading libraries has touched megabytes of
// them.
void let_go_of_file_pages();

// Lets go of the whole pages that hold nothing but zeros: they are zeros again when they are read.
// `memory` is the process's own, as malloc gives it.
void let_go_of_zeros(std::span<char> memory);

}  // namespace lambdapool::protocol
