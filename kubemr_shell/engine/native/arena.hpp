// Memory for lines. A line keeps its address until all lines are forgotten.
#pragma once

#include <algorithm>
#include <vector>

#include "pages.hpp"

namespace kubemr {

// An arena of lines. The four bytes before each line hold its length.
class Arena {
 public:
  explicit Arena(std::size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}

  const u8* add(const u8* line, u32 length) {
    const std::size_t need = sizeof(u32) + length;
    if (free_ < need) next_chunk(need);
    u8* const at = top_ + sizeof(u32);
    store32(top_, length);
    copy_line(at, line, length);
    top_ += need;
    free_ -= need;
    return at;
  }

  static u32 length_of(const u8* line) { return load32(line - sizeof(u32)); }

  std::size_t held() const { return held_; }

  // Forgets the lines and keeps the chunks for the next lines.
  void clear() {
    std::erase_if(chunks_, [this](const Pages& chunk) { return chunk.size() > largest_kept(); });
    held_ = 0;
    for (const Pages& chunk : chunks_) held_ += chunk.size();
    used_chunks_ = 0;
    free_ = 0;
  }

  void release() {
    chunks_.clear();
    held_ = used_chunks_ = free_ = 0;
  }

 private:
  std::size_t largest_kept() const { return chunk_bytes_ + 4096; }

  void next_chunk(std::size_t need) {
    need += kSlack;
    // A line longer than a chunk gets a chunk of its own, in front of the chunks that wait to be used again.
    if (used_chunks_ == chunks_.size() || chunks_[used_chunks_].size() < need) {
      Pages chunk(std::max(chunk_bytes_, need));
      held_ += chunk.size();
      chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(used_chunks_), std::move(chunk));
    }
    Pages& chunk = chunks_[used_chunks_++];
    top_ = chunk.data();
    free_ = chunk.size() - kSlack;
  }

  std::size_t chunk_bytes_;
  std::vector<Pages> chunks_;
  std::size_t used_chunks_ = 0;
  std::size_t held_ = 0;
  u8* top_ = nullptr;
  std::size_t free_ = 0;
};

}  // namespace kubemr
