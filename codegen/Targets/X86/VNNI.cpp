//===- VNNI.cpp - vpdpbusd ------------------------------------------------===//
//
// See VNNI.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/VNNI.h"

using namespace mlir;

namespace nibble {

void X86VNNI::multiply(KernelBuilder &k, DotSum &sum, Value weights, Value activations, WeightCodes codes) const {
  Type type = k.vec(k.i32(), KernelBuilder::lanes(weights) / 4);
  if (!sum.wide)
    sum.wide = k.zero(type);
  sum.wide = k.intrinsic(intrinsic, type, {sum.wide, weights, activations});
}

} // namespace nibble
