//===- HostVectorLength.cpp - the length of this machine's SVE vectors ----===//
#include "compiler/Target/HostVectorLength.h"

#if defined(__linux__) && defined(__aarch64__)
#include <sys/prctl.h>
#endif

namespace nibble {

int64_t hostVectorLength() {
#if defined(__linux__) && defined(__aarch64__)
  // Linux, Documentation/arch/arm64/sve.rst: the low 16 bits are the length in bytes. An error is a kernel or a CPU
  // without SVE.
  constexpr int getVectorLength = 51; // PR_SVE_GET_VL
  int answer = prctl(getVectorLength);
  return answer < 0 ? 0 : int64_t(answer & 0xffff) * 8;
#else
  return 0;
#endif
}

} // namespace nibble
