#include "supervisor/account.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <optional>

namespace lambdapool::supervisor {
namespace {

std::optional<unsigned> number(const std::string& text) {
  unsigned value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::expected<Account, std::string> find_account(const std::string& user,
                                                 const std::string& group) {
  if (user.empty()) {
    if (group.empty()) return Account{};
    return std::unexpected("worker.group: set worker.user as well");
  }
  // The file of users is read once, before any worker is started.
  const passwd* entry = getpwnam(user.c_str());
  const auto uid = number(user);
  if (entry == nullptr && uid) entry = getpwuid(*uid);
  if (entry == nullptr) {
    return std::unexpected("worker.user: there is no user '" + user +
                           "' on this system; `useradd --system " + user + "` makes one");
  }
  Account account{entry->pw_name, entry->pw_uid, entry->pw_gid};
  if (!group.empty()) {
    const struct group* found = getgrnam(group.c_str());
    const auto gid = number(group);
    if (found == nullptr && gid) found = getgrgid(*gid);
    if (found == nullptr)
      return std::unexpected("worker.group: there is no group '" + group + "' on this system");
    account.gid = found->gr_gid;
  }
  if (geteuid() != 0 && account.uid != geteuid()) {
    return std::unexpected("worker.user: only a supervisor that runs as root can run workers as '" +
                           user + "'; start it as root, or leave the key out");
  }
  if (geteuid() != 0) return Account{};
  return account;
}

}  // namespace lambdapool::supervisor
