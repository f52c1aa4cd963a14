// Finds newlines in blocks of 64 bytes. A bit mask for each block comes from AVX2, SSE2, or 64-bit arithmetic.
#include "newlines.hpp"

#include <algorithm>
#include <bit>

#include "cpu.hpp"
#include "masks.hpp"

namespace kubemr {
namespace {

u64 mask_of(const u8* block) { return mask_of_byte(block, '\n'); }

#ifdef KUBEMR_X86
#define KUBEMR_AVX2 __attribute__((target("avx2,bmi,popcnt")))

KUBEMR_AVX2 inline u64 mask_of_avx2(const u8* block) {
  const __m256i lf = _mm256_set1_epi8('\n');
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + 32));
  const u32 low_mask = static_cast<u32>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, lf)));
  const u32 high_mask = static_cast<u32>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, lf)));
  return low_mask | static_cast<u64>(high_mask) << 32;
}
#endif

// Eight positions are written whether they exist or not: the processor predicts one branch per block well, but not one
// branch per line. The function is always inlined, so that it is compiled for the instructions of its caller.
[[gnu::always_inline]] inline u32* write_positions(u64 mask, std::size_t at, u32* out) {
  u32* const end = out + std::popcount(mask);
  do {
    for (int n = 0; n < 8; ++n) {
      out[n] = static_cast<u32>(at + static_cast<std::size_t>(std::countr_zero(mask)));
      mask &= mask - 1;
    }
    out += 8;
  } while (mask != 0);
  return end;
}

std::size_t find_plain(const u8* from, std::size_t size, u32* ends) {
  u32* out = ends;
  for (std::size_t at = 0; at < size; at += 64) {
    u64 mask = mask_of(from + at);
    if (size - at < 64) mask &= (u64{1} << (size - at)) - 1;
    out = write_positions(mask, at, out);
  }
  return static_cast<std::size_t>(out - ends);
}

u64 count_plain(const u8* from, std::size_t size, u8 byte) {
  u64 count = 0;
  std::size_t at = 0;
  for (; at + 64 <= size; at += 64) count += static_cast<u64>(std::popcount(mask_of_byte(from + at, byte)));
  for (; at < size; ++at) count += from[at] == byte;
  return count;
}

#ifdef KUBEMR_X86
KUBEMR_AVX2 std::size_t find_avx2(const u8* from, std::size_t size, u32* ends) {
  u32* out = ends;
  for (std::size_t at = 0; at < size; at += 64) {
    u64 mask = mask_of_avx2(from + at);
    if (size - at < 64) mask &= (u64{1} << (size - at)) - 1;
    out = write_positions(mask, at, out);
  }
  return static_cast<std::size_t>(out - ends);
}

// Each byte of a counter can be raised 255 times. Then the bytes must be added up.
KUBEMR_AVX2 u64 count_avx2(const u8* from, std::size_t size, u8 byte) {
  const __m256i wanted = _mm256_set1_epi8(static_cast<char>(byte));
  __m256i total = _mm256_setzero_si256();
  std::size_t at = 0;
  while (size - at >= 128) {
    const std::size_t rounds = std::min<std::size_t>((size - at) / 128, 127);
    __m256i first = _mm256_setzero_si256();
    __m256i second = _mm256_setzero_si256();
    for (std::size_t round = 0; round < rounds; ++round, at += 128) {
      const auto* block = reinterpret_cast<const __m256i*>(from + at);
      first = _mm256_sub_epi8(first, _mm256_cmpeq_epi8(_mm256_loadu_si256(block), wanted));
      second = _mm256_sub_epi8(second, _mm256_cmpeq_epi8(_mm256_loadu_si256(block + 1), wanted));
      first = _mm256_sub_epi8(first, _mm256_cmpeq_epi8(_mm256_loadu_si256(block + 2), wanted));
      second = _mm256_sub_epi8(second, _mm256_cmpeq_epi8(_mm256_loadu_si256(block + 3), wanted));
    }
    const __m256i zero = _mm256_setzero_si256();
    total = _mm256_add_epi64(total, _mm256_add_epi64(_mm256_sad_epu8(first, zero), _mm256_sad_epu8(second, zero)));
  }
  alignas(32) u64 lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), total);
  return lanes[0] + lanes[1] + lanes[2] + lanes[3] + count_plain(from + at, size - at, byte);
}
#endif

}  // namespace

std::size_t find_newlines(const u8* from, std::size_t size, u32* ends) {
#ifdef KUBEMR_X86
  if (has_avx2()) return find_avx2(from, size, ends);
#endif
  return find_plain(from, size, ends);
}

u64 count_bytes(const u8* from, std::size_t size, u8 byte) {
#ifdef KUBEMR_X86
  if (has_avx2()) return count_avx2(from, size, byte);
#endif
  return count_plain(from, size, byte);
}

}  // namespace kubemr
