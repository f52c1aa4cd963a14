// The map side: makes one run file of the lines of a command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "line_log.hpp"
#include "line_table.hpp"
#include "ref_stream.hpp"
#include "spills.hpp"
#include "stream_reader.hpp"

namespace kubemr {

struct CollectorSettings {
  u64 partitions;
  std::string separator;
  long long key_fields;
  u64 memory_bytes;
  u64 max_record_bytes;
  std::string spill_folder;
};

// A collector of the lines of one task at a time. After an error, only reset() and close() may be called.
class Collector {
 public:
  explicit Collector(CollectorSettings settings);

  // Collects the lines of `fd` to its end. Returns false if `cancel_fd` became readable before.
  bool drain(int fd, int cancel_fd);
  std::vector<PartitionFacts> write_output(int fd);
  void reset();
  void close();

  u64 records() const { return records_.value(); }
  u64 raw_bytes() const { return raw_bytes_.value(); }
  u64 spilled_bytes() const { return spilled_bytes_.value(); }
  u64 moved() const { return moved_.value(); }

 private:
  void take_lines(StreamReader& reader, const CancelSwitch& cancel);
  void add(const Batch& batch, const CancelSwitch& cancel);
  void make_room(const Batch& batch, const CancelSwitch& cancel);
  void judge_interning(int lines);
  void begin_interning();
  void check_length(int behind, const u8* line, u64 size) const;
  void prepare(const CancelSwitch& cancel);
  Spills& spill();
  void release_lines();
  void forget_records();
  bool worth_keeping();
  template <typename Sink>
  void merge_memory(u32 partition, Sink& sink) const;
  template <typename Sink>
  void merge_partition(u32 partition, Sink& sink, const CancelSwitch& cancel) const;

  CollectorSettings settings_;
  KeyCutter cutter_;
  std::size_t read_bytes_;
  std::size_t line_budget_;       // bytes for the table and the log, while no long line is read
  std::size_t reader_extra_ = 0;  // bytes that the reader holds in addition for a long line
  LineTable table_;
  LineLog log_;
  std::optional<Spills> spills_;
  std::vector<u32> ends_;

  bool interning_ = true;
  u64 window_records_ = 0;
  std::size_t window_begin_ = 0;

  u64 memory_records_ = 0;  // records that are not spilled yet
  Counter records_;
  Counter raw_bytes_;
  Counter spilled_bytes_;
  Counter moved_;
};

}  // namespace kubemr
