// Prevents two threads from using one object at the same time. This is needed because the GIL is released.
#pragma once

#include <atomic>
#include <stdexcept>

namespace kubemr {

class InUse {
 public:
  explicit InUse(std::atomic<bool>& flag) : flag_(flag) {
    if (flag_.exchange(true, std::memory_order_acquire)) {
      throw std::runtime_error("another thread is using this object");
    }
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  ~InUse() { flag_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool>& flag_;
};

}  // namespace kubemr
