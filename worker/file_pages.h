// The memory in which a process sees its program and libraries.
#pragma once

namespace lambdapool::worker {

// Lets go of the pages that hold what is in the files, and nothing else: the system keeps those as
// long as it has room, and a page that is needed again is there again. For a process that will do
// little for a long time: loading libraries has touched megabytes of them.
void let_go_of_file_pages();

}  // namespace lambdapool::worker
