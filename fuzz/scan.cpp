// Scans a range of a file of any bytes. The checksum and the newlines are compared with plain loops.
#include <vector>

#include "file_scan.hpp"
#include "newlines.hpp"
#include "pages.hpp"
#include "support.hpp"

namespace kubemr::fuzz {
namespace {

u32 plain_crc32(const std::string& bytes) {
  u32 state = ~u32{0};
  for (const char byte : bytes) {
    state ^= static_cast<u8>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~state;
}

void check_positions(const std::string& bytes) {
  Pages buffer(bytes.size() + kSlack);
  std::ranges::copy(bytes, buffer.data());
  allow_lines(buffer.data(), bytes.size(), buffer.size());
  std::vector<u32> ends(bytes.size() + kEndsSlack);
  ends.resize(find_newlines(buffer.data(), bytes.size(), ends.data()));
  std::size_t next = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] != '\n') continue;
    require(next < ends.size() && ends[next] == at, "each newline is found at its place");
    ++next;
  }
  require(next == ends.size(), "only newlines are found");
}

void run(Input input) {
  const u64 offset = input.number(2);
  const u64 length = input.number(2);
  const std::string content = repeated_pieces(input);
  const std::string range = offset < content.size() ? content.substr(offset, length) : "";

  const MemoryFile file(content);
  const Scan scan = scan_file(file.fd(), offset, length);
  const auto newlines = static_cast<u64>(std::count(range.begin(), range.end(), '\n'));
  require(scan.crc == plain_crc32(range), "the checksum is that of the range");
  require(scan.newlines == newlines, "the newlines are those of the range");
  require(count_lines_of_file(file.fd(), offset, length) == newlines, "both functions count alike");
  check_positions(range);
}

}  // namespace
}  // namespace kubemr::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kubemr::fuzz::run({data, size});
  return 0;
}
