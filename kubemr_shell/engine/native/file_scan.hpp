// Checksums and line counts of ranges of files.
#pragma once

#include "bytes.hpp"

namespace kubemr {

struct Scan {
  u32 crc;
  u64 newlines;
};

// A file that ends before the range does ends the range.
Scan scan_file(int fd, u64 offset, u64 length);
u64 count_lines_of_file(int fd, u64 offset, u64 length);

}  // namespace kubemr
