// A stream of the entries of one partition that are in memory.
#pragma once

#include "entry.hpp"
#include "ref.hpp"

namespace kubemr {

template <typename Lines>
class RefStream final : public EntryStream {
 public:
  static constexpr bool kDistinct = Lines::kDistinct;

  RefStream(const Lines& lines, u32 partition) : lines_(lines), at_(range_of(lines.begin(), lines.end(), partition)) {}

  bool empty() const { return at_.begin == at_.end; }

  bool advance(Pages& /*left_over*/) override {
    constexpr std::ptrdiff_t kAhead = 32;
    while (at_.begin != at_.end) {
      if (at_.end - at_.begin > kAhead) {
        lines_.prefetch(at_.begin[kAhead]);
        lines_.prefetch_line(at_.begin[kAhead / 2]);
      }
      now = lines_.entry(*at_.begin++);
      if (now.count > 0) return true;
    }
    return false;
  }

 private:
  const Lines& lines_;
  RefRange at_;
};

}  // namespace kubemr
