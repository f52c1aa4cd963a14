// Finds the end of the key of a line.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "bytes.hpp"

namespace kubemr {

// The key reaches up to the Nth separator. If a line has fewer separators, the key is the whole line.
class KeyCutter {
 public:
  KeyCutter(std::string separator, long long fields) : separator_(std::move(separator)), fields_(fields) {
    if (separator_.empty()) throw std::invalid_argument("the separator must have at least one byte");
    if (fields < 1) throw std::invalid_argument("key_fields must be at least 1, not " + std::to_string(fields));
  }

  u32 key_length(const u8* line, u32 length) const {
    const u8* at = line;
    const u8* const end = line + length;
    for (long long field = 1;; ++field) {
      const void* found = separator_.size() == 1
                              ? std::memchr(at, static_cast<u8>(separator_[0]), static_cast<std::size_t>(end - at))
                              : memmem(at, static_cast<std::size_t>(end - at), separator_.data(), separator_.size());
      if (found == nullptr) return length;
      at = static_cast<const u8*>(found);
      if (field == fields_) return static_cast<u32>(at - line);
      at += separator_.size();
    }
  }

 private:
  std::string separator_;
  long long fields_;
};

}  // namespace kubemr
