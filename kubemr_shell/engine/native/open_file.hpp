// An open file that its destructor closes.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "errors.hpp"

namespace kubemr {

class OpenFile {
 public:
  // Throws ObjectNotFound if the path leads to no regular file. O_NONBLOCK: if a pipe has replaced the file, the engine
  // does not wait for a writer of the pipe. ENXIO is the error for a socket.
  static OpenFile to_read(const std::string& path) {
    OpenFile file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.fd() < 0 && errno != ENOENT && errno != ENOTDIR && errno != ENXIO) fail(path.c_str());
    struct stat status{};
    if (file.fd() < 0 || fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) throw ObjectNotFound{path};
    return file;
  }

  // Makes a file without a name, so that a killed process leaves no file behind.
  static OpenFile unnamed(const std::string& folder) {
    const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) return OpenFile(fd);
    // Some file systems do not support O_TMPFILE, and a kernel without it tries to open the folder.
    if (errno != EOPNOTSUPP && errno != EISDIR) fail_writing(folder);
    std::string path = folder + "/.kubemr-XXXXXX";
    const int named = mkostemp(path.data(), O_CLOEXEC);
    if (named < 0) fail_writing(folder);
    unlink(path.c_str());
    return OpenFile(named);
  }

  OpenFile() = default;
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile() {
    if (fd_ >= 0) close(fd_);
  }

  int fd() const { return fd_; }

 private:
  explicit OpenFile(int fd) : fd_(fd) {}

  int fd_ = -1;
};

}  // namespace kubemr
