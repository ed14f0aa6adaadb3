// The children of this program: those that somebody here waits for, and, since the program adopts
// what its descendants leave behind (a subreaper), those that nobody does and that are reaped here.
//
// A process that is ours but not reaped keeps its id, so that an id in this register never names
// another process.
#pragma once

#include <cstddef>
#include <memory>
#include <set>

#include "supervisor/uv/loop.h"
#include "supervisor/uv/signal.h"

namespace lambdapool::supervisor::uv {

class Children {
 public:
  explicit Children(Loop& loop) : loop_(loop) {}

  // From now on orphaned descendants become children, and are reaped.
  void adopt_orphans();

  // Somebody waits for that child; and has been told its end.
  void add(int pid) { known_.insert(pid); }
  void remove(int pid);
  bool known(int pid) const { return known_.contains(pid); }

  // While held nothing is reaped, because the id of a child that is somebody's is not known yet.
  void hold() { ++held_; }
  void release();

 private:
  void reap_strangers();

  Loop& loop_;
  std::set<int> known_;
  std::size_t held_ = 0;
  std::unique_ptr<Signal> child_ended_;
};

}  // namespace lambdapool::supervisor::uv
