//===- VNNI.cpp - vpdpbusd ------------------------------------------------===//
//
// See VNNI.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/VNNI.h"

#include "codegen/Targets/X86/ByteShuffle.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace nibble {

Value X86VNNI::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                        ValueRange activations) const {
  for (auto [weight, activation] : llvm::zip_equal(weights, activations))
    sum = k.intrinsic(intrinsic, sum.getType(), {sum, weight, activation});
  return sum;
}

Value X86VNNI512::timesSmall(KernelBuilder &k, Value integers, Value factor) const {
  SmallVector<int32_t> all = llvm::to_vector(llvm::seq<int32_t>(0, 16));
  return emitX86PermuteFloats(k, DotEmitter::timesSmall(k, k.vectorI32(all), factor), integers);
}

} // namespace nibble
