//===- Product.h - one product in buffer form, as text ---------------------===//
//
// `func.func @product` of (weight, activations…, y, n, tid, nthreads): what measurements
// and the tests of assembly compile.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "test/Kernels/Weights.h"

namespace nibble::test {

std::string productText(const InstructionRow &row, const Weight &w, int64_t m, unsigned bias, int64_t sumGroup);

} // namespace nibble::test
