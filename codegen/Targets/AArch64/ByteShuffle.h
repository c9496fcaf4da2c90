//===- ByteShuffle.h - tbl -------------------------------------*- C++ -*-===//
//
// Each byte chooses one of the 16 bytes of a register; codes are below 16.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H

#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

inline constexpr int64_t kAArch64ShuffleBytes = 16;

/// `table` and `codes` have 16 bytes.
mlir::Value emitAArch64Shuffle(KernelBuilder &k, mlir::Value table, mlir::Value codes);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H
