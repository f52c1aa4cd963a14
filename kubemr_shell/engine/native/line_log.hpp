// Keeps lines that are hardly ever equal: one after the other, without a look-up in a table.
#pragma once

#include "arena.hpp"
#include "batch.hpp"
#include "hash.hpp"
#include "key.hpp"
#include "sort_refs.hpp"

namespace kubemr {

class LineLog {
 public:
  static constexpr bool kDistinct = false;

  LineLog(const KeyCutter& cutter, u64 partitions, std::size_t arena_chunk)
      : cutter_(cutter), partitions_(partitions), arena_(arena_chunk) {}

  std::size_t size() const { return refs_.size(); }

  std::size_t held() { return refs_.held() + arena_.held(); }

  // Returns the most bytes that `held` may return after a batch of `lines` lines and `bytes` bytes is added.
  std::size_t held_after(int lines, std::size_t bytes) {
    return held() + bytes + static_cast<std::size_t>(lines) * (sizeof(Ref) + sizeof(u32));
  }

  void add(const Batch& batch) {
    sorted_ = false;
    u32 key_length[kBatch];
    u32 partition[kBatch];
    for (int n = 0; n < batch.size; ++n) key_length[n] = cutter_.key_length(batch.line[n], batch.length[n]);
    find_partitions(batch, key_length, partition);
    for (int n = 0; n < batch.size; ++n) {
      const u8* const line = arena_.add(batch.line[n], batch.length[n]);
      refs_.push_back({key_prefix(line, key_length[n]), reinterpret_cast<u64>(line), partition[n], key_length[n]});
    }
  }

  void sort() {
    if (sorted_) return;
    RefSorter(entry, partitions_).sort(refs_.begin(), refs_.end());
    sorted_ = true;
  }

  const Ref* begin() const { return refs_.begin(); }
  const Ref* end() const { return refs_.end(); }

  static void prefetch(const Ref& ref) { __builtin_prefetch(reinterpret_cast<const u8*>(ref.where) - sizeof(u32)); }

  static void prefetch_line(const Ref& /*ref*/) {}

  static Entry entry(const Ref& ref) {
    const auto* const line = reinterpret_cast<const u8*>(ref.where);
    return {ref.prefix, line, Arena::length_of(line), ref.key_length, 1};
  }

  // Forgets the lines and keeps the memory.
  void clear() {
    refs_.clear();
    arena_.clear();
  }

  void release() {
    refs_.release();
    arena_.release();
  }

 private:
  // Each step of the hash waits for the step before. So four keys at a time take hardly longer than one key.
  void find_partitions(const Batch& batch, const u32* key_length, u32* partition) const {
    if (partitions_ == 1) {
      std::fill_n(partition, batch.size, 0);
      return;
    }
    int n = 0;
    for (; n + 4 <= batch.size; n += 4) {
      const u8* const* const key = batch.line + n;
      const u32* const length = key_length + n;
      const u32 common = std::min(std::min(length[0], length[1]), std::min(length[2], length[3]));
      u64 state[4] = {kFnvOffset, kFnvOffset, kFnvOffset, kFnvOffset};
      for (u32 at = 0; at < common; ++at) {
        for (int lane = 0; lane < 4; ++lane) state[lane] = (state[lane] ^ key[lane][at]) * kFnvPrime;
      }
      for (int lane = 0; lane < 4; ++lane) {
        state[lane] = fnv(state[lane], key[lane] + common, key[lane] + length[lane]);
        partition[n + lane] = partition_of_state(state[lane], partitions_);
      }
    }
    for (; n < batch.size; ++n) partition[n] = partition_of(batch.line[n], key_length[n], partitions_);
  }

  const KeyCutter& cutter_;
  u64 partitions_;
  Arena arena_;
  Array<Ref> refs_;
  bool sorted_ = true;
};

}  // namespace kubemr
