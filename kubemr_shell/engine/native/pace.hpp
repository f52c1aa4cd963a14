// How long to leave a pipe to its other end, so that it moves by large pieces.
//
// A command that reads or writes 4 KiB at a time would wake this end for each of them, and the two would change places
// on a processor every few microseconds. So this end sleeps once it has emptied (or filled) the pipe: as long as the
// other end takes for a quarter to a half of it, which never lets it wait.
#pragma once

#include <algorithm>

#include "cancel.hpp"

namespace kubemr {

class Pace {
 public:
  explicit Pace(int fd) : fd_(fd), pipe_bytes_(fcntl(fd, F_GETPIPE_SZ)) {}

  void moved(std::size_t bytes) { since_rest_ += bytes; }

  // Ends early when the other end is closed, or somebody cancels. What is no pipe is never waited for.
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
  int pipe_bytes_;  // -1 for what is no pipe
  std::size_t since_rest_ = 0;
  long nanoseconds_ = 200'000;
};

}  // namespace kubemr
