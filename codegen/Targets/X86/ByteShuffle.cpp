//===- ByteShuffle.cpp - vpshufb, vpermb and vpermps ----------------------===//
//
// See ByteShuffle.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/ByteShuffle.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nibble {

int64_t x86ShuffleBytes(const InstructionRow &row) {
  for (StringRef feature : featuresOf(row))
    if (feature == "avx512bw")
      return 64;
  for (StringRef feature : featuresOf(row)) // the latter two imply AVX2
    if (feature == "avx2" || feature == "avxvnni" || feature == "avx512f")
      return 32;
  return 16;
}

bool x86PermutesBytes(const InstructionRow &row) { return llvm::is_contained(featuresOf(row), "avx512vbmi"); }

Value emitX86Permute(KernelBuilder &k, Value table, Value upper, Value codes) {
  if (!upper)
    return k.intrinsic("llvm.x86.avx512.permvar.qi.512", codes.getType(), {table, codes});
  return k.intrinsic("llvm.x86.avx512.vpermi2var.qi.512", codes.getType(), {table, codes, upper});
}

bool x86PermutesFloats(const InstructionRow &row) { return llvm::is_contained(featuresOf(row), "avx512f"); }

Value emitX86PermuteFloats(KernelBuilder &k, Value table, Value codes) {
  return k.intrinsic("llvm.x86.avx512.permvar.sf.512", table.getType(), {table, codes});
}

Value emitX86Shuffle(KernelBuilder &k, Value table, Value codes) {
  int64_t bytes = KernelBuilder::lanes(codes);
  StringRef name = bytes == 64   ? "llvm.x86.avx512.pshuf.b.512"
                   : bytes == 32 ? "llvm.x86.avx2.pshuf.b"
                                 : "llvm.x86.ssse3.pshuf.b.128";
  return k.intrinsic(name, codes.getType(), {table, codes});
}

} // namespace nibble
