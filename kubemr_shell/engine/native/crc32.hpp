// CRC-32 as zlib computes it.
#pragma once

#include "bytes.hpp"

namespace kubemr {

// Continues the checksum `crc`, which is 0 at the beginning.
u32 crc32(u32 crc, const u8* data, std::size_t size);

}  // namespace kubemr
