//===- RowTables.h - a codebook of each weight row by vpshufb --*- C++ -*-===//
//
// Each 128 bits of a register shuffle bytes by a table of their own, but hold quads of four
// weight rows. So four quads are looked up at once: 4 × 4 words of every 128 bits change places,
//
//      quad q:  row 0 │ row 1 │ row 2 │ row 3         row r:  quad 0 │ quad 1 │ quad 2 │ quad 3
//
// each row's sixteen codes shuffle its table, and the words change back: five instructions a quad
// with 16 numbers, where a shuffle for each of its rows takes eleven. Of more numbers each 16 are a
// table; vpshufb takes a code's lowest four bits, the others choose.
//
// The tables of a vector's rows are more than registers hold beside all else. They lie in memory
// and are loaded where they are wanted: for each row of 128 bits and each 16 numbers a register.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// As rowTableBytes() and the others of ByteLookup.h: 0 where the rows' quads are no whole register, or so few or so
/// many numbers that they are chosen one by one.
int64_t x86TableBytes(const InstructionRow &row, int64_t lanes, int64_t entries);
void storeX86Tables(KernelBuilder &k, llvm::ArrayRef<mlir::Value> entries, mlir::Value tables);
KernelBuilder::Values
emitX86TableLookup(KernelBuilder &k, mlir::Value tables, int64_t entries, mlir::ValueRange codes,
                   llvm::function_ref<mlir::Value(mlir::Value pointer, mlir::ValueRange done)> after);

/// Of `count` parts from number `first` on, for each byte of `codes`, the one whose number stands above its lowest four
/// bits: bit by bit, each brought to the top of the byte, where vpblendvb reads it.
mlir::Value emitX86Choice(KernelBuilder &k, mlir::Value codes, int64_t first, int64_t count,
                          llvm::function_ref<mlir::Value(int64_t part)> part);

} // namespace nibble
