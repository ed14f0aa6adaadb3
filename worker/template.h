// The template process: an interpreter that has imported what every worker needs, and that becomes
// workers by fork().
//
// It runs on one thread and waits for orders. A worker it forks is made a child of the supervisor's
// (by the death of a process between the two), begins to run only when the supervisor has been
// told which process it is, and goes on as one that was executed. The template keeps none of a
// worker's descriptors, and a worker none of the template's.
#pragma once

#include <span>
#include <string_view>

namespace lambdapool::worker {

// `mode` is "host" or "lambda": whether the lambda is imported as well. `arguments` is where the
// process's arguments are kept, which a worker does not have: they are blanked in workers.
// Gives the exit status, of the template as of each worker.
int serve_as_template(std::string_view mode, std::span<char> arguments);

}  // namespace lambdapool::worker
