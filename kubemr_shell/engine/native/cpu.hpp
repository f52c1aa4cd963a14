// Tests once at run time which instructions this processor has. The module is built for the oldest x86-64.
#pragma once

// KUBEMR_PORTABLE leaves out the instructions of x86-64, to test the code for other architectures.
#if defined(__x86_64__) && !defined(KUBEMR_PORTABLE)
#define KUBEMR_X86 1
#include <immintrin.h>
#endif

namespace kubemr {

#ifdef KUBEMR_X86
inline bool has_avx2() {
  static const bool answer =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
  return answer;
}

inline bool has_pclmul() {
  static const bool answer = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return answer;
}
#endif

}  // namespace kubemr
