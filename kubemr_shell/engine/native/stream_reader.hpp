// Reads the output of a command into a buffer. In the buffer, each line is contiguous.
#pragma once

#include <unistd.h>

#include "counter.hpp"
#include "pace.hpp"
#include "pages.hpp"

namespace kubemr {

class StreamReader {
 public:
  StreamReader(int fd, const CancelSwitch& cancel, std::size_t read_bytes)
      : fd_(fd), cancel_(cancel), pace_(fd), read_bytes_(read_bytes), buffer_(read_bytes + kSlack) {}

  // Returns the bytes of the buffer.
  std::size_t held() const { return buffer_.size(); }

  // Reads more bytes behind the unread ones. Returns false at the end of the stream.
  bool read(Counter& moved) {
    make_room();
    while (true) {
      if (emptied_) pace_.rest(cancel_);
      wait_for(fd_, POLLIN, cancel_);
      const std::size_t room = buffer_.size() - kSlack - end_;
      allow_all(buffer_.data(), buffer_.size());
      const ssize_t got = ::read(fd_, buffer_.data() + end_, room);
      if (got < 0) {
        if (errno == EINTR || errno == EAGAIN) continue;
        fail();
      }
      scanned_ = end_;
      end_ += static_cast<std::size_t>(got);
      allow_lines(buffer_.data(), end_, buffer_.size());
      emptied_ = static_cast<std::size_t>(got) < room;
      pace_.moved(static_cast<std::size_t>(got));
      moved.add(static_cast<u64>(got));
      return got > 0;
    }
  }

  // The beginning of the first line that is not taken, the first byte that is not scanned, and the end.
  const u8* line() const { return buffer_.data() + begin_; }
  const u8* fresh() const { return buffer_.data() + scanned_; }
  const u8* end() const { return buffer_.data() + end_; }

  // Marks all bytes before `line` as used.
  void take_to(const u8* line) { begin_ = static_cast<std::size_t>(line - buffer_.data()); }

 private:
  // Moves the unfinished line to the front, and makes the buffer longer if the line needs more room.
  void make_room() {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    const std::size_t wanted = end_ + read_bytes_ + kSlack;
    if (buffer_.size() < wanted || buffer_.size() > 4 * wanted) buffer_.resize(wanted);
  }

  int fd_;
  const CancelSwitch& cancel_;
  Pace pace_;
  std::size_t read_bytes_;
  Pages buffer_;
  std::size_t begin_ = 0;
  std::size_t scanned_ = 0;
  std::size_t end_ = 0;
  bool emptied_ = false;
};

}  // namespace kubemr
