//===- Portable.cpp - dot products without an instruction -----------------===//
//
// See Portable.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/Generic/Portable.h"

using namespace mlir;

namespace nibble {

Value Portable::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                         ValueRange activations) const {
  int64_t lanes = KernelBuilder::lanes(sum);
  for (auto [weight, activation] : llvm::zip_equal(weights, activations))
    for (int64_t column = 0; column < 4; ++column) {
      SmallVector<int64_t> mask;
      for (int64_t lane = 0; lane < lanes; ++lane)
        mask.push_back(4 * lane + column);
      Value w = k.shuffle(weight, weight, mask), a = k.shuffle(activation, activation, mask);
      w = run.codes.isSigned ? k.sext(w, k.i32()) : k.zext(w, k.i32());
      sum = k.add(sum, k.mul(w, k.sext(a, k.i32())));
    }
  return sum;
}

} // namespace nibble
