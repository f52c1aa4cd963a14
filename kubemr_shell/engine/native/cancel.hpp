// Waits for a descriptor that can be cancelled.
#pragma once

#include <fcntl.h>
#include <poll.h>

#include "errors.hpp"

namespace kubemr {

// A descriptor that becomes readable when the work is cancelled. -1 means that the work cannot be cancelled.
class CancelSwitch {
 public:
  explicit CancelSwitch(int fd) : fd_(fd) {}

  int fd() const { return fd_; }

  void check() const {
    if (fd_ < 0) return;
    pollfd asked = {fd_, POLLIN, 0};
    if (poll(&asked, 1, 0) > 0) throw Cancelled{};
  }

 private:
  int fd_;
};

// Waits until `fd` is ready for `events` or hung up.
inline void wait_for(int fd, short events, const CancelSwitch& cancel) {
  pollfd asked[2] = {{fd, events, 0}, {cancel.fd(), POLLIN, 0}};
  while (poll(asked, 2, -1) < 0) {
    if (errno != EINTR) fail();
  }
  if (asked[1].revents != 0) throw Cancelled{};
  if ((asked[0].revents & POLLNVAL) != 0) throw OsError{EBADF, ""};
}

// Makes a descriptor non-blocking for a while: a write after poll still blocks if the pipe has too little room.
class WithoutBlocking {
 public:
  explicit WithoutBlocking(int fd) : fd_(fd), before_(fcntl(fd, F_GETFL)) {
    if (before_ < 0 || fcntl(fd_, F_SETFL, before_ | O_NONBLOCK) < 0) fail();
  }
  WithoutBlocking(const WithoutBlocking&) = delete;
  WithoutBlocking& operator=(const WithoutBlocking&) = delete;
  ~WithoutBlocking() { fcntl(fd_, F_SETFL, before_); }

 private:
  int fd_;
  int before_;
};

}  // namespace kubemr
