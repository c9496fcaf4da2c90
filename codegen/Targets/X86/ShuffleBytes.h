//===- ShuffleBytes.h - vpshufb ---------------------------------*- C++ -*-===//
//
// Each 128 bits of a register shuffle their own sixteen bytes: with AVX2 two quads
// of columns at once, with AVX-512 four.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Targets/LookupEmitter.h"

namespace nibble {

class X86ShuffleBytes : public LookupEmitter {
public:
  mlir::Value lookUp(KernelBuilder &k, mlir::Value table, mlir::Value indices) const override;
  mlir::Value combine(KernelBuilder &k, llvm::ArrayRef<LookupSums> bits) const override;
};

} // namespace nibble
