// Finds newlines, and counts newlines and other bytes.
#pragma once

#include "bytes.hpp"

namespace kubemr {

// The number of values that find_newlines may write to `ends` behind the last position.
inline constexpr std::size_t kEndsSlack = 64;

// Writes the positions of all LF in [from, from + size) to `ends`, and returns their number. Reads up to kSlack bytes
// behind the range, and writes up to kEndsSlack values behind the last position.
std::size_t find_newlines(const u8* from, std::size_t size, u32* ends);

u64 count_bytes(const u8* from, std::size_t size, u8 byte);

inline u64 count_newlines(const u8* from, std::size_t size) { return count_bytes(from, size, '\n'); }

}  // namespace kubemr
