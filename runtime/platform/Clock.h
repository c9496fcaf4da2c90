//===- Clock.h - monotonic time ----------------------------------*- C++ -*-===//
//
// What:  seconds since some fixed moment, for measuring durations.
// Why:   wall-clock time may be set back while a benchmark runs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <ctime>

namespace nibble::rt {

/// Seconds since some fixed moment; never goes backwards.
inline double monotonicSeconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace nibble::rt
