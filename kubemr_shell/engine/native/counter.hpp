// A number that one thread raises while any thread may read it.
#pragma once

#include <atomic>

#include "bytes.hpp"

namespace kubemr {

class Counter {
 public:
  u64 value() const { return value_.load(std::memory_order_relaxed); }
  void set(u64 value) { value_.store(value, std::memory_order_relaxed); }
  // Not fetch_add: with only one writer, no locked instruction is needed.
  void add(u64 more) { set(value() + more); }

 private:
  std::atomic<u64> value_ = 0;
};

}  // namespace kubemr
