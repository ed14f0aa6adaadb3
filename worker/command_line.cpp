#include "worker/command_line.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/exit_status.h"
#include "worker/serve.h"
#include "worker/template.h"

namespace lambdapool::worker {
namespace {

constexpr const char* kHelp =
    "lambdapool-worker runs one lambda for a supervisor. It is started by `lambdapool serve`, "
    "which hands it\n"
    "its descriptors; there is nothing to be gained from starting it by hand.\n"
    "\n"
    "  lambdapool-worker                              serve on descriptors 3, 4 and 5\n"
    "  lambdapool-worker template host|lambda         fork workers as told on descriptor 3\n"
    "  lambdapool-worker --interpreter=system ...     either of these two, run by the system's "
    "python3\n"
    "  lambdapool-worker unpack ARCHIVE FOLDER [KEY=VALUE]...\n"
    "                                                 unpack a lambda's zip file into a new "
    "folder\n"
    "  lambdapool-worker tool NAME [ARGUMENT]...      what `lambdapool NAME` runs\n"
    "  lambdapool-worker --version\n"
    "  lambdapool-worker --help\n";

int run(std::span<const std::string> arguments) {
  if (arguments.empty()) return serve();
  if (arguments[0] == "unpack" && arguments.size() >= 3) return unpack(arguments.subspan(1));
  if (arguments[0] == "tool" && arguments.size() >= 2) return tool(arguments.subspan(1));
  if (arguments[0] == "--version" && arguments.size() == 1) {
    std::puts("lambdapool-worker " LAMBDAPOOL_VERSION);
    return kExitClean;
  }
  if (arguments[0] == "--help" && arguments.size() == 1) {
    std::fputs(kHelp, stdout);
    return kExitClean;
  }
  std::fprintf(stderr,
               "lambdapool-worker: cannot make sense of `%s`; see lambdapool-worker --help\n",
               arguments[0].c_str());
  return kExitUsage;
}

}  // namespace

int run_command_line(std::span<char*> values) {
  try {
    if (values.size() == 3 && std::string_view(values[1]) == "template") {
      // Both arguments, as ps shows them, are the template's and not its workers'.
      const std::span<char> shown(values[1], values[2] + std::strlen(values[2]));
      return serve_as_template(std::string(values[2]), shown);
    }
    const std::vector<std::string> arguments(
        values.begin() + std::min<std::ptrdiff_t>(std::ssize(values), 1), values.end());
    return run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lambdapool-worker: %s\n", error.what());
    return kExitInternal;
  }
}

}  // namespace lambdapool::worker
