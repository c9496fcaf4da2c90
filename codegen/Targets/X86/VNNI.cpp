//===- VNNI.cpp - vpdpbusd ------------------------------------------------===//
//
// See VNNI.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/VNNI.h"

using namespace mlir;

namespace nibble {

Value X86VNNI::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                        ValueRange activations) const {
  for (auto [weight, activation] : llvm::zip_equal(weights, activations))
    sum = k.intrinsic(intrinsic, sum.getType(), {sum, weight, activation});
  return sum;
}

} // namespace nibble
