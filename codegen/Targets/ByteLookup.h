//===- ByteLookup.h - looking up bytes in small tables ---------*- C++ -*-===//
//
// What: result[i] = table[code[i]] for vectors of bytes, as the machine does it
// best: a byte shuffle of 16 entries where it has one, else a tree of choices by
// the bits of the code. Tables of more than 16 entries are several of those, or one
// shuffle where it takes them from several registers.
// Why: codes that stand for the numbers of a list are turned into these numbers
// here, and from there on are like any other codes.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_TARGETS_BYTELOOKUP_H
#define NIBBLE_CODEGEN_TARGETS_BYTELOOKUP_H

#include "codegen/Intrinsics/InstructionTable.h"
#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

/// `codes` is a vector of bytes below table.size(), which is a power of two. Emits
/// what the machines of the row have; with no row, what any machine has.
mlir::Value emitByteLookup(KernelBuilder &k, const InstructionRow *row, mlir::Value codes,
                           llvm::ArrayRef<int8_t> table);

/// Entries of the longest table that the machines of the row look all bytes of a register up in at once; 0: none of
/// more than 16.
int64_t longestLookup(const InstructionRow &row);

/// The same with a table for each weight row: entries[code] has a byte of each row, and `codes` as many neighbours of
/// one row after the other. Null where the machines of the row have nothing better than choices.
mlir::Value emitRowLookup(KernelBuilder &k, const InstructionRow &row, mlir::Value codes,
                          llvm::ArrayRef<mlir::Value> entries);

/// Quads of codes that are looked up at once in tables in memory.
inline constexpr int64_t kTableQuads = 4;

/// Bytes of such tables of `lanes` weight rows with so many numbers each; 0 where the machines of the row have no way
/// with them that is better than emitRowLookup().
int64_t rowTableBytes(const InstructionRow &row, int64_t lanes, int64_t entries);

/// Stores them. entries[code] has a byte of each weight row.
void storeRowTables(KernelBuilder &k, llvm::ArrayRef<mlir::Value> entries, mlir::Value tables);

/// The numbers of kTableQuads quads of codes below `entries`. `after` gives the pointer, known only once `done` are, so
/// that the tables of one row are loaded when those of the row before it are done with.
KernelBuilder::Values
emitRowTableLookup(KernelBuilder &k, mlir::Value tables, int64_t entries, mlir::ValueRange codes,
                   llvm::function_ref<mlir::Value(mlir::Value pointer, mlir::ValueRange done)> after);

/// f32 table[code] for each lane of `codes` (bytes), a register of them after the other. Empty where the machines of
/// the row have no such way: it takes as many codes as a register has bytes, and at most 16 entries.
llvm::SmallVector<mlir::Value> emitFloatLookup(KernelBuilder &k, const InstructionRow &row, mlir::Value codes,
                                               llvm::ArrayRef<float> table);

/// entries[code] for each lane of `codes`, entries being vectors of as many lanes.
mlir::Value emitChoice(KernelBuilder &k, mlir::Value codes, llvm::ArrayRef<mlir::Value> entries);

} // namespace nibble

#endif // NIBBLE_CODEGEN_TARGETS_BYTELOOKUP_H
