// The errors of the engine as C++ exceptions. python_errors.cpp raises the Python class of each.
#pragma once

#include <cerrno>
#include <string>
#include <utility>

#include "bytes.hpp"

namespace kubemr {

struct OsError {
  int code;
  std::string path;  // empty if the error has no path
};

struct OutOfSpace {
  int code;
  std::string where;
};

struct ObjectNotFound {
  std::string path;
};

struct CorruptRun {
  std::string path;
  u64 offset;
  std::string reason;
};

struct RecordTooLarge {
  u64 record;
  u64 size;
  u64 limit;
  std::string start;
};

// Not errors: the reasons why a long call ends early.
struct Cancelled {};
struct ReaderGone {};

[[noreturn]] inline void fail(const char* where = "") {
  const int code = errno;
  throw OsError{code, where};
}

[[noreturn]] inline void fail_writing(const std::string& where) {
  const int code = errno;
  if (code == ENOSPC || code == EDQUOT) throw OutOfSpace{code, where};
  throw OsError{code, where};
}

}  // namespace kubemr
