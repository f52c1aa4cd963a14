// Short names for the integer types, and loads that need no alignment.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace kubemr {

using u8 = std::uint8_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

static_assert(std::endian::native == std::endian::little, "the run file and the table's slots are little-endian");

// A reader of lines may read this many bytes behind the last line. So every buffer of lines is longer by kSlack.
inline constexpr std::size_t kSlack = 64;

inline u64 load64(const u8* from) {
  u64 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline u32 load32(const u8* from) {
  u32 value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store32(u8* to, u32 value) { std::memcpy(to, &value, sizeof value); }
inline void store64(u8* to, u64 value) { std::memcpy(to, &value, sizeof value); }

// Copies a line. Most lines are short. Both buffers have kSlack bytes behind the line; these bytes may overlap.
inline void copy_line(u8* to, const u8* from, std::size_t length) {
  struct Short {
    u8 bytes[32];
  };
  if (length <= sizeof(Short)) {
    Short line;
    std::memcpy(&line, from, sizeof line);
    std::memcpy(to, &line, sizeof line);
  } else {
    std::memcpy(to, from, length);
  }
}

}  // namespace kubemr
