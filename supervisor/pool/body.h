// The body of one request: bytes of our own while it is small, shared memory when it is large.
//
// Invariant: memory that a worker has been given and has not been known to be done with is not used
// again; it goes when the last of us lets go of it.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "supervisor/pool/body_memory.h"

namespace lambdapool::supervisor {

class Body {
 public:
  Body() = default;
  // Without a pool all bodies are bytes. The pool outlives the body.
  explicit Body(BodyPool* pool) : pool_(pool) {}
  Body(std::string bytes) : bytes_(std::move(bytes)) {}  // NOLINT(google-explicit-constructor)
  Body(Body&& other) noexcept { swap(other); }
  Body& operator=(Body&& other) noexcept {
    Body taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Body() { drop_memory(); }

  std::size_t size() const { return memory_ ? size_ : bytes_.size(); }
  bool empty() const { return size() == 0; }
  std::string_view view() const {
    return memory_ ? std::string_view(memory_->data(), size_) : std::string_view(bytes_);
  }

  bool in_memory() const { return memory_ != nullptr; }
  // Null when it is not.
  const BodyMemory* memory() const { return memory_.get(); }

  // How long it will be, if that is known. Nothing is taken for what has not come.
  void expect(std::size_t bytes);
  void append(std::string_view bytes);
  // Where the next bytes of an expected body can be put before they are appended from there; empty
  // when it is not in shared memory.
  std::span<char> space() const;

  // A descriptor of the memory for a worker; not open when there is none to be had.
  uv::FileDescriptor lend();
  // A worker that has the memory already is told to read there.
  void lend_again() { lent_ = true; }
  // The worker has said that it needs it no more.
  void returned() { lent_ = false; }

 private:
  void swap(Body& other) noexcept;
  void move_to_memory(std::size_t bytes);
  void drop_memory();

  BodyPool* pool_ = nullptr;
  std::string bytes_;
  std::unique_ptr<BodyMemory> memory_;
  std::size_t size_ = 0;  // In memory_.
  std::size_t expected_ = 0;
  bool lent_ = false;
};

}  // namespace lambdapool::supervisor
