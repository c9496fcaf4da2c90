//===- LM.h - the lm dialect ----------------------------------------------===//
//
// What the model computes: see LMDialect.td for the forms of an operation and their contract.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/LM/LMDialect.h.inc"
#include "dialects/LM/LMEnums.h.inc"
#include "dialects/LM/LMInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/LM/LMAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/LM/LMTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/LM/LMOps.h.inc"

namespace nibble::lm {

/// Positions a fine row of a RoPE table covers: rows [0, kRopeFineRows) hold single steps, the later rows whole
/// strides.
inline constexpr int64_t kRopeFineRows = 64;

/// Positions in a block of cached keys; the context is a multiple of it.
inline constexpr int64_t kKeyBlock = 16;

/// Positions in a chunk, of which attention computes a maximum, a sum and weighted values for itself.
inline constexpr int64_t kAttentionChunk = 128;

/// The model operation of a module, or null.
ModelOp getModel(mlir::ModuleOp module);

/// Memory effects of an operation with a value and a buffer form: memref operands are read, `into` buffers are written.
void addTeamOpEffects(
    mlir::Operation *op, mlir::OperandRange outs,
    llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>> &effects);

/// Partitions of buffers of rows (TeamOp::getPartition): row by row the heads of each; or the blocks of 32 columns of a
/// single row.
std::string headsPartition(int64_t heads);
std::string blocksPartition(mlir::Value rows);

/// One of the two forms, never a mixture: tensors and a result, or memrefs and `into` buffers.
mlir::LogicalResult verifyForm(mlir::Operation *op, mlir::OperandRange outs);

} // namespace nibble::lm
