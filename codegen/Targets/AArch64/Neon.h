//===- Neon.h - what the NEON rows share -----------------------*- C++ -*-===//
//
// Joining a nibble with bits above it takes one instruction that shifts and inserts
// (Arm ARM, SLI and SRI), where elsewhere it takes a mask and an or.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H

#include "codegen/Targets/DotEmitter.h"

namespace nibble {

class AArch64Neon : public DotEmitter {
public:
  mlir::Value joinNibble(KernelBuilder &k, mlir::Value above, mlir::Value packed, bool upper) const override;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_NEON_H
