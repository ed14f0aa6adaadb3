// Which of a dead worker's requests killed it, as far as the worker's vitals page can tell, and
// what becomes of the others.
//
// Whoever was told by a handler in the dying process comes first, then the request whose code the
// loop's thread was running. A lambda can write on the page: at worst it blames another of that
// worker's own requests.
#pragma once

#include <cstdint>

#include "supervisor/config/config.h"
#include "supervisor/pool/exit_status.h"
#include "supervisor/pool/gone_cause.h"
#include "supervisor/pool/invocation.h"
#include "supervisor/pool/vitals_page.h"

namespace lambdapool::supervisor {

// The id of the culprit; 0 when there is none or nobody can tell: a SIGKILL comes from outside,
// unless the worker said that it sends it to itself, or it is the kernel's for want of memory.
std::uint64_t find_culprit(const VitalsPage& vitals, GoneCause cause, const ExitStatus& exit_status,
                           bool out_of_memory);

// Whether a request that had begun in a worker that died of another may be run again.
bool may_replay(const Invocation& invocation, Replay replay);

}  // namespace lambdapool::supervisor
