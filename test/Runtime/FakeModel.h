//===- FakeModel.h - the weights of the model that needs no compiler ------===//
#pragma once

#include <cstdint>

namespace nibble::test {

/// The whole weight section of a fake program. See FakeModel.cpp.
struct FakeWeights {
  static constexpr int64_t Magic = 0x454B4146;
  int64_t magic = Magic;
  int64_t vocab = 0, context = 0, chunk = 0, eos = 0;
  int64_t broken = 0; // 1: logits are NaN

  uint64_t stateBytes() const { return static_cast<uint64_t>((context * 4 + 7) / 8 * 8 + chunk * 16); }
};

/// Room for the marks of 64 threads.
inline constexpr uint64_t FakeArenaBytes = 64 * 128;

} // namespace nibble::test
