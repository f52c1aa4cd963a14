// Memory directly from the kernel. The memory is zeroed, grows without a copy, and is returned at once on release.
//
// malloc would keep freed arrays of this size, and a growing array would exist twice for a moment. Both would break the
// promised memory bound, which is exact to the byte.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "bytes.hpp"
#include "sanitizer.hpp"

namespace kubemr {

class Pages {
 public:
  Pages() = default;
  explicit Pages(std::size_t bytes) { resize(bytes); }
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Pages() { release(); }

  u8* data() const { return data_; }
  std::size_t size() const { return size_; }

  void swap(Pages& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  // Keeps the content as far as it fits. Added bytes are zero.
  void resize(std::size_t bytes) {
    bytes = (bytes + kPage - 1) & ~(kPage - 1);
    if (bytes == size_) return;
    if (bytes == 0) return release();
    allow_all(data_, size_ + kGuardBytes);
    void* const at = data_ == nullptr ? map_pages(bytes + kGuardBytes)
                                      : remap_pages(data_, size_ + kGuardBytes, bytes + kGuardBytes);
    if (at == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<u8*>(at);
    size_ = bytes;
    forbid_all(data_ + size_, kGuardBytes);
  }

  // A table of tens of megabytes is read at random. With pages of 4 KiB, TLB misses would take most of the time.
  void advise_huge() {
    if (size_ >= kHugePage) madvise(data_, size_, MADV_HUGEPAGE);
  }

  void release() noexcept {
    if (data_ == nullptr) return;
    allow_all(data_, size_ + kGuardBytes);
    munmap(data_, size_ + kGuardBytes);
    data_ = nullptr;
    size_ = 0;
  }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kHugePage = 2 << 20;

  u8* data_ = nullptr;
  std::size_t size_ = 0;
};

// A growing array of plain values.
template <typename T>
class Array {
 public:
  T* begin() const { return reinterpret_cast<T*>(pages_.data()); }
  T* end() const { return begin() + size_; }
  T& operator[](std::size_t at) const { return begin()[at]; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void push_back(const T& value) {
    if (size_ == capacity_) reserve(std::max<std::size_t>(2 * capacity_, 64));
    begin()[size_++] = value;
  }

  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    pages_.resize(capacity * sizeof(T));
    capacity_ = pages_.size() / sizeof(T);
  }

  void resize(std::size_t size) {
    reserve(size);
    size_ = size;
  }

  // Returns the bytes that were ever touched. Bytes that are only reserved take no memory.
  std::size_t held() {
    touched_ = std::max(touched_, size_);
    return touched_ * sizeof(T);
  }

  void clear() {
    touched_ = std::max(touched_, size_);
    size_ = 0;
  }

  void release() {
    pages_.release();
    size_ = capacity_ = touched_ = 0;
  }

 private:
  Pages pages_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t touched_ = 0;
};

}  // namespace kubemr
