// A hash table of the distinct lines with their counts. To count a known line costs one cache line.
//
// Between tasks the sorted lines stay and only their counts are forgotten. The next split has mostly the words of the
// last one, so these words are neither inserted nor sorted again.
#pragma once

#include <bit>

#include "arena.hpp"
#include "batch.hpp"
#include "hash.hpp"
#include "key.hpp"
#include "sort_refs.hpp"

namespace kubemr {

inline constexpr u32 kInlineBytes = 23;

// Masks of the bytes of a short line in the three words of a slot, by its length. The words have 7, 8 and 8 bytes.
struct InlineMasks {
  u64 of_length[kInlineBytes + 1][3];
};

constexpr InlineMasks make_inline_masks() {
  InlineMasks masks{};
  for (u32 length = 0; length <= kInlineBytes; ++length) {
    for (u32 byte = 0; byte < length; ++byte) {
      const u32 word = (byte + 1) / 8;
      masks.of_length[length][word] |= u64{0xff} << (8 * (word == 0 ? byte : (byte + 1) % 8));
    }
  }
  return masks;
}

inline constexpr InlineMasks kInlineMasks = make_inline_masks();

class LineTable {
 public:
  static constexpr bool kDistinct = true;

  LineTable(const KeyCutter& cutter, u64 partitions, std::size_t arena_chunk)
      : cutter_(cutter), partitions_(partitions), arena_(arena_chunk) {}

  std::size_t size() const { return refs_.size(); }

  std::size_t held() { return slots_.size() + refs_.held() + scratch_.held() + arena_.held(); }

  // Returns the most bytes that `held` may return while a batch of `lines` lines and `bytes` bytes is added and sorted.
  std::size_t held_after(int lines, std::size_t bytes) {
    const std::size_t new_refs = size() - sorted_ + static_cast<std::size_t>(lines);
    const std::size_t slots = must_grow(lines) ? std::max(2 * slot_count_, kFewestSlots) * sizeof(Slot) : 0;
    return held() + slots + bytes + static_cast<std::size_t>(lines) * sizeof(Ref) + new_refs * sizeof(Ref);
  }

  void add(const Batch& batch) {
    if (must_grow(batch.size)) grow();
    // Long and short lines are separated: each loop does one thing, and no branch depends on the next length.
    Picked shorts;
    Picked longs;
    for (int n = 0; n < batch.size; ++n) {
      const bool is_long = batch.length[n] > kInlineBytes;
      longs.put(n, is_long);
      shorts.put(n, !is_long);
    }
    Probe probes[kBatch];
    for (const int n : longs) probes[n] = probe_long(batch.line[n], batch.length[n]);
    for (const int n : shorts) probes[n] = probe_short(batch.line[n], batch.length[n]);
    for (const int n : longs) prefetch_long(*slot(probes[n].at));
    for (const int n : shorts) count<false>(probes[n], batch.line[n], batch.length[n]);
    for (const int n : longs) count<true>(probes[n], batch.line[n], batch.length[n]);
  }

  void sort() {
    if (sorted_ == refs_.size()) return;
    const auto entry_of = [this](const Ref& ref) { return entry(ref); };
    RefSorter(entry_of, partitions_).sort(refs_.begin() + sorted_, refs_.end());
    merge_new(entry_of);
    sorted_ = refs_.size();
  }

  const Ref* begin() const { return refs_.begin(); }
  const Ref* end() const { return refs_.end(); }

  void prefetch(const Ref& ref) const { __builtin_prefetch(slot(ref.where)); }
  // Call this when the slot itself is in the cache.
  void prefetch_line(const Ref& ref) const { prefetch_long(*slot(ref.where)); }

  // Returns the entry of a Ref. The count is 0 if the line is known only from another task.
  Entry entry(const Ref& ref) const {
    const Slot& found = *slot(ref.where);
    const u32 length = found.length();
    return {ref.prefix, found.line(), length, ref.key_length, found.count};
  }

  // Sets all counts to 0. Returns how many counts were not 0.
  std::size_t forget_counts() {
    std::size_t used = 0;
    for (Slot* at = first_slot(); at != first_slot() + slot_count_; ++at) {
      if (at->count == 0) continue;
      at->count = 0;
      ++used;
    }
    return used;
  }

  void release() {
    slots_.release();
    refs_.release();
    scratch_.release();
    arena_.release();
    slot_count_ = sorted_ = 0;
  }

 private:
  static constexpr u8 kLong = 0xff;
  static constexpr std::size_t kFewestSlots = std::size_t{4} * kBatch;

  // The slot of a short line holds the line: its length + 1 in the lowest byte, then its bytes, then zeros. A long line
  // lies in the arena; its slot holds kLong and 56 bits of its hash, its length, its address. An empty slot is all 0.
  struct Slot {
    u64 count;
    u64 words[3];

    bool is_long() const { return static_cast<u8>(words[0]) == kLong; }
    u32 length() const { return is_long() ? static_cast<u32>(words[1]) : static_cast<u8>(words[0]) - 1U; }
    const u8* line() const {
      return is_long() ? reinterpret_cast<const u8*>(words[2]) : reinterpret_cast<const u8*>(words) + 1;
    }
  };
  static_assert(sizeof(Slot) == 32);

