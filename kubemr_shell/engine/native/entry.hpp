// A line with its count, and the order of all lines: by key, then by the rest.
#pragma once

#include <algorithm>

#include "bytes.hpp"

namespace kubemr {

// Returns the first eight bytes of the key as a number that has the same order. A shorter key is filled with zeros.
inline u64 key_prefix(const u8* key, std::size_t length) {
  const u64 word = __builtin_bswap64(load64(key));  // kSlack makes it safe to read eight bytes of any line
  return length >= 8 ? word : length == 0 ? 0 : word & (~u64{0} << (64 - 8 * length));
}

struct Entry {
  u64 prefix;
  const u8* line;
  u32 length;
  u32 key_length;
  u64 count;
};

inline int compare_bytes(const u8* a, std::size_t a_length, const u8* b, std::size_t b_length) {
  const int order = std::memcmp(a, b, std::min(a_length, b_length));
  if (order != 0) return order;
  return a_length < b_length ? -1 : a_length > b_length ? 1 : 0;
}

// Compares two lines that have equal prefixes.
inline int compare_behind_prefix(const Entry& a, const Entry& b) {
  if (a.key_length == b.key_length) return compare_bytes(a.line, a.length, b.line, b.length);
  return compare_bytes(a.line, a.key_length, b.line, b.key_length);
}

inline bool same_key(const Entry& a, const Entry& b) {
  return a.prefix == b.prefix && a.key_length == b.key_length && std::memcmp(a.line, b.line, a.key_length) == 0;
}

inline bool same_line(const Entry& a, const Entry& b) {
  return a.prefix == b.prefix && a.length == b.length && a.key_length == b.key_length &&
         std::memcmp(a.line, b.line, a.length) == 0;
}

// A sorted sequence of entries. `now` is valid while advance() returns true.
//
// The bytes of an entry stay valid during the next advance() of its stream. For this, a stream that reads blocks moves
// the block that it leaves to `left_over`. All streams of a merge share one `left_over`.
class Pages;
class EntryStream {
 public:
  static constexpr bool kDistinct = false;  // true if no two neighbours can be equal

  EntryStream() = default;
  EntryStream(const EntryStream&) = delete;
  EntryStream& operator=(const EntryStream&) = delete;
  virtual ~EntryStream() = default;

  virtual bool advance(Pages& left_over) = 0;

  Entry now{};
};

}  // namespace kubemr
