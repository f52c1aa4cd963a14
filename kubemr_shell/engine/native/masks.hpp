// Makes a bit mask for each block of 64 bytes: bit n is set if byte n of the block is the wanted byte.
#pragma once

#include <bit>

#include "bytes.hpp"
#include "cpu.hpp"

namespace kubemr {

inline constexpr std::size_t kBlock = 64;

#ifdef KUBEMR_X86
[[gnu::always_inline]] inline u64 mask_of_byte(const u8* block, u8 wanted) {
  const __m128i pattern = _mm_set1_epi8(static_cast<char>(wanted));
  u64 mask = 0;
  for (std::size_t part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + 16 * part));
    mask |= static_cast<u64>(static_cast<u32>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, pattern)))) << (16 * part);
  }
  return mask;
}
#else
[[gnu::always_inline]] inline u64 mask_of_byte(const u8* block, u8 wanted) {
  constexpr u64 kLow = 0x7f7f7f7f7f7f7f7f;
  const u64 pattern = wanted * 0x0101010101010101;
  u64 mask = 0;
  for (int word = 0; word < 8; ++word) {
    const u64 x = load64(block + 8 * word) ^ pattern;
    const u64 zero = ~(((x & kLow) + kLow) | x | kLow);              // the high bit of each wanted byte
    mask |= ((zero >> 7) * 0x0102040810204080 >> 56) << (8 * word);  // gathers the eight bits
  }
  return mask;
}
#endif

// Returns a mask whose bit n is the parity of the bits 0 to n.
[[gnu::always_inline]] inline u64 prefix_parity(u64 mask) {
  for (int shift = 1; shift < 64; shift *= 2) mask ^= mask << shift;
  return mask;
}

// Returns the position of the set bit number `rank`, counted from 0.
[[gnu::always_inline]] inline int position_of_bit(u64 mask, u64 rank) {
  for (; rank > 0; --rank) mask &= mask - 1;
  return std::countr_zero(mask);
}

}  // namespace kubemr
