// The kernels work on blocks of 64 bytes and their bit masks. They are always inlined, so that they are compiled twice:
// for the oldest processors, and for those with POPCNT and BMI.
#include "record_scanner.hpp"

#include <algorithm>
#include <bit>

#include "file_reader.hpp"
#include "masks.hpp"
#include "pages.hpp"

namespace kubemr {
namespace {

constexpr std::size_t kPiece = 128 << 10;
constexpr u8 kByteOrderMark[] = {0xef, 0xbb, 0xbf};

// Returns a mask of the bits 0 to n - 1.
[[gnu::always_inline]] inline u64 low_bits(std::size_t n) { return n >= 64 ? ~u64{0} : (u64{1} << n) - 1; }

[[gnu::always_inline]] inline void set_damage(RecordScan& s, const char* reason, u64 at) {
  s.damage = reason;
  s.damage_at = at;
}

// Each kernel scans the first `size` bytes of a block of 64 readable bytes, up to the end of record number `most`. A
// kernel returns the number of bytes scanned, which is `size` if that record does not end in the block. `kStopsAtEnd`
// is false if only the start of the next record shows where a record ends.
struct EndByteKernel {
  static constexpr bool kStopsAtEnd = true;

  [[gnu::always_inline]] static std::size_t run(RecordScan& s, const u8* block, std::size_t size, u8 mark, u64 most) {
    const u64 ends = mask_of_byte(block, mark) & low_bits(size);
    const auto count = static_cast<u64>(std::popcount(ends));
    if (count < most - s.records) {
      s.records += count;
      return size;
    }
    const int at = position_of_bit(ends, most - s.records - 1);
    s.records = most;
    return static_cast<std::size_t>(at) + 1;
  }
};

struct CsvKernel {
  static constexpr bool kStopsAtEnd = true;

  [[gnu::always_inline]] static std::size_t run(RecordScan& s, const u8* block, std::size_t size, u8 mark, u64 most) {
    const u64 valid = low_bits(size);
    const u64 quotes = mask_of_byte(block, '"') & valid;
    const u64 newlines = mask_of_byte(block, '\n') & valid;
    if (quotes == 0 && !s.has_closed && s.position >= 4) {  // most blocks of most files
      const u64 ends = s.is_quoted ? 0 : newlines;
      const auto count = static_cast<u64>(std::popcount(ends));
      if (count < most - s.records) {
        s.records += count;
        s.may_open = block[size - 1] == mark || block[size - 1] == '\n';
        return size;
      }
    }
    const u64 inside = prefix_parity(quotes) ^ (s.is_quoted ? ~u64{0} : 0);
    const u64 opening = quotes & inside;
    const u64 closing = quotes & ~inside;
    const u64 delimiters = mask_of_byte(block, mark);
    const u64 before_field = delimiters | newlines | closing;
    u64 may_open = before_field << 1 | u64{s.may_open};
    if (s.position < 4 && s.begins_with_mark) may_open |= behind_mark(s, block, size);
    const u64 after_field = delimiters | newlines | opening | mask_of_byte(block, '\r');
    const u64 behind_closing = (closing << 1 | u64{s.has_closed}) & valid;
    u64 bad_open = opening & ~may_open;
    u64 bad_close = behind_closing & ~after_field;

    const u64 ends = newlines & ~inside;
    const auto count = static_cast<u64>(std::popcount(ends));
    std::size_t stop = size;
    if (count >= most - s.records) {
      stop = static_cast<std::size_t>(position_of_bit(ends, most - s.records - 1)) + 1;
      bad_open &= low_bits(stop);
      bad_close &= low_bits(stop);
    }
    if ((bad_open | bad_close) != 0) {
      const int at = std::countr_zero(bad_open | bad_close);
      set_damage(s, (bad_open >> at & 1) != 0 ? "quote" : "close", s.position + static_cast<u64>(at));
      return size;
    }
    s.records += std::min(count, most - s.records);
    if (opening != 0) s.opened_at = s.position + 63 - static_cast<u64>(std::countl_zero(opening));
    s.is_quoted = (inside >> (stop - 1) & 1) != 0;
    s.may_open = (before_field >> (stop - 1) & 1) != 0;
    s.has_closed = (closing >> (stop - 1) & 1) != 0;
    return stop;
  }

  // A quote may follow a byte order mark at the start of the stream.
  static u64 behind_mark(RecordScan& s, const u8* block, std::size_t size) {
    std::size_t at = 0;
    while (s.position + at < 3 && at < size && s.begins_with_mark) {
      s.begins_with_mark = block[at] == kByteOrderMark[s.position + at];
      ++at;
    }
    if (!s.begins_with_mark || s.position + at < 3) return 0;
    return low_bits(at + 1) & ~low_bits(at);
  }
};

struct FastaKernel {
  static constexpr bool kStopsAtEnd = false;

