#include "worker/limits.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace lambdapool::worker {
namespace {

using Result = std::expected<void, std::string>;

Result failure(std::string_view key) {
  return std::unexpected("worker." + std::string(key) + ": " + std::strerror(errno));
}

// Never more than there is already: raising it again is for root only.
Result limit(std::string_view key, int resource, std::uint64_t value) {
  rlimit current{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &current) != 0) return failure(key);
  const rlim_t hard = std::min<rlim_t>(value, current.rlim_max);
  const rlimit wanted{hard, hard};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) return failure(key);
  return {};
}

Result limit_if_set(std::string_view key, int resource, std::uint64_t value) {
  return value == 0 ? Result{} : limit(key, resource, value);
}

// The first step past the soft limit is a signal that tells why, the second one cannot be ignored.
Result limit_cpu(std::uint64_t seconds) {
  if (seconds == 0) return {};
  rlimit current{};
  if (getrlimit(RLIMIT_CPU, &current) != 0) return failure("cpu_limit");
  const rlimit wanted{std::min<rlim_t>(seconds, current.rlim_max),
                      std::min<rlim_t>(seconds + 1, current.rlim_max)};
  if (setrlimit(RLIMIT_CPU, &wanted) != 0) return failure("cpu_limit");
  return {};
}

Result become(const protocol::Limits& limits) {
  if (limits.user.empty()) return {};
  const std::string user(limits.user);
  if (initgroups(user.c_str(), limits.gid) != 0 ||
      setresgid(limits.gid, limits.gid, limits.gid) != 0)
    return failure("group");
  if (setresuid(limits.uid, limits.uid, limits.uid) != 0) return failure("user");
  // Both are taken back when the user changes.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_DUMPABLE, 1);
  return {};
}

}  // namespace

Result apply_limits(const protocol::Limits& limits) {
  errno = 0;
  if (limits.nice > 0 && nice(static_cast<int>(limits.nice)) == -1 && errno != 0)
    return failure("nice");
  if (auto done = limit("core_size", RLIMIT_CORE, limits.core_bytes); !done) return done;
  if (auto done = limit_if_set("open_files", RLIMIT_NOFILE, limits.open_files); !done) return done;
  if (auto done = limit_cpu(limits.cpu_seconds); !done) return done;
  if (auto done = become(limits); !done) return done;
  // Of the new user: a change of the user looks at it.
  if (auto done = limit_if_set("processes", RLIMIT_NPROC, limits.processes); !done) return done;
  if (limits.no_new_privileges != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failure("no_new_privileges");
  return limit_if_set("memory_limit", RLIMIT_AS, limits.memory);
}

}  // namespace lambdapool::worker
