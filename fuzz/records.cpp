// Scans a stream of any bytes for records, in chunks of any size. The results are compared with a plain loop.
#include <string_view>
#include <vector>

#include "record_scanner.hpp"
#include "support.hpp"

namespace kubemr::fuzz {
namespace {

constexpr std::size_t kMostBytes = 200 << 10;  // more than a file is read at once

// Scans one byte after the other.
class PlainScanner {
 public:
  PlainScanner(Format format, u8 mark, std::string_view stream) : format_(format), mark_(mark), stream_(stream) {}

  // Scans up to the end of record number `most`, or up to the end of the stream.
  void scan(u64 most) {
    while (position < stream_.size() && damage.empty()) {
      if (records == most && (format_ != Format::kFasta || begins_header())) return;
      take();
      if (damage.empty()) ++position;
    }
  }

  void end() {
    if (format_ == Format::kCsv && is_quoted_) set_damage("unterminated", opened_at_);
    if (format_ == Format::kFastq) {
      if (line_start_ < position) take_line();
      if (damage.empty() && line_ % 4 != 0) set_damage("truncated", record_start_);
    }
  }

  u64 position = 0;
  u64 records = 0;
  std::string damage;
  u64 damage_at = 0;

 private:
  u8 at(u64 offset) const { return static_cast<u8>(stream_[offset]); }
  bool begins_line() const { return position == 0 || at(position - 1) == '\n'; }
  bool begins_header() const { return begins_line() && (at(position) == '>' || at(position) == ';'); }

  void set_damage(const char* reason, u64 offset) {
    damage = reason;
    damage_at = offset;
  }

  void take() {
    switch (format_) {
      case Format::kEndByte:
        if (at(position) == mark_) ++records;
        break;
      case Format::kCsv:
        take_csv();
        break;
      case Format::kFasta:
        if (position == 0 || begins_header()) ++records;
        break;
      case Format::kFastq:
        if (at(position) == '\n') take_line();
        break;
    }
  }

  void take_csv() {
    const u8 byte = at(position);
    if (is_quoted_) {
      is_quoted_ = byte != '"';
      has_closed_ = byte == '"';
      return;
    }
    if (byte == '"') {
      const bool follows_mark = position == 3 && stream_.starts_with("\xef\xbb\xbf");
      if (!has_closed_ && !begins_line() && !follows_mark && at(position - 1) != mark_) {
        set_damage("quote", position);
        return;
      }
      is_quoted_ = true;
      opened_at_ = position;
    } else if (has_closed_ && byte != mark_ && byte != '\n' && byte != '\r') {
      set_damage("close", position);
    } else if (byte == '\n') {
      ++records;
    }
    has_closed_ = false;
  }

  void take_line() {
    std::string_view line = stream_.substr(line_start_, position - line_start_);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const u64 start = line_start_;
    line_start_ = position + 1;
    switch (line_++ % 4) {
      case 0:
        record_start_ = start;
        if (!line.starts_with('@')) set_damage(line.empty() ? "blank" : "header", start);
        break;
      case 1:
        sequence_ = line.size();
        if (line.starts_with('@') || line.starts_with('+')) set_damage("sequence", start);
        break;
      case 2:
        if (!line.starts_with('+')) set_damage("plus", start);
        break;
      default:
        ++records;
        if (line.size() != sequence_) set_damage("length", start);
    }
  }

  Format format_;
  u8 mark_;
  std::string_view stream_;
  bool is_quoted_ = false;
  bool has_closed_ = false;
  u64 opened_at_ = 0;
  u64 line_ = 0;
  u64 line_start_ = 0;
  u64 record_start_ = 0;
  u64 sequence_ = 0;
};

void require_equal(const RecordScan& scan, const PlainScanner& plain) {
  require((scan.damage == nullptr ? "" : scan.damage) == plain.damage, "the same damage is found");
  if (scan.damage != nullptr) {
    require(scan.damage_at == plain.damage_at, "the damage is found at its place");
    return;
  }
  require(scan.position == plain.position, "a scan stops behind the record that was named");
  require(scan.records == plain.records, "the records are counted");
}

// Scans the stream from where the scanner stopped, in chunks whose sizes repeat.
void scan_chunks(RecordScanner& scanner, std::string_view stream, std::string_view sizes, std::size_t& next, u64 most) {
  while (scanner.state().position < stream.size() && scanner.state().damage == nullptr) {
    const std::string_view left = stream.substr(scanner.state().position);
    const std::size_t size = sizes.empty() ? 1000 : static_cast<u8>(sizes[next++ % sizes.size()]) + 1U;
    const std::string_view part = left.substr(0, size);
    const std::vector<u8> chunk(part.begin(), part.end());  // a read behind its end is found
    if (scanner.scan(chunk.data(), chunk.size(), most) < chunk.size()) return;
  }
}

void run(Input input) {
  const auto format = static_cast<Format>(input.byte() % 4);
  const u8 mark = input.byte();
  const u64 step = input.byte();  // the scan stops after each `step` records; 0: it does not stop
  const std::string sizes = input.take(input.byte() % 8);
  const std::string stream = repeated_pieces(input).substr(0, kMostBytes);

  PlainScanner plain(format, mark, stream);
  RecordScanner scanner(format, mark);
  std::size_t next = 0;
  for (u64 most = step > 0 ? step : kAllRecords;; most += step) {
    plain.scan(most);
    scan_chunks(scanner, stream, sizes, next, most);
    require_equal(scanner.state(), plain);
    if (!plain.damage.empty() || plain.position == stream.size()) break;
  }
  if (plain.damage.empty()) plain.end();
  scanner.end();
  require_equal(scanner.state(), plain);

  const MemoryFile file(stream);
  RecordScanner of_file(format, mark);
  of_file.scan_file(file.fd(), 0, stream.size(), kAllRecords);
  of_file.end();
  require_equal(of_file.state(), plain);
}

}  // namespace
}  // namespace kubemr::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kubemr::fuzz::run({data, size});
  return 0;
}
