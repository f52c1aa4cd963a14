// What this processor can do, asked once at run time: the module is built for the oldest x86-64 and runs everywhere.
#pragma once

// KUBEMR_PORTABLE leaves this processor's own instructions out, to test what other architectures run.
#if defined(__x86_64__) && !defined(KUBEMR_PORTABLE)
#define KUBEMR_X86 1
#include <immintrin.h>
#endif

namespace kubemr {

#ifdef KUBEMR_X86
inline bool has_avx2() {
  static const bool answer = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                             __builtin_cpu_supports("popcnt");
  return answer;
}

inline bool has_pclmul() {
  static const bool answer = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
  return answer;
}
#endif

}  // namespace kubemr
