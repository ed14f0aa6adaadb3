// The supervisor's side of one worker's vitals page; protocol/vitals.h says what is in it.
//
// The supervisor only reads, and takes nothing on it for more than a hint about this worker's own
// requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "protocol/vitals.h"
#include "supervisor/uv/file_descriptor.h"

namespace lambdapool::supervisor {

class VitalsPage {
 public:
  static std::expected<std::unique_ptr<VitalsPage>, std::string> create(std::uint32_t window);
  ~VitalsPage();
  VitalsPage(const VitalsPage&) = delete;
  VitalsPage& operator=(const VitalsPage&) = delete;

  // For the worker to inherit.
  int descriptor() const { return memory_.get(); }

  bool begun(std::uint32_t slot, std::uint64_t request) const;
  std::uint64_t frames_taken() const;
  // The request whose code the loop's thread runs, 0 for none; and since when.
  std::uint64_t stepping() const;
  std::chrono::steady_clock::time_point stepping_since() const;
  // The request whose code ended the process, if it could say so; else 0.
  std::uint64_t culprit() const;

 private:
  VitalsPage(uv::FileDescriptor memory, protocol::Vitals* vitals, std::uint32_t window);

  uv::FileDescriptor memory_;
  protocol::Vitals* vitals_;
  std::uint32_t window_;
};

}  // namespace lambdapool::supervisor
