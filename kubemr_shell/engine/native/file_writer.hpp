// Writes to a file from its current position, and checks every write.
#pragma once

#include <unistd.h>

#include <string>

#include "errors.hpp"

namespace kubemr {

class FileWriter {
 public:
  FileWriter(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  void write(const u8* data, std::size_t size) {
    while (size > 0) {
      const ssize_t done = ::write(fd_, data, size);
      if (done < 0) {
        if (errno == EINTR) continue;
        fail_writing(name_);
      }
      data += done;
      size -= static_cast<std::size_t>(done);
      position_ += static_cast<u64>(done);
    }
  }

  // Returns the bytes that this writer has written.
  u64 position() const { return position_; }
  int fd() const { return fd_; }
  const std::string& name() const { return name_; }

 private:
  int fd_;
  std::string name_;
  u64 position_ = 0;
};

}  // namespace kubemr
