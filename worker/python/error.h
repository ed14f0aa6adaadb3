// Pending Python exceptions -> text.
#pragma once

#include <string>

namespace lambdapool::worker::python {

struct ErrorText {
  std::string summary;    // One line: "ValueError: what".
  std::string traceback;  // The whole report, chained exceptions included; ends with a newline.
};

// Clears the pending exception, of whatever kind, SystemExit included, and describes it.
ErrorText take_error();

// Clears the pending exception and writes it to sys.stderr below a line that says where it was
// raised.
void print_error(const char* where);

}  // namespace lambdapool::worker::python
