//===- ByteShuffle.h - tbl -------------------------------------*- C++ -*-===//
//
// Each byte chooses one of the bytes of a register, or of up to four of them in a
// row; what is out of range becomes 0.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H
#define NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// Bytes of a register of the row's kernels: 16, or those of SVE's vectors.
int64_t aarch64ShuffleBytes(const InstructionRow &row);

/// `table` and `codes` have 16 bytes.
mlir::Value emitAArch64Shuffle(KernelBuilder &k, mlir::Value table, mlir::Value codes);

/// table[code] for each of `codes`, a register of the row's kernels. The size of the table is a power of two, above
/// all codes.
mlir::Value emitAArch64Lookup(KernelBuilder &k, llvm::ArrayRef<int8_t> table, mlir::Value codes);

/// The same with a table for each row: entries[code] has a byte of each, and `codes` as many neighbours of one row
/// after the other. One table of all rows, at most 256 bytes, is looked up by code and row.
mlir::Value emitAArch64RowLookup(KernelBuilder &k, llvm::ArrayRef<mlir::Value> entries, mlir::Value codes);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_AARCH64_BYTESHUFFLE_H
