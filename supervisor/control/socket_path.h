// Where the control socket of a supervisor is when nobody says: a place in which the commands of
// the same user find it, and in which nobody else can put one.
//
//   under systemd        $RUNTIME_DIRECTORY/control.sock
//   with a login session $XDG_RUNTIME_DIR/lambdapool/PORT.sock
//   else                 /tmp/lambdapool-UID/PORT.sock
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace lambdapool::supervisor {

// The folder's owner must be this user and nobody else may have access; it is made when it is not
// there. Failure: a line for people.
std::expected<std::string, std::string> default_socket_path(std::uint16_t port);

// Those that there are of /run/lambdapool and /run/lambdapool@INSTANCE: the runtime folders of
// systemd services.
std::vector<std::string> service_folders();

// The sockets in the places above, and in the folders of services, whose supervisor lives. Folders
// of others than this user and root are not looked into.
std::vector<std::string> find_control_sockets();

}  // namespace lambdapool::supervisor
