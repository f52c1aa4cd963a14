#include "collector.hpp"

#include "newlines.hpp"

namespace kubemr {
namespace {

constexpr std::size_t kPiece = 16 << 10;  // bytes that are searched for newlines at a time; they stay in the L1 cache

// The memory of the run writer, the read buffer, and small objects.
constexpr std::size_t kReserve = RunWriter::kBufferBytes + (768 << 10);

std::size_t line_budget_of(u64 memory_bytes) {
  const u64 budget = memory_bytes > 2 * kReserve ? memory_bytes - kReserve : memory_bytes / 2;
  return static_cast<std::size_t>(std::max<u64>(budget, 4 << 10));
}

std::size_t chunk_of(std::size_t line_budget) { return std::clamp<std::size_t>(line_budget / 64, 4 << 10, 1 << 20); }

}  // namespace

Collector::Collector(CollectorSettings settings)
    : settings_(std::move(settings)),
      cutter_(settings_.separator, settings_.key_fields),
      read_bytes_(std::clamp<std::size_t>(settings_.memory_bytes / 64, 4 << 10, 256 << 10)),
      line_budget_(line_budget_of(settings_.memory_bytes)),
      table_(cutter_, settings_.partitions, chunk_of(line_budget_)),
      log_(cutter_, settings_.partitions, chunk_of(line_budget_)),
      ends_(kPiece + kEndsSlack) {
  settings_.max_record_bytes = std::min(settings_.max_record_bytes, kMaxRecordBytes);
}

bool Collector::drain(int fd, int cancel_fd) {
  const CancelSwitch cancel(cancel_fd);
  StreamReader reader(fd, cancel, read_bytes_);
  try {
    while (reader.read(moved_)) {
      reader_extra_ = reader.held() - read_bytes_;
      take_lines(reader, cancel);
      check_length(0, reader.line(), static_cast<u64>(reader.end() - reader.line()));
    }
    if (reader.line() != reader.end()) {  // the last line, without LF
      Batch batch;
      batch.add(reader.line(), reader.end());
      add(batch, cancel);
    }
  } catch (const Cancelled&) {
    return false;
  }
  return true;
}

void Collector::take_lines(StreamReader& reader, const CancelSwitch& cancel) {
  const u8* line = reader.line();
  for (const u8* from = reader.fresh(); from != reader.end();) {
    const std::size_t size = std::min(kPiece, static_cast<std::size_t>(reader.end() - from));
    const std::size_t found = find_newlines(from, size, ends_.data());
    for (std::size_t at = 0; at < found;) {
      Batch batch;
      for (const std::size_t stop = std::min(found, at + kBatch); at < stop; ++at) {
        const u8* const end = from + ends_[at];
        check_length(batch.size, line, static_cast<u64>(end - line));
        batch.add(line, end);
        line = end + 1;
      }
      add(batch, cancel);
    }
    from += size;
  }
  reader.take_to(line);
}

// `behind` is the number of lines between the counted lines and this line.
void Collector::check_length(int behind, const u8* line, u64 size) const {
  if (size <= settings_.max_record_bytes) [[likely]]
    return;
  constexpr u64 kShown = 256;
  throw RecordTooLarge{records_.value() + static_cast<u64>(behind) + 1, size, settings_.max_record_bytes,
                       std::string(reinterpret_cast<const char*>(line), std::min(size, kShown))};
}

void Collector::add(const Batch& batch, const CancelSwitch& cancel) {
  make_room(batch, cancel);
  if (interning_) {
    table_.add(batch);
    judge_interning(batch.size);
  } else {
    log_.add(batch);
  }
  const auto lines = static_cast<u64>(batch.size);
  memory_records_ += lines;
  records_.add(lines);
  raw_bytes_.add(batch.bytes + lines);
}

void Collector::make_room(const Batch& batch, const CancelSwitch& cancel) {
  const std::size_t need = interning_ ? table_.held_after(batch.size, batch.bytes) + log_.held()
                                      : log_.held_after(batch.size, batch.bytes) + table_.held();
  if (need + reader_extra_ <= line_budget_ || memory_records_ == 0) return;
  Spills& spills = spill();
  spills.tidy(cancel);
  spilled_bytes_.set(spills.written());
}

// The table is worth its cost while at least a quarter of the lines are known. To insert a line costs ten times as much
// as to find one, but a line that is found needs no sorting, writing, reading and merging.
void Collector::judge_interning(int lines) {
  constexpr u64 kWindow = 32 << 10;
  window_records_ += static_cast<u64>(lines);
  if (window_records_ < kWindow) return;
  const u64 added = table_.size() - window_begin_;
  interning_ = added <= window_records_ / 4 * 3;
  if (interning_) log_.release();
  window_records_ = 0;
  window_begin_ = table_.size();
}

void Collector::begin_interning() {
  interning_ = true;
  window_records_ = 0;
  window_begin_ = table_.size();
}

Spills& Collector::spill() {
  table_.sort();
  log_.sort();
  Spills& spills = spills_ ? *spills_ : spills_.emplace(settings_.spill_folder, settings_.partitions, line_budget_);
  spills.add([this](u32 partition, RunWriter& writer) { merge_memory(partition, writer); });
  release_lines();
  return spills;
}

void Collector::release_lines() {
  table_.release();
  log_.release();
  memory_records_ = 0;
  begin_interning();
}

// Sorts the lines in memory. If there are spills, spills these lines too, so that the merge can use all memory.
void Collector::prepare(const CancelSwitch& cancel) {
  if (spills_) {
    Spills& spills = memory_records_ > 0 ? spill() : *spills_;
    spills.settle(cancel);
    spilled_bytes_.set(spills.written());
    return;
  }
  table_.sort();
  log_.sort();
}

template <typename Sink>
void Collector::merge_memory(u32 partition, Sink& sink) const {
  RefStream interned(table_, partition);
  RefStream logged(log_, partition);
  if (logged.empty()) return pass_on(interned, sink);
  if (interned.empty()) return pass_on(logged, sink);
  merge(std::vector<EntryStream*>{&interned, &logged}, sink);
}

template <typename Sink>
void Collector::merge_partition(u32 partition, Sink& sink, const CancelSwitch& cancel) const {
  if (spills_) {
    spills_->merge_partition(partition, sink, cancel);
  } else {
    merge_memory(partition, sink);
  }
}

std::vector<PartitionFacts> Collector::write_output(int fd) {
  const CancelSwitch nobody(-1);
  prepare(nobody);
  FileWriter file(fd, "map output");
  RunWriter writer(file);
  std::vector<PartitionFacts> facts;
  for (u64 partition = 0; partition < settings_.partitions; ++partition) {
    writer.begin_partition();
    merge_partition(static_cast<u32>(partition), writer, nobody);
    facts.push_back(writer.end_partition());
  }
  writer.write_index(facts);
  return facts;
}

void Collector::reset() {
  const bool keep = !spills_ && interning_ && worth_keeping();
  forget_records();
  if (keep) return;
  table_.release();
  log_.clear();
}

// Returns whether the table keeps its lines for the next task. If the last task used few of them, or if they are too
// many, they take room from the lines of the next task.
bool Collector::worth_keeping() {
  const std::size_t used = table_.forget_counts();
  return used >= table_.size() / 8 && table_.held() <= line_budget_ / 2;
}

void Collector::close() {
  forget_records();
  release_lines();
}

void Collector::forget_records() {
  spills_.reset();
  spilled_bytes_.set(0);
  records_.set(0);
  raw_bytes_.set(0);
  memory_records_ = 0;
  begin_interning();
}

}  // namespace kubemr
