// Counts the records of a stream, and checks that the stream is a sequence of records of one format.
//
// The stream begins with a record, and comes in chunks of any size. A scan can stop after a given number of records, so
// that the caller learns where the next record begins.
#pragma once

#include <string>

#include "bytes.hpp"

namespace kubemr {

inline constexpr u64 kAllRecords = ~u64{0};

enum class Format : std::uint8_t { kEndByte, kCsv, kFasta, kFastq };

struct RecordScan {
  u64 position = 0;              // the number of bytes that were scanned
  u64 records = 0;               // records that are complete; for FASTA, records that have begun
  u8 last = '\n';                // the last byte
  const char* damage = nullptr;  // the name of the broken rule
  u64 damage_at = 0;             // the offset of the damage in the stream

  // CSV
  bool is_quoted = false;        // the next byte stands inside quotes
  bool may_open = true;          // a quote as the next byte opens a field, or is the second of two quotes
  bool has_closed = false;       // the last byte is a quote that closed a field
  bool begins_with_mark = true;  // all bytes so far are those of a byte order mark
  u64 opened_at = 0;             // the offset of the last quote that opened a field

  // FASTQ
  u64 line = 0;  // the number of the line in the stream
  u64 line_start = 0;
  u64 sequence_length = 0;
  u64 record_start = 0;
  u8 head = 0;  // the first byte of a line that began in an earlier chunk
};

class RecordScanner {
 public:
  // `mark` is the byte that ends a record, or the delimiter of CSV.
  RecordScanner(Format format, u8 mark) : format_(format), mark_(mark) {}

  // Scans a chunk up to the end of record number `most`, or the whole chunk if that record does not end in it. Returns
  // the number of bytes scanned. Scans nothing after damage.
  u64 scan(const u8* chunk, std::size_t size, u64 most);

  // Scans a range of a file as `scan` does. The range ends at the end of the file at the latest.
  u64 scan_file(int fd, u64 offset, u64 length, u64 most);

  // Reports a record that the end of the stream cuts off.
  void end();

  const RecordScan& state() const { return state_; }

 private:
  Format format_;
  u8 mark_;
  RecordScan state_;
};

}  // namespace kubemr
