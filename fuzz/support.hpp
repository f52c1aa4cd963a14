// The parts that all fuzz targets use: an input that is read as a series of choices, files in memory, and checks.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bytes.hpp"
#include "open_file.hpp"

namespace kubemr::fuzz {

// Aborts if a condition does not hold, so that libFuzzer keeps the input.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "This does not hold: %s\n", what);
  std::abort();
}

// The bytes of an input. The first bytes make choices; the rest is data.
class Input {
 public:
  Input(const u8* data, std::size_t size) : at_(data), left_(size) {}

  u8 byte() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }

  u64 number(int bytes) {
    u64 number = 0;
    for (int n = 0; n < bytes; ++n) number = number << 8 | byte();
    return number;
  }

  std::size_t left() const { return left_; }

  std::string take(std::size_t size) {
    size = std::min(size, left_);
    std::string taken(reinterpret_cast<const char*>(at_), size);
    at_ += size;
    left_ -= size;
    return taken;
  }

  std::string rest() { return take(left_); }

 private:
  const u8* at_;
  std::size_t left_;
};

// Returns a stream of repeated pieces, so that a short input reaches the long loops.
inline std::string repeated_pieces(Input& input) {
  std::string stream;
  for (u8 pieces = input.byte(); pieces > 0 && input.left() > 0; --pieces) {
    const u8 times = input.byte();
    const std::string piece = input.take(input.byte());
    for (u32 n = 0; n <= times; ++n) stream += piece;
  }
  return stream + input.rest();
}

// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content = "") : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
            "a memory file takes its content");
    lseek(fd_, 0, SEEK_SET);
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }

  int fd() const { return fd_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

  std::string content() const {
    std::string content(static_cast<std::size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    require(pread(fd_, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()),
            "a memory file gives its content");
    return content;
  }

 private:
  int fd_;
};

}  // namespace kubemr::fuzz
