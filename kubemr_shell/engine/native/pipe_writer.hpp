// Writes to a pipe whose reader may be slow, gone, or no longer wanted.
#pragma once

#include <unistd.h>

#include "cancel.hpp"
#include "counter.hpp"

namespace kubemr {

class PipeWriter {
 public:
  PipeWriter(int fd, const CancelSwitch& cancel, Counter* moved)
      : fd_(fd), pipe_bytes_(fcntl(fd, F_GETPIPE_SZ)), cancel_(cancel), moved_(moved), switched_(fd) {}

  void write(const u8* data, std::size_t size) {
    while (size > 0) {
      wait_for(fd_, POLLOUT, cancel_);
      const ssize_t done = ::write(fd_, data, size);
      if (done < 0) {
        if (errno == EINTR || errno == EAGAIN) continue;
        if (errno == EPIPE) throw ReaderGone{};
        fail();
      }
      if (moved_ != nullptr) moved_->add(static_cast<u64>(done));
      data += done;
      size -= static_cast<std::size_t>(done);
      // The pipe is full. If it is a large one, its reader has enough to do while this end sleeps.
      if (size > 0 && pipe_bytes_ >= kLargePipe) rest(fd_, cancel_);
    }
  }

 private:
  static constexpr int kLargePipe = 512 << 10;

  int fd_;
  int pipe_bytes_;  // -1 for what is no pipe
  const CancelSwitch& cancel_;
  Counter* moved_;
  WithoutBlocking switched_;
};

}  // namespace kubemr
