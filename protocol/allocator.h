// How both programs ask the C library to handle large blocks.
#pragma once

namespace lambdapool::protocol {

// Blocks of up to 16 MiB come out of the heap, and 16 MiB of it are kept when they are free: with
// the C library's own limits every body is new memory, which the system has to clear and to give
// page by page. What is more than that is given back at once.
void keep_large_blocks();

}  // namespace lambdapool::protocol
