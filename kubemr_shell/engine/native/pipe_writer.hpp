// Writes to a pipe. The reader may be slow or gone, and the write may be cancelled.
#pragma once

#include <unistd.h>

#include "counter.hpp"
#include "pace.hpp"

namespace kubemr {

class PipeWriter {
 public:
  PipeWriter(int fd, const CancelSwitch& cancel, Counter* moved)
      : fd_(fd), cancel_(cancel), moved_(moved), pace_(fd), switched_(fd) {}

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
      pace_.moved(static_cast<std::size_t>(done));
      if (size > 0) pace_.rest(cancel_);  // the pipe is full
    }
  }

 private:
  int fd_;
  const CancelSwitch& cancel_;
  Counter* moved_;
  Pace pace_;
  WithoutBlocking switched_;
};

}  // namespace kubemr
