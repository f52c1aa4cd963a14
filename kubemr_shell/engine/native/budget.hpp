// How many runs may be merged at once: each of them has one block in memory.
#pragma once

#include <algorithm>
#include <vector>

#include "block.hpp"

namespace kubemr {

class Budget {
 public:
  explicit Budget(u64 memory_bytes)
      : bytes_(std::clamp<u64>(memory_bytes / kPayloadBytes, 8, 512) * kPayloadBytes) {}

  // How many of the first runs, by the payloads of their largest blocks; at least two, if there are two.
  //
  // A block holds more than kPayloadBytes only if it holds one long line, so few runs are merged where lines are
  // long. One block more is in memory: the one that the last entry came from.
  template <typename Runs>
  std::size_t group(const Runs& runs) const {
    u64 sum = 0;
    u64 largest = 0;
    std::size_t number = 0;
    for (const auto& run : runs) {
      sum += std::max<u64>(run.largest_block, kPayloadBytes);
      if (run.largest_block > kPayloadBytes) largest = std::max<u64>(largest, run.largest_block);
      if (sum + largest > bytes_ && number >= 2) return number;
      ++number;
    }
    return number;
  }

 private:
  u64 bytes_;
};

}  // namespace kubemr
