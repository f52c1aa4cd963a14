// Lines on their way from the read buffer into memory. They are taken in batches, so that the memory that each of
// them needs can be asked for before the first one is looked at.
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
