//===- ByteShuffle.cpp - tbl ----------------------------------------------===//
//
// See ByteShuffle.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/ByteShuffle.h"

using namespace mlir;

namespace nibble {

Value emitAArch64Shuffle(KernelBuilder &k, Value table, Value codes) {
  return k.intrinsic("llvm.aarch64.neon.tbl1.v16i8", codes.getType(), {table, codes});
}

} // namespace nibble
