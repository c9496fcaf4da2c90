//===- Product.h - one product in buffer form, as text ---------------------===//
//
// `func.func @product` of (weight, activations…, y, n, tid, nthreads): what measurements
// and the tests of assembly compile.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "test/Kernels/Weights.h"

namespace nibble::test {

/// "memref<2x32xi8>"
std::string memref(std::initializer_list<int64_t> shape, const char *element);

std::string productText(const InstructionRow &row, const Weight &w, int64_t m, unsigned bias, int64_t sumGroup);

} // namespace nibble::test
