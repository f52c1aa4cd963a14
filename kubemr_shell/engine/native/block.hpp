// The layout of the run file: blocks of entries, an index, a footer. See docs/run-file.md.
#pragma once

#include <array>

#include "bytes.hpp"
#include "crc32.hpp"

namespace kubemr {

inline constexpr u32 kBlockMagic = 0x42524d4b;
inline constexpr std::size_t kHeaderBytes = 24;
inline constexpr std::size_t kChecked = 20;  // the bytes of the header that its checksum covers
inline constexpr std::size_t kPayloadBytes = 262'144;
inline constexpr std::size_t kBlockBytes = kHeaderBytes + kPayloadBytes;
inline constexpr u64 kMaxRecordBytes = (u64{1} << 32) - 64;  // the length of a block with one entry must fit 32 bits
inline constexpr u8 kCodecNone = 0;
inline constexpr u32 kVersion = 1;
inline constexpr std::array<u8, 8> kFooterMagic = {'K', 'M', 'R', 'R', 'U', 'N', '1', '\n'};
inline constexpr std::size_t kIndexEntryBytes = 40;
inline constexpr std::size_t kFooterBytes = 32;
inline constexpr std::size_t kMaxEntryHead = 10 + 5 + 5;

struct PartitionFacts {
  u64 offset;
  u64 stored;
  u64 entries;
  u64 records;
  u64 raw_bytes;
};
static_assert(sizeof(PartitionFacts) == kIndexEntryBytes);

// Writes a header without its checksum.
inline void write_header(u8* to, u32 payload, u32 entries) {
  store32(to, kBlockMagic);
  store32(to + 4, payload);
  store32(to + 8, payload);
  store32(to + 12, entries);
  store32(to + 16, kCodecNone);
}

inline u8* write_number(u8* to, u64 value) {
  while (value >= 0x80) {
    *to++ = static_cast<u8>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<u8>(value);
  return to;
}

// Reads a LEB128 number. Returns the byte behind the number, or nullptr if the number does not end before `end` or
// has more than 64 bits.
inline const u8* read_number(const u8* from, const u8* end, u64& value) {
  value = 0;
  for (int shift = 0; from != end && shift < 64; shift += 7) {
    const u64 digit = *from++;
    if (shift == 63 && digit > 1) return nullptr;
    value |= (digit & 0x7f) << shift;
    if (digit < 0x80) return from;
  }
  return nullptr;
}

}  // namespace kubemr
