#include "file_scan.hpp"

#include <algorithm>

#include "crc32.hpp"
#include "file_reader.hpp"
#include "newlines.hpp"
#include "pages.hpp"

namespace kubemr {
namespace {

// The file is read, not mapped: if a mapped file is truncated during the scan, SIGBUS kills the process. A piece stays
// in the L2 cache.
constexpr std::size_t kPiece = 128 << 10;

template <typename Use>
void for_each_piece(int fd, u64 offset, u64 length, const Use& use) {
  const FileReader file(fd, "");
  thread_local Pages buffer(kPiece);  // kept between calls: a feed calls this for each megabyte
  while (length > 0) {
    const auto size = static_cast<std::size_t>(std::min<u64>(kPiece, length));
    const std::size_t got = file.read(buffer.data(), 1, size, offset);
    if (got == 0) return;
    use(buffer.data(), got);
    offset += got;
    length -= got;
  }
}

}  // namespace

Scan scan_file(int fd, u64 offset, u64 length) {
  Scan scan{0, 0};
  for_each_piece(fd, offset, length, [&scan](const u8* piece, std::size_t size) {
    scan.crc = crc32(scan.crc, piece, size);
    scan.newlines += count_newlines(piece, size);
  });
  return scan;
}

u64 count_lines_of_file(int fd, u64 offset, u64 length) { return count_byte_of_file(fd, offset, length, '\n'); }

u64 count_byte_of_file(int fd, u64 offset, u64 length, u8 byte) {
  u64 count = 0;
  for_each_piece(fd, offset, length,
                 [&count, byte](const u8* piece, std::size_t size) { count += count_bytes(piece, size, byte); });
  return count;
}

}  // namespace kubemr
