// Computes checksums and line counts of ranges of files.
#pragma once

#include "bytes.hpp"

namespace kubemr {

struct Scan {
  u32 crc;
  u64 newlines;
};

// A range ends at the end of the file at the latest.
Scan scan_file(int fd, u64 offset, u64 length);
u64 count_lines_of_file(int fd, u64 offset, u64 length);
u64 count_byte_of_file(int fd, u64 offset, u64 length, u8 byte);

}  // namespace kubemr
