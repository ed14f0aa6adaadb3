#include "supervisor/pool/body.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lambdapool::supervisor {

void Body::swap(Body& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(bytes_, other.bytes_);
  std::swap(memory_, other.memory_);
  std::swap(size_, other.size_);
  std::swap(expected_, other.expected_);
  std::swap(lent_, other.lent_);
}

void Body::expect(std::size_t bytes) {
  expected_ = bytes;
  if (bytes <= kLargestBodyInFrame) bytes_.reserve(bytes);
}

void Body::append(std::string_view bytes) {
  const std::size_t needed = size() + bytes.size();
  const bool fits = memory_ != nullptr && needed <= memory_->capacity();
  if (needed > kLargestBodyInFrame && pool_ != nullptr && !fits) {
    move_to_memory(std::max(needed, expected_));
  }
  if (memory_ == nullptr) {
    bytes_.append(bytes);
    return;
  }
  char* const end = memory_->data() + size_;
  if (bytes.data() != end) std::memcpy(end, bytes.data(), bytes.size());
  size_ = needed;
  memory_->note_written(size_);
}

std::span<char> Body::space() const {
  if (memory_ == nullptr || expected_ <= size_) return {};
  return {memory_->data() + size_, expected_ - size_};
}

void Body::move_to_memory(std::size_t bytes) {
  auto larger = pool_->take(bytes);
  if (larger == nullptr) {
    // It goes on as bytes.
    if (memory_ != nullptr) bytes_ = view();
    drop_memory();
    pool_ = nullptr;
    return;
  }
  const std::string_view held = view();
  if (!held.empty()) std::memcpy(larger->data(), held.data(), held.size());
  larger->note_written(held.size());
  const std::size_t size = held.size();
  drop_memory();
  std::string().swap(bytes_);
  memory_ = std::move(larger);
  size_ = size;
}

uv::FileDescriptor Body::lend() {
  if (memory_ == nullptr) return {};
  auto descriptor = memory_->share();
  lent_ = lent_ || descriptor.open();
  return descriptor;
}

void Body::drop_memory() {
  if (memory_ == nullptr) return;
  auto memory = std::move(memory_);
  if (!lent_) pool_->give_back(std::move(memory));
}

}  // namespace lambdapool::supervisor
