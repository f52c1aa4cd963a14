// The bound on the number of runs that are merged at a time. Each run has one block in memory.
#pragma once

#include <algorithm>
#include <vector>

#include "block.hpp"

namespace kubemr {

class Budget {
 public:
  explicit Budget(u64 memory_bytes) : bytes_(std::clamp<u64>(memory_bytes / kPayloadBytes, 8, 512) * kPayloadBytes) {}

  // Returns how many of the first runs may be merged at a time, by the payloads of their largest blocks. The result
  // is at least two, if there are two runs.
  //
  // A block holds more than kPayloadBytes only if it holds one long line, so fewer runs are merged when lines are
  // long. One more block is in memory: the block of the previous entry.
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
