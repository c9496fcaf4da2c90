//===- X86Dot.h - what rows of x86 unpack alike ----------------*- C++ -*-===//
//
// Bits of bytes are moved by shifts of words. Of bytes LLVM moves them by gf2p8affineqb where
// a CPU has it, which wants a register for each number of bits (five reloads for the codes
// of five bits of one row with AVX-VNNI) and saves nothing, since there is a mask behind.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_X86_X86DOT_H
#define NIBBLE_CODEGEN_TARGETS_X86_X86DOT_H

#include "codegen/Targets/DotEmitter.h"

#include <string>

namespace nibble {

class X86Dot : public DotEmitter {
public:
  mlir::Value moveBits(KernelBuilder &k, mlir::Value bits, int64_t left) const override {
    mlir::Value words = k.bitcast(bits, k.vec(k.i16(), KernelBuilder::lanes(bits) / 2));
    return k.bitcast(left > 0 ? k.shl(words, left) : k.shru(words, -left), bits.getType());
  }
  mlir::Value joinNibble(KernelBuilder &k, mlir::Value above, mlir::Value packed, bool upper) const override {
    return upper ? k.bitOr(above, k.shru(packed, 4)) : k.bitOr(moveBits(k, above, 4), k.bitAnd(packed, 15));
  }
  void freeRegisters(KernelBuilder &k) const override {
    std::string clobbered;
    for (int64_t i = 0; i < registers(); ++i)
      clobbered += (i ? ",~{xmm" : "~{xmm") + std::to_string(i) + "}";
    emptyAssembly(k, /*result=*/{}, /*operands=*/{}, clobbered);
  }
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_X86_X86DOT_H
