// Pauses between the uses of a pipe, so that bytes move in large pieces.
//
// A command that reads or writes 4 KiB at a time would wake this end for each piece, and the two processes would
// alternate on a processor every few microseconds. So this end sleeps when it has emptied (or filled) the pipe. It
// sleeps as long as the other end needs for a quarter to a half of the pipe, so the other end never has to wait.
#pragma once

#include <algorithm>

#include "cancel.hpp"

namespace kubemr {

class Pace {
 public:
  explicit Pace(int fd) : fd_(fd), pipe_bytes_(fcntl(fd, F_GETPIPE_SZ)) {}

  void moved(std::size_t bytes) { since_rest_ += bytes; }

  // Sleeps. Returns early if the other end is closed or the work is cancelled, and at once if the file is no pipe.
  void rest(const CancelSwitch& cancel) {
    if (pipe_bytes_ <= 0) return;
    const auto pipe = static_cast<std::size_t>(pipe_bytes_);
    if (since_rest_ < pipe / 4) {
      nanoseconds_ = std::min(2 * nanoseconds_, kLongest);
    } else if (since_rest_ > pipe / 2) {
      nanoseconds_ = std::max(nanoseconds_ / 2, kShortest);
    }
    since_rest_ = 0;
    const timespec moment = {0, nanoseconds_};
    pollfd asked[2] = {{fd_, 0, 0}, {cancel.fd(), POLLIN, 0}};
    ppoll(asked, 2, &moment, nullptr);
  }

 private:
  static constexpr long kShortest = 25'000;
  static constexpr long kLongest = 3'000'000;

  int fd_;
  int pipe_bytes_;  // -1 if the file is no pipe
  std::size_t since_rest_ = 0;
  long nanoseconds_ = 200'000;
};

}  // namespace kubemr
