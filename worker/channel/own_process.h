// Tells the process that made the object from children that were forked off it, without a system
// call: the kernel wipes the mark in every child, by whatever call it was made.
#pragma once

#include <sys/types.h>

namespace lambdapool::worker {

class OwnProcess {
 public:
  OwnProcess();
  ~OwnProcess();
  OwnProcess(const OwnProcess&) = delete;
  OwnProcess& operator=(const OwnProcess&) = delete;

  bool is_this() const { return mark_ != nullptr ? *mark_ != 0 : asks_system(); }

 private:
  bool asks_system() const;

  pid_t process_;
  volatile char* mark_;  // Null where the kernel does not wipe: then it is asked each time.
};

}  // namespace lambdapool::worker
