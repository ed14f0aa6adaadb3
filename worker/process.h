// What the worker asks of the operating system for itself, before any code of a lambda runs.
#pragma once

#include <optional>
#include <string>

namespace lambdapool::worker {

// Which of the descriptors that the supervisor hands over is missing or is of another kind, as text
// for people; nothing when all are there.
std::optional<std::string> missing_descriptors();

// Dies with the parent from now on, and puts signal dispositions and mask back to what a program
// expects. Whoever has a channel looks for its end-of-file afterwards: the parent may have been
// gone before.
void prepare_process();

// Keeps the supervisor's descriptors from programs that the worker starts, and from children it
// forks: in those the channel and the vitals page become /dev/null, and a crash is reported on
// standard error.
void guard_descriptors();

// The kernel's out-of-memory killer should take a worker before the supervisor. Best effort.
void offer_to_oom_killer();

// All of that: how the life of every worker begins, of one that was executed as of one that was
// forked off a template.
void begin_worker();

// Ends the process as it stands, after what C code printed is written. Whatever a lambda has left,
// threads and atexit functions, cannot hold up a worker that is done.
[[noreturn]] void end_process(int status);

// Nobody is left to answer to: the process ends here, without a word and without running anything
// else.
[[noreturn]] void end_without_supervisor();

// The supervisor said something that is no frame or no message: one line, then the end.
[[noreturn]] void end_by_framing_error(const std::string& what);

}  // namespace lambdapool::worker
