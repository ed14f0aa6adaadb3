// The worker program, which embeds Python, or hands over to the system's.

#include <cstddef>
#include <string_view>

#include "worker/command_line.h"
#include "worker/system_python.h"

int main(int count, char** values) {
  namespace worker = lambdapool::worker;
  const std::span<char*> arguments(values, static_cast<std::size_t>(count));
  if (count > 1 && values[1] == worker::kInSystemPython) {
    return worker::run_in_system_python(arguments);
  }
  return worker::run_command_line(arguments);
}
