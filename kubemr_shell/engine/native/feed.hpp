// Writes entries to a command as lines, each as often as its count says, and counts the keys.
#pragma once

#include <string>

#include "entry.hpp"
#include "pages.hpp"
#include "pipe_writer.hpp"

namespace kubemr {

struct Fed {
  u64 records = 0;
  u64 raw_bytes = 0;
  u64 keys = 0;
  std::string heaviest_key;
  u64 heaviest_records = 0;
  const char* end = "complete";
};

// The sink of a merge whose reader is a command.
class LineFeed {
 public:
  static constexpr bool kAsksForKeys = true;
  static constexpr std::size_t kBufferBytes = 256 << 10;

  LineFeed(PipeWriter& pipe, Fed& fed) : pipe_(pipe), fed_(fed), buffer_(kBufferBytes + kSlack) {}

  void add(const Entry& entry, bool begins_key) {
    note(entry, begins_key);
    const std::size_t length = std::size_t{entry.length} + 1;
    if (length > kBufferBytes) return add_long(entry);
    u64 left = entry.count;
    while (true) {
      const u64 room = (kBufferBytes - filled_) / length;
      if (left <= room) return append(entry, left);
      append(entry, room);
      left -= room;
      flush();
    }
  }

  void flush() {
    pipe_.write(buffer_.data(), filled_);
    filled_ = 0;
  }

 private:
  void note(const Entry& entry, bool begins_key) {
    fed_.records += entry.count;
    fed_.raw_bytes += entry.count * (u64{entry.length} + 1);
    if (begins_key) {
      ++fed_.keys;
      key_records_ = 0;
      is_heaviest_ = false;
    }
    key_records_ += entry.count;
    if (key_records_ <= fed_.heaviest_records) return;
    fed_.heaviest_records = key_records_;
    if (!is_heaviest_) {
      constexpr u32 kShown = 256;
      fed_.heaviest_key.assign(reinterpret_cast<const char*>(entry.line), std::min(entry.key_length, kShown));
      is_heaviest_ = true;
    }
  }

  // Copies the line, then doubles the copied part until the count is reached.
  void append(const Entry& entry, u64 times) {
    if (times == 0) return;
    u8* const first = buffer_.data() + filled_;
    copy_line(first, entry.line, entry.length);
    first[entry.length] = '\n';
    std::size_t done = std::size_t{entry.length} + 1;
    const std::size_t all = done * times;
    while (done < all) {
      const std::size_t more = std::min(done, all - done);
      copy_line(first + done, first, more);
      done += more;
    }
    filled_ += all;
  }

  void add_long(const Entry& entry) {
    flush();
    for (u64 n = 0; n < entry.count; ++n) {
      pipe_.write(entry.line, entry.length);
      pipe_.write(reinterpret_cast<const u8*>("\n"), 1);
    }
  }

  PipeWriter& pipe_;
  Fed& fed_;
  Pages buffer_;
  std::size_t filled_ = 0;
  u64 key_records_ = 0;
  bool is_heaviest_ = false;
};

// Runs `produce(line_feed)`. Returns the facts about the lines, and how the feed ended.
template <typename Produce>
Fed feed(int fd, const CancelSwitch& cancel, Counter* moved, const Produce& produce) {
  Fed fed;
  PipeWriter pipe(fd, cancel, moved);
  LineFeed lines(pipe, fed);
  try {
    cancel.check();
    produce(lines);
    lines.flush();
  } catch (const Cancelled&) {
    fed.end = "cancelled";
  } catch (const ReaderGone&) {
    fed.end = "closed";
  }
  return fed;
}

}  // namespace kubemr