  // Some lines of a batch, by their numbers.
  struct Picked {
    int numbers[kBatch];
    int size = 0;

    void put(int number, bool wanted) {
      numbers[size] = number;
      size += wanted;
    }
    const int* begin() const { return numbers; }
    const int* end() const { return numbers + size; }
  };

  // The words of a line in a slot, without the address of a long line, and the first slot in which it may be.
  struct Probe {
    u64 at;
    u64 words[3];
  };

  // Reads 23 bytes for every length, and drops the bytes behind the line.
  Probe probe_short(const u8* line, u32 length) const {
    const u64* const mask = kInlineMasks.of_length[length];
    const u64 first = ((load64(line) & mask[0]) << 8) | (length + 1);
    const u64 second = load64(line + 7) & mask[1];
    const u64 third = load64(line + 15) & mask[2];
    return {prefetched(hash_.of_words(first, second, third)), {first, second, third}};
  }

  Probe probe_long(const u8* line, u32 length) const {
    const u64 hash = hash_.of_long(line, length);
    return {prefetched(hash), {hash << 8 | kLong, length, 0}};
  }

  // Prefetches the first slot of a hash, and returns its number.
  u64 prefetched(u64 hash) const {
    const u64 at = hash >> shift_;
    __builtin_prefetch(slot(at), 1);
    return at;
  }

  static void prefetch_long(const Slot& slot) {
    if (slot.is_long()) __builtin_prefetch(slot.line());
  }

  template <bool kIsLong>
  void count(const Probe& probe, const u8* line, u32 length) {
    for (u64 at = probe.at;; at = (at + 1) & (slot_count_ - 1)) {
      Slot& found = *slot(at);
      if (holds<kIsLong>(found, probe, line, length)) {
        ++found.count;
        return;
      }
      if (found.words[0] == 0) return insert(at, probe, line, length);
    }
  }

  template <bool kIsLong>
  static bool holds(const Slot& slot, const Probe& probe, const u8* line, u32 length) {
    const u64 difference = (slot.words[0] ^ probe.words[0]) | (slot.words[1] ^ probe.words[1]);
    if constexpr (kIsLong) return difference == 0 && std::memcmp(slot.line(), line, length) == 0;
    return (difference | (slot.words[2] ^ probe.words[2])) == 0;
  }

  void insert(u64 at, const Probe& probe, const u8* line, u32 length) {
    const u32 key_length = cutter_.key_length(line, length);
    refs_.push_back({key_prefix(line, key_length), at, partition_of(line, key_length, partitions_), key_length});
    u64 third = probe.words[2];
    if (length > kInlineBytes) third = reinterpret_cast<u64>(arena_.add(line, length));
    *slot(at) = {1, {probe.words[0], probe.words[1], third}};
  }

  bool must_grow(int lines) const {
    // Five eighths: probing stays short, and 570,000 words fit into 32 MiB.
    return size() + static_cast<std::size_t>(lines) > slot_count_ / 8 * 5;
  }

  void grow() {
    const std::size_t count = std::max(2 * slot_count_, kFewestSlots);
    Pages old(count * sizeof(Slot) + kSlack);
    old.advise_huge();
    old.swap(slots_);
    slot_count_ = count;
    shift_ = 64 - std::countr_zero(slot_count_);
    const auto* const before = reinterpret_cast<const Slot*>(old.data());
    constexpr std::size_t kAhead = 16;
    for (std::size_t n = 0; n < refs_.size(); ++n) {
      if (n + kAhead < refs_.size()) __builtin_prefetch(&before[refs_[n + kAhead].where]);
      refs_[n].where = place(before[refs_[n].where]);
    }
  }

  u64 place(const Slot& moved) {
    const u64 hash = moved.is_long() ? hash_.of_long(moved.line(), moved.length())
                                     : hash_.of_words(moved.words[0], moved.words[1], moved.words[2]);
    u64 at = hash >> shift_;
    while (slot(at)->words[0] != 0) at = (at + 1) & (slot_count_ - 1);
    *slot(at) = moved;
    return at;
  }

  // Merges the sorted new Refs into the sorted old Refs, from the end, which needs extra room only for the new Refs.
  template <typename EntryOf>
  void merge_new(const EntryOf& entry_of) {
    scratch_.resize(refs_.size() - sorted_);
    std::copy(refs_.begin() + sorted_, refs_.end(), scratch_.begin());
    Ref* to = refs_.end();
    const Ref* old = refs_.begin() + sorted_;
    const Ref* added = scratch_.end();
    while (added != scratch_.begin() && old != refs_.begin()) {
      *--to = goes_before(added[-1], old[-1], entry_of) ? *--old : *--added;
    }
    std::copy(static_cast<const Ref*>(scratch_.begin()), added, refs_.begin());
    scratch_.clear();
  }

  Slot* first_slot() const { return reinterpret_cast<Slot*>(slots_.data()); }
  Slot* slot(u64 at) const { return first_slot() + at; }

  const KeyCutter& cutter_;
  u64 partitions_;
  LineHash hash_;
  Pages slots_;
  std::size_t slot_count_ = 0;
  int shift_ = 63;
  Array<Ref> refs_;
  Array<Ref> scratch_;
  std::size_t sorted_ = 0;
  Arena arena_;
};

}  // namespace kubemr
