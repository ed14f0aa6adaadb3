// A template process: one that has loaded what every worker needs and becomes workers by fork().
//
//   Starting --ready--> Ready;   any --failed, died, silent, end()--> Gone
//
// Invariant: a worker that is asked for is either told its process id or that there is none, once,
// unless it is forgotten before. Nothing that a template says is trusted: it may have run the
// lambda's code. protocol/README.md, part *Template process*, is what both sides keep to.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "supervisor/config/config.h"
#include "supervisor/log/log.h"
#include "supervisor/pool/output_pipe.h"
#include "supervisor/uv/poll.h"
#include "supervisor/uv/process.h"
#include "supervisor/uv/timer.h"

namespace lambdapool::supervisor {

struct WorkerSettings;

// A worker that a template is to fork.
class ForkOrder {
 public:
  // Its descriptors 0 to 5.
  virtual std::vector<int> descriptors() const = 0;
  virtual void on_forked(int pid) = 0;
  // The template cannot do it.
  virtual void on_not_forked() = 0;

 protected:
  ~ForkOrder() = default;
};

class TemplateProcess final : public uv::Retirable {
 public:
  enum class State { kStarting, kReady, kGone };
  // It is gone and says so once, not to an end() of ours. `why` is for people.
  using Gone = std::function<void(TemplateProcess& self, const std::string& why)>;

  static std::expected<std::unique_ptr<TemplateProcess>, std::string> start(
      uv::Loop& loop, Log& log, const WorkerSettings& settings, Gone gone);
  ~TemplateProcess() override;

  std::uint64_t generation() const { return generation_; }
  bool usable() const { return state_ != State::kGone; }
  bool was_ready() const { return was_ready_; }

  // Precondition: usable().
  void fork(ForkOrder& order);
  void forget(const ForkOrder& order);
  void end();

 private:
  struct Pending {
    std::uint64_t id;
    ForkOrder* order;  // Null when it was forgotten.
    bool sent;
  };

  TemplateProcess(uv::Loop& loop, Log& log, const WorkerSettings& settings,
                  uv::FileDescriptor socket, Gone gone);

  bool send(const std::string& packet, std::span<const int> descriptors);
  void send_orders();
  void read();
  void on_packet(std::string_view packet);
  void on_forked(std::uint64_t id, int pid);
  void become_gone(const std::string& why);
  void release_all();
  void watch_time();

  uv::Loop& loop_;
  Log& log_;
  std::uint64_t generation_;
  Milliseconds start_limit_;
  Gone gone_;
  State state_ = State::kStarting;
  bool was_ready_ = false;
  std::uint64_t next_id_ = 1;
  std::deque<Pending> pending_;
  uv::FileDescriptor socket_;
  uv::Poll poll_;
  uv::Timer limit_;
  std::unique_ptr<OutputPipe> stdout_;
  std::unique_ptr<OutputPipe> stderr_;
  std::unique_ptr<uv::Process> process_;
  uv::TimePoint started_;
};

}  // namespace lambdapool::supervisor
