//===- Portable.cpp - dot products without an instruction -----------------===//
//
// See Portable.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/Generic/Portable.h"

using namespace mlir;

namespace nibble {

void Portable::multiply(KernelBuilder &k, DotSum &sum, Value weights, Value activations, WeightCodes codes) const {
  int64_t lanes = KernelBuilder::lanes(weights) / 4;
  if (!sum.wide)
    sum.wide = k.zero(k.vec(k.i32(), lanes));
  for (int64_t column = 0; column < 4; ++column) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back(4 * lane + column);
    Value w = k.shuffle(weights, weights, mask), a = k.shuffle(activations, activations, mask);
    w = codes.isSigned ? k.sext(w, k.i32()) : k.zext(w, k.i32());
    sum.wide = k.add(sum.wide, k.mul(w, k.sext(a, k.i32())));
  }
}

} // namespace nibble
