// A batch of lines on their way from the read buffer into memory. With batches, the memory of all lines can be
// prefetched before the first line is used.
#pragma once

#include "bytes.hpp"

namespace kubemr {

inline constexpr int kBatch = 128;

struct Batch {
  const u8* line[kBatch];
  u32 length[kBatch];
  int size = 0;
  std::size_t bytes = 0;  // of all lines, without their LF

  void add(const u8* from, const u8* to) {
    line[size] = from;
    length[size] = static_cast<u32>(to - from);
    bytes += length[size++];
  }
};

}  // namespace kubemr
