// The answers of the control socket as text for people; pure. What is missing in an answer, as from
// another version, is shown as a dash.
#pragma once

#include <string>

#include "supervisor/json/json.h"

namespace lambdapool::supervisor {

std::string status_text(const Json& status);
// Why it is not ready, one line each; empty when it is.
std::string reasons_text(const Json& status);
std::string quarantine_text(const Json& entries);
std::string stacks_text(const Json& workers);

}  // namespace lambdapool::supervisor
