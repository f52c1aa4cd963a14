// Sorts Refs in place: by their leading bytes (American flag sort), and small rests by comparison.
#pragma once

#include <algorithm>
#include <limits>

#include "ref.hpp"

namespace kubemr {

template <typename EntryOf>
class RefSorter {
 public:
  RefSorter(const EntryOf& entry_of, u64 partitions) : entry_of_(entry_of) {
    // Skip the leading bytes of the partition number that are zero in all partitions.
    while (first_level_ < 4 && (partitions - 1) >> (8 * (3 - first_level_)) == 0) ++first_level_;
  }

  void sort(Ref* begin, Ref* end) const { sort_from(begin, end, first_level_); }

 private:
  static constexpr int kLevels = 12;          // four bytes of the partition, eight of the prefix
  static constexpr std::ptrdiff_t kFew = 48;  // up to this many Refs are sorted faster by comparison

  static u8 byte_of(const Ref& ref, int level) {
    return static_cast<u8>(level < 4 ? ref.partition >> (8 * (3 - level)) : ref.prefix >> (8 * (11 - level)));
  }

  void sort_from(Ref* begin, Ref* end, int level) const {
    if (end - begin <= kFew || level == kLevels) {
      std::sort(begin, end, [this](const Ref& a, const Ref& b) { return goes_before(a, b, entry_of_); });
      return;
    }
    // Only with 103 GB for one slot can there be more Refs than 32 bits can count. Otherwise the smaller counters are
    // faster.
    if (end - begin > static_cast<std::ptrdiff_t>(std::numeric_limits<u32>::max())) {
      sort_buckets<u64>(begin, end, level);
    } else {
      sort_buckets<u32>(begin, end, level);
    }
  }

  template <typename Count>
  void sort_buckets(Ref* begin, Ref* end, int level) const {
    Count bounds[257] = {};  // bucket b reaches from bounds[b] to bounds[b + 1]
    for (const Ref* at = begin; at != end; ++at) ++bounds[byte_of(*at, level) + 1];
    for (int byte = 0; byte < 256; ++byte) bounds[byte + 1] += bounds[byte];
    distribute(begin, bounds, level);
    for (int byte = 0; byte < 256; ++byte) {
      if (bounds[byte + 1] - bounds[byte] > 1) sort_from(begin + bounds[byte], begin + bounds[byte + 1], level + 1);
    }
  }

  // Swaps each Ref that is in a wrong bucket with the next Ref in its own bucket that is not in place yet.
  template <typename Count>
  void distribute(Ref* begin, const Count* bounds, int level) const {
    Count next[256];
    std::copy_n(bounds, 256, next);
    for (int byte = 0; byte < 256; ++byte) {
      while (next[byte] < bounds[byte + 1]) {
        Ref carried = begin[next[byte]];
        for (u8 home = byte_of(carried, level); home != byte; home = byte_of(carried, level)) {
          std::swap(carried, begin[next[home]++]);
        }
        begin[next[byte]++] = carried;
      }
    }
  }

  const EntryOf& entry_of_;
  int first_level_ = 0;
};

}  // namespace kubemr
