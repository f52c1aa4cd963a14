// A Ref: 24 bytes that stand for a line when lines are sorted. Most comparisons need only the Refs, not the lines.
#pragma once

#include <algorithm>

#include "entry.hpp"

namespace kubemr {

struct Ref {
  u64 prefix;
  u64 where;  // an address in an arena, or the number of a slot in a table
  u32 partition;
  u32 key_length;
};

// Compares by partition, key and rest. `entry_of` returns the line of a Ref.
template <typename EntryOf>
bool goes_before(const Ref& a, const Ref& b, const EntryOf& entry_of) {
  if (a.partition != b.partition) return a.partition < b.partition;
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  return compare_behind_prefix(entry_of(a), entry_of(b)) < 0;
}

// The range of one partition in sorted Refs.
struct RefRange {
  const Ref* begin;
  const Ref* end;
};

inline RefRange range_of(const Ref* begin, const Ref* end, u32 partition) {
  const auto before = [](const Ref& ref, u32 wanted) { return ref.partition < wanted; };
  const auto behind = [](u32 wanted, const Ref& ref) { return wanted < ref.partition; };
  const Ref* const first = std::lower_bound(begin, end, partition, before);
  return {first, std::upper_bound(first, end, partition, behind)};
}

}  // namespace kubemr
