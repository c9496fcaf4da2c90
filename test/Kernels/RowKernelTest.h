//===- RowKernelTest.h - the set-up of tests of row kernels -----*- C++ -*-===//
//
// A test of kernels on rows runs on each machine of rowKernelTargets(), with random
// numbers of a seed that its failures name; what it compiles and calls, it collects in
// one session.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "test/Kernels/RowKernelSession.h"

#include <gtest/gtest.h>

namespace nibble::test {

/// To be instantiated with rowKernelMachines(); the parameter is a machine's number.
class RowKernelTest : public testing::TestWithParam<size_t> {
protected:
  explicit RowKernelTest(unsigned seed)
      : engine(seed), trace(__FILE__, __LINE__, target.triple + " " + target.cpu + ", seed " + std::to_string(seed)) {}

  /// The machine that the tests are run on. It takes all cases; others may take fewer, one of each kind of code.
  bool isNative() const { return GetParam() == 0; }

  TargetInfo target = rowKernelTargets()[GetParam()];
  std::mt19937 engine;
  testing::ScopedTrace trace;
  Session session;
};

inline auto rowKernelMachines() { return testing::Range<size_t>(0, rowKernelTargets().size()); }

} // namespace nibble::test
