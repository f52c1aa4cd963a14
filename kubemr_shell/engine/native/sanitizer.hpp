// Tells the sanitizers of the compiler what the engine does with memory. In any other build these functions add
// nothing.
//
// Readers of lines may read kSlack bytes behind the last line. AddressSanitizer lets these reads pass, and reports each
// read behind the slack, and each access behind the end of Pages.
#pragma once

#include <sys/mman.h>

#include <algorithm>

#include "bytes.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KUBEMR_ASAN 1
#elif __has_feature(thread_sanitizer)
#define KUBEMR_TSAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KUBEMR_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define KUBEMR_TSAN 1
#endif

#ifdef KUBEMR_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace kubemr {

#ifdef KUBEMR_ASAN
inline constexpr std::size_t kGuardBytes = 4096;  // forbidden bytes behind the end of Pages

inline void allow_all(const u8* data, std::size_t size) { __asan_unpoison_memory_region(data, size); }
inline void forbid_all(const u8* data, std::size_t size) { __asan_poison_memory_region(data, size); }
#else
inline constexpr std::size_t kGuardBytes = 0;

inline void allow_all(const u8* /*data*/, std::size_t /*size*/) {}
inline void forbid_all(const u8* /*data*/, std::size_t /*size*/) {}
#endif

// Allows only the first `used` bytes of a buffer of lines, and the slack behind them.
inline void allow_lines(const u8* data, std::size_t used, std::size_t size) {
  const std::size_t allowed = std::min(used + kSlack, size);
  allow_all(data, allowed);
  forbid_all(data + allowed, size - allowed);
}

inline void* map_pages(std::size_t size) {
  return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

// Changes the size of mapped pages, and returns their new place or MAP_FAILED. The sanitizers do not see mremap.
inline void* remap_pages(void* data, std::size_t old_size, std::size_t size) {
#if defined(KUBEMR_ASAN) || defined(KUBEMR_TSAN)
  void* const at = map_pages(size);
  if (at == MAP_FAILED) return at;
  std::memcpy(at, data, std::min(old_size, size));
  munmap(data, old_size);
  return at;
#else
  return mremap(data, old_size, size, MREMAP_MAYMOVE);
#endif
}

}  // namespace kubemr
