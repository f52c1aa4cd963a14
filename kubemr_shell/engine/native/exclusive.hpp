// Runs calls of an object without the GIL, and makes sure that only one thread calls the object at a time.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>

#include "in_use.hpp"

namespace kubemr {

// Runs a call of an object without the GIL. Only one thread may call an object at a time.
class Exclusive {
 public:
  template <typename Call>
  auto run(const Call& call) {
    const nanobind::gil_scoped_release released;
    const InUse in_use(flag_);
    return call();
  }

 private:
  std::atomic<bool> flag_ = false;
};

}  // namespace kubemr