  [[gnu::always_inline]] static std::size_t run(RecordScan& s, const u8* block, std::size_t size, u8 /*end_byte*/,
                                                u64 most) {
    const u64 line_starts = mask_of_byte(block, '\n') << 1 | u64{s.last == '\n'};
    const u64 starts = (mask_of_byte(block, '>') | mask_of_byte(block, ';')) & line_starts & low_bits(size);
    if (s.position == 0 && (starts & 1) == 0) s.records = 1;  // lines before the first header
    const auto count = static_cast<u64>(std::popcount(starts));
    if (count <= most - s.records) {
      s.records += count;
      return size;
    }
    const int at = position_of_bit(starts, most - s.records);
    s.records = most;
    return static_cast<std::size_t>(at);
  }
};

// Takes one line of FASTQ: `end` is the offset behind its last byte, without LF. Returns whether a record has ended.
[[gnu::always_inline]] inline bool take_line(RecordScan& s, u8 head, u8 last, u64 end) {
  u64 length = end - s.line_start;
  if (length > 0 && last == '\r') --length;
  const u64 start = s.line_start;
  switch (s.line++ & 3) {
    case 0:
      s.record_start = start;
      if (length == 0) {
        set_damage(s, "blank", start);
      } else if (head != '@') {
        set_damage(s, "header", start);
      }
      return false;
    case 1:
      s.sequence_length = length;
      if (length > 0 && (head == '@' || head == '+')) set_damage(s, "sequence", start);
      return false;
    case 2:
      if (length == 0 || head != '+') set_damage(s, "plus", start);
      return false;
    default:
      if (length != s.sequence_length) set_damage(s, "length", start);
      return true;
  }
}

struct FastqKernel {
  static constexpr bool kStopsAtEnd = true;

  [[gnu::always_inline]] static std::size_t run(RecordScan& s, const u8* block, std::size_t size, u8 /*end_byte*/,
                                                u64 most) {
    u64 ends = mask_of_byte(block, '\n') & low_bits(size);
    for (; ends != 0 && s.damage == nullptr; ends &= ends - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(ends));
      const u8 head = s.line_start >= s.position ? block[s.line_start - s.position] : s.head;
      const u8 last = at > 0 ? block[at - 1] : s.last;
      s.records += u64{take_line(s, head, last, s.position + at)};
      s.line_start = s.position + at + 1;
      if (s.records == most && (s.line & 3) == 0) return at + 1;
    }
    if (s.line_start >= s.position && s.line_start < s.position + size) s.head = block[s.line_start - s.position];
    return size;
  }
};

template <typename Kernel>
[[gnu::always_inline]] inline u64 scan_chunk(RecordScan& s, const u8* chunk, std::size_t size, u8 mark, u64 most) {
  std::size_t at = 0;
  u8 rest[kBlock] = {};
  while (at < size && s.damage == nullptr) {
    const std::size_t length = std::min(kBlock, size - at);
    const u8* block = chunk + at;
    if (length < kBlock) {
      std::memcpy(rest, block, length);
      block = rest;
    }
    const std::size_t used = Kernel::run(s, block, length, mark, most);
    if (used > 0) s.last = block[used - 1];
    s.position += used;
    at += used;
    if (used < length || (Kernel::kStopsAtEnd && s.records == most)) break;
  }
  return at;
}

[[gnu::always_inline]] inline u64 scan_any(Format format, RecordScan& s, const u8* chunk, std::size_t size, u8 mark,
                                           u64 most) {
  switch (format) {
    case Format::kEndByte:
      return scan_chunk<EndByteKernel>(s, chunk, size, mark, most);
    case Format::kCsv:
      return scan_chunk<CsvKernel>(s, chunk, size, mark, most);
    case Format::kFasta:
      return scan_chunk<FastaKernel>(s, chunk, size, mark, most);
    default:
      return scan_chunk<FastqKernel>(s, chunk, size, mark, most);
  }
}

u64 scan_plain(Format format, RecordScan& s, const u8* chunk, std::size_t size, u8 mark, u64 most) {
  return scan_any(format, s, chunk, size, mark, most);
}

#ifdef KUBEMR_X86
__attribute__((target("avx2,bmi,popcnt"))) u64 scan_avx2(Format format, RecordScan& s, const u8* chunk,
                                                         std::size_t size, u8 mark, u64 most) {
  return scan_any(format, s, chunk, size, mark, most);
}
#endif

}  // namespace

u64 RecordScanner::scan(const u8* chunk, std::size_t size, u64 most) {
  // Only in FASTA, the start of the next record shows the end of a record.
  if (state_.records == most && format_ != Format::kFasta) return 0;
#ifdef KUBEMR_X86
  if (has_avx2()) return scan_avx2(format_, state_, chunk, size, mark_, most);
#endif
  return scan_plain(format_, state_, chunk, size, mark_, most);
}

u64 RecordScanner::scan_file(int fd, u64 offset, u64 length, u64 most) {
  const FileReader file(fd, "");
  thread_local Pages buffer(kPiece);  // kept between calls: a feed calls this for each megabyte
  u64 scanned = 0;
  while (scanned < length && state_.damage == nullptr) {
    const auto size = static_cast<std::size_t>(std::min<u64>(kPiece, length - scanned));
    const std::size_t got = file.read(buffer.data(), 1, size, offset + scanned);
    if (got == 0) break;
    const u64 used = scan(buffer.data(), got, most);
    scanned += used;
    if (used < got) break;
  }
  return scanned;
}

void RecordScanner::end() {
  RecordScan& s = state_;
  if (s.damage != nullptr) return;
  if (format_ == Format::kCsv && s.is_quoted) set_damage(s, "unterminated", s.opened_at);
  if (format_ == Format::kFastq) {
    if (s.line_start < s.position) s.records += u64{take_line(s, s.head, s.last, s.position)};
    s.line_start = s.position;
    if (s.damage == nullptr && (s.line & 3) != 0) set_damage(s, "truncated", s.record_start);
  }
}

}  // namespace kubemr
