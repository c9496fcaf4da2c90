//===- DotProduct.cpp - sdot and usdot by element -------------------------===//
//
// See DotProduct.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/DotProduct.h"

#include <string>

using namespace mlir;

namespace nibble {

KernelBuilder::Values AArch64DotProduct::loadActivations(KernelBuilder &k, const DotRun &run, Value codes,
                                                         int64_t quads) const {
  // LLVM folds the splat of a lane into the instruction.
  KernelBuilder::Values splats;
  Value loaded;
  for (int64_t quad = 0; quad < quads; ++quad) {
    if (quad % 4 == 0)
      loaded = k.load(k.vec(k.i32(), std::min<int64_t>(4, quads - quad)), k.offset(codes, 4 * quad), 1);
    SmallVector<int64_t> mask(run.lanes, quad % 4);
    splats.push_back(k.bitcast(k.shuffle(loaded, loaded, mask), k.vec(k.i8(), 4 * run.lanes)));
  }
  return splats;
}

Value AArch64DotProduct::multiply(KernelBuilder &k, const DotRun &run, Value sum, ValueRange weights,
                                  ValueRange activations) const {
  for (auto [weight, activation] : llvm::zip_equal(weights, activations))
    sum = k.intrinsic(intrinsic(), sum.getType(), {sum, weight, activation});
  return sum;
}

/// Those of addresses: a tile has a pointer of each row in its loop, where what waits for loops around it took a place.
void AArch64SVEDotProduct::freeRegisters(KernelBuilder &k) const {
  constexpr int kFirst = 19, kLast = 28; // which a call keeps
  std::string clobbered;
  for (int i = kFirst; i <= kLast; ++i)
    clobbered += (i > kFirst ? ",~{x" : "~{x") + std::to_string(i) + "}";
  emptyAssembly(k, /*result=*/{}, /*operands=*/{}, clobbered);
}

} // namespace nibble
