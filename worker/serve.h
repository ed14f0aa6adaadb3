// The worker program's uses, from its descriptors or arguments to its exit status.
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>

#include "protocol/message.h"
#include "worker/python/interpreter.h"

namespace lambdapool::worker {

// Serves the supervisor on the descriptors of protocol/README.md until it says so or is gone; in
// the interpreter that runs already, or else in one of its own.
int serve();

// The interpreter for the lambda that is to be started. The error is text for people.
std::expected<std::unique_ptr<python::Interpreter>, std::string> start_interpreter(
    const protocol::Start& start);

// Unpacks an archive. `arguments` are ARCHIVE, FOLDER and limits as key=value; the key `pylib` is
// for the worker itself: where luna_lambda_tools is, when not at its usual place.
int unpack(std::span<const std::string> arguments);

// Runs a tool for lambda authors; `arguments` are its name and its own arguments.
int tool(std::span<const std::string> arguments);

}  // namespace lambdapool::worker
