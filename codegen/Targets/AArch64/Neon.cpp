//===- Neon.cpp - what the NEON rows share --------------------------------===//
//
// See Neon.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/Neon.h"

using namespace mlir;

namespace nibble {

Value AArch64Neon::joinNibble(KernelBuilder &k, Value above, Value packed, bool upper) const {
  constexpr int64_t kBytes = 16;
  Value result;
  for (int64_t first = 0; first < KernelBuilder::lanes(packed); first += kBytes) {
    Value bits = k.slice(above, first, kBytes), raw = k.slice(packed, first, kBytes);
    // The upper nibble moves down under the bits; the bits move up over the lower nibble.
    Value joined = upper ? k.intrinsic("llvm.aarch64.neon.vsri", raw.getType(), {bits, raw, k.i32(4)})
                         : k.intrinsic("llvm.aarch64.neon.vsli", raw.getType(), {raw, bits, k.i32(4)});
    result = result ? k.concat(result, joined) : joined;
  }
  return result;
}

} // namespace nibble
