// Two hashes: the partition hash, which is part of the protocol, and the hash of the table, which stays internal.
#pragma once

#include <sys/random.h>

#include "bytes.hpp"

namespace kubemr {

inline constexpr u64 kMaxPartitions = u64{1} << 31;

inline constexpr u64 kFnvOffset = 14695981039346656037U;
inline constexpr u64 kFnvPrime = 1099511628211U;

inline u64 fnv(u64 state, const u8* from, const u8* to) {
  for (; from != to; ++from) state = (state ^ *from) * kFnvPrime;
  return state;
}

// FNV alone gives similar keys similar high bits, and the high bits choose the partition.
inline u32 partition_of_state(u64 x, u64 partitions) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccd;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53;
  x ^= x >> 33;
  return static_cast<u32>(((x >> 32) * partitions) >> 32);
}

inline u32 partition_of(const u8* key, std::size_t length, u64 partitions) {
  if (partitions == 1) return 0;
  return partition_of_state(fnv(kFnvOffset, key, key + length), partitions);
}

// A hash with random seeds in each table, so that an attacker cannot choose lines that all fall into one slot.
class LineHash {
 public:
  LineHash() {
    if (getrandom(seeds_, sizeof seeds_, GRND_NONBLOCK) != sizeof seeds_) {
      // Early at boot there may be no random bytes. The address is random too.
      seeds_[0] = reinterpret_cast<u64>(this) * kFnvPrime;
    }
    for (u64& seed : seeds_) seed |= 1;
  }

  u64 of_words(u64 first, u64 second, u64 third) const {
    return fold(third ^ fold(first ^ seeds_[0], second ^ seeds_[1]), seeds_[2]);
  }

  // For lines of at least 16 bytes.
  u64 of_long(const u8* line, std::size_t length) const {
    u64 state = seeds_[2] ^ length;
    const u8* last = line + length - 16;
    for (; line < last; line += 16) state = fold(load64(line) ^ seeds_[0], load64(line + 8) ^ state);
    state = fold(load64(last) ^ seeds_[0], load64(last + 8) ^ state);
    return fold(state, seeds_[1]);
  }

 private:
  static u64 fold(u64 a, u64 b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
  }

  u64 seeds_[3] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb};
};

}  // namespace kubemr
