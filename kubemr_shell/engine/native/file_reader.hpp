// Reads a file at given offsets. A file with a name is opened for each read. Hundreds of runs that are merged at a
// time, in each slot of a worker, would exceed the usual limit of 1024 descriptors. To open a file costs a hundredth of
// the time to read a block.
#pragma once

#include <unistd.h>

#include <limits>
#include <string>

#include "errors.hpp"
#include "open_file.hpp"

namespace kubemr {

class FileReader {
 public:
  // `name` is a path if there is no descriptor. Otherwise the name is only for messages.
  FileReader(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  explicit FileReader(std::string path) : fd_(-1), name_(std::move(path)) {}

  const std::string& name() const { return name_; }

  // Reads up to `most` bytes at `offset`, and at least `least` bytes unless the file ends before.
  std::size_t read(u8* to, std::size_t least, std::size_t most, u64 offset) const {
    // No file has a byte there, and pread refuses such an offset. It comes from a damaged manifest.
    if (offset > static_cast<u64>(std::numeric_limits<off_t>::max())) return 0;
    if (fd_ >= 0) return read_from(fd_, to, least, most, offset);
    const OpenFile file = OpenFile::to_read(name_);
    return read_from(file.fd(), to, least, most, offset);
  }

 private:
  std::size_t read_from(int fd, u8* to, std::size_t least, std::size_t most, u64 offset) const {
    std::size_t got = 0;
    while (got < least) {
      const ssize_t more = pread(fd, to + got, most - got, static_cast<off_t>(offset + got));
      if (more == 0) break;
      if (more < 0) {
        if (errno == EINTR) continue;
        fail(name_.c_str());
      }
      got += static_cast<std::size_t>(more);
    }
    return got;
  }

  int fd_;
  std::string name_;
};

}  // namespace kubemr
