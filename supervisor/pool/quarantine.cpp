#include "supervisor/pool/quarantine.h"

#include <algorithm>

namespace lambdapool::supervisor {

void Quarantine::configure(const QuarantineConfig& config) {
  config_ = config;
  isolated_ = static_cast<std::size_t>(
      std::ranges::count_if(records_, [this](const auto& each) { return isolates(each.second); }));
}

bool Quarantine::killed(const RequestFingerprint& request, const std::string& request_id,
                        uv::TimePoint now) {
  if (config_.deaths == 0) return false;
  forget_old(now);
  if (records_.size() >= kMost && !records_.contains(request)) {
    const auto oldest =
        std::ranges::min_element(records_, {}, [](const auto& each) { return each.second.last; });
    isolated_ -= isolates(oldest->second) ? 1 : 0;
    records_.erase(oldest);
  }
  Record& record = records_[request];
  const bool was_isolated = isolates(record);
  ++record.deaths;
  record.last = now;
  record.last_id = request_id;
  const bool isolated = !was_isolated && isolates(record);
  isolated_ += isolated ? 1 : 0;
  return isolated;
}

std::optional<QuarantineEntry> Quarantine::find(const Invocation& invocation, uv::TimePoint now) {
  if (isolated_ == 0) return std::nullopt;
  forget_old(now);
  const RequestFingerprint request = fingerprint_of(invocation);
  const auto found = records_.find(request);
  if (found == records_.end() || !isolates(found->second)) return std::nullopt;
  return entry(request, found->second, now);
}

std::vector<QuarantineEntry> Quarantine::list(uv::TimePoint now) const {
  std::vector<QuarantineEntry> entries;
  for (const auto& [request, record] : records_) {
    if (now - record.last < config_.ttl) entries.push_back(entry(request, record, now));
  }
  return entries;
}

std::size_t Quarantine::clear() {
  records_.clear();
  return std::exchange(isolated_, 0);
}

QuarantineEntry Quarantine::entry(const RequestFingerprint& request, const Record& record,
                                  uv::TimePoint now) const {
  return {request, record.deaths, isolates(record),
          std::chrono::ceil<Milliseconds>(record.last + config_.ttl - now), record.last_id};
}

void Quarantine::forget_old(uv::TimePoint now) {
  std::erase_if(records_, [&](const auto& each) {
    const bool old = now - each.second.last >= config_.ttl;
    if (old && isolates(each.second)) --isolated_;
    return old;
  });
}

}  // namespace lambdapool::supervisor
