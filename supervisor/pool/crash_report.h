// What `faulthandler` wrote about a worker: its Python stacks at a crash or when asked for them.
//
// The worker writes into sealed memory that the supervisor made, so the text survives the worker
// and needs no reader while it is written. Parsing is pure and trusts nothing: a lambda can write
// here as well.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

class CrashReport {
 public:
  static std::expected<std::unique_ptr<CrashReport>, std::string> create();

  // For the worker to inherit.
  int descriptor() const { return memory_.get(); }

  // What was written since the last call, and forgets it.
  std::string take();
  // The same for stacks that were asked for. When a crash was written meanwhile, everything stays
  // for who asks about the death.
  std::string take_unless_crash();

 private:
  std::string read() const;
  void forget(std::size_t bytes);

  explicit CrashReport(uv::FileDescriptor memory) : memory_(std::move(memory)) {}

  uv::FileDescriptor memory_;
};

// How faulthandler begins what it writes at a fatal signal, and only then.
inline constexpr std::string_view kFatalError = "Fatal Python error:";

// Where a crash happened, from faulthandler's text: "lambda_main.py:20 in boom", the innermost
// frame of the crashed thread that is in the lambda's folder, else the innermost one at all; empty
// when the text names none.
std::string crash_place(std::string_view report, std::string_view lambda_root);

}  // namespace lambdapool::supervisor
