// Sorted runs of the lines that did not fit into memory, one after the other in a file without a name.
#pragma once

#include <memory>

#include "budget.hpp"
#include "merge.hpp"
#include "open_file.hpp"
#include "run_reader.hpp"
#include "run_writer.hpp"
#include "spill_index.hpp"

namespace kubemr {

// The number of runs stays small. When a level has more runs than can be merged at a time, they become one run of the
// next level. So a record is written once in each level, and each level has many times the records of the level before.
class Spills {
 public:
  Spills(const std::string& folder, u64 partitions, u64 memory_bytes)
      : file_(OpenFile::unnamed(folder)),
        writer_(file_.fd(), folder + "/(unnamed scratch file)"),
        scratch_(file_.fd(), writer_.name()),
        partitions_(partitions),
        budget_(memory_bytes) {}

  u64 written() const { return writer_.position(); }

  // Writes a new run. `write_partition(partition, writer)` is called for each partition.
  template <typename WritePartition>
  void add(const WritePartition& write_partition) {
    if (levels_.empty()) levels_.emplace_back();
    levels_[0].push_back(write_run(write_partition));
  }

  // Merges the levels that have more runs than can be merged at a time.
  void tidy(const CancelSwitch& cancel) {
    for (std::size_t level = 0; level < levels_.size() && !may_merge(levels_[level]); ++level) {
      // The newest run stays: the others alone can be merged at a time.
      const Run newest = levels_[level].back();
      levels_[level].pop_back();
      Run joined;
      try {
        joined = join(levels_[level], levels_[level].size(), cancel);
      } catch (...) {
        levels_[level].push_back(newest);
        throw;
      }
      levels_[level] = {newest};
      if (level + 1 == levels_.size()) levels_.emplace_back();
      levels_[level + 1].push_back(joined);
    }
  }

  // Merges runs until all remaining runs can be merged at a time.
  void settle(const CancelSwitch& cancel) {
    std::vector<Run> runs;
    for (const auto& level : levels_) runs.insert(runs.end(), level.begin(), level.end());
    levels_ = {runs};
    while (!may_merge(levels_[0])) {
      auto& all = levels_[0];
      const std::size_t size = budget_.group(all);
      const Run joined = join(all, size, cancel);
      all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
      all.push_back(joined);
    }
  }

  // Merges a partition of all runs into `sink`. Call settle() before.
  template <typename Sink>
  void merge_partition(u32 partition, Sink& sink, const CancelSwitch& cancel) const {
    merge_runs(levels_[0], levels_[0].size(), partition, sink, cancel);
  }

 private:
  struct Run {
    SpillIndex index;
    std::size_t largest_block;
  };

  bool may_merge(const std::vector<Run>& runs) const { return budget_.group(runs) == runs.size(); }

  Run join(const std::vector<Run>& runs, std::size_t size, const CancelSwitch& cancel) {
    const Run joined =
        write_run([&](u32 partition, RunWriter& writer) { merge_runs(runs, size, partition, writer, cancel); });
    for (std::size_t n = 0; n < size; ++n) give_back(runs[n]);
    return joined;
  }

  template <typename Sink>
  void merge_runs(const std::vector<Run>& runs, std::size_t size, u32 partition, Sink& sink,
                  const CancelSwitch& cancel) const {
    std::vector<std::unique_ptr<RunReader>> readers;
    std::vector<EntryStream*> streams;
    for (std::size_t n = 0; n < size; ++n) {
      const auto [begin, end] = runs[n].index.range(partition, scratch_);
      if (begin == end) continue;
      readers.push_back(std::make_unique<RunReader>(scratch_, begin, end - begin, cancel));
      streams.push_back(readers.back().get());
    }
    merge(streams, sink);
  }

  template <typename WritePartition>
  Run write_run(const WritePartition& write_partition) {
    RunWriter writer(writer_);
    std::vector<u64> bounds = {writer.position()};
    bounds.reserve(partitions_ + 1);
    for (u64 partition = 0; partition < partitions_; ++partition) {
      writer.begin_partition();
      write_partition(static_cast<u32>(partition), writer);
      writer.end_partition();
      bounds.push_back(writer.position());
    }
    writer.flush();
    return {SpillIndex(writer_, bounds), writer.largest_block()};
  }

  // Frees the disk space of a run that was merged into another run. If the file system cannot do this, both runs stay.
  void give_back(const Run& run) const {
    const auto [begin, end] = run.index.stored();
    fallocate(file_.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
              static_cast<off_t>(end - begin));
  }

  OpenFile file_;
  FileWriter writer_;
  FileReader scratch_;
  u64 partitions_;
  Budget budget_;
  std::vector<std::vector<Run>> levels_;
};

}  // namespace kubemr
