// The user and group that workers run as.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

namespace lambdapool::supervisor {

struct Account {
  std::string user;  // Empty: the supervisor's own.
  uid_t uid = 0;
  gid_t gid = 0;
};

// Looks the names up (numbers are taken as well). An empty group is the user's. Failure: what to
// change in the configuration.
std::expected<Account, std::string> find_account(const std::string& user, const std::string& group);

}  // namespace lambdapool::supervisor
