//===- HostVectorLength.h - the length of this machine's SVE vectors ------===//
//
// No name and no feature of a CPU says how long its vectors are, and a machine may
// give a process shorter ones than it has; the kernel knows.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>

namespace nibble {

/// Bits of an SVE vector of this process; 0 where there are none.
int64_t hostVectorLength();

} // namespace nibble
