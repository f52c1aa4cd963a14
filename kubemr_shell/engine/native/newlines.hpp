// Where the lines end, and how many there are.
#pragma once

#include "bytes.hpp"

namespace kubemr {

// Room that find_newlines needs in `ends` behind the last position.
inline constexpr std::size_t kEndsSlack = 64;

// Writes the positions of all LF in [from, from + size); reads up to kSlack bytes behind, writes up to kEndsSlack.
std::size_t find_newlines(const u8* from, std::size_t size, u32* ends);

u64 count_newlines(const u8* from, std::size_t size);

}  // namespace kubemr
