//===- LowBit.h - the lowbit dialect -------------------------------------===//
//
// What: the dialect, its element type and its ops. See LowBitDialect.td.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_LOWBIT_H
#define NIBBLE_DIALECTS_LOWBIT_LOWBIT_H

#include "dialects/LowBit/BlockParameters.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/LowBit/LowBitDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/LowBit/LowBitTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/LowBit/LowBitOps.h.inc"

namespace nibble::lowbit {

/// The element type of `type` if it is a tensor of low-bit blocks, else null.
BlockType getBlockType(mlir::Type type);

/// The same type, with a code of its own for each element where `type` has
/// vectors of a grid; every number stays what it is.
BlockType withoutGrid(BlockType type);

/// Whether every number that `from` can hold is one that `to` can hold too, so
/// that re-encoding changes no value. Null if so, else the reason.
const char *whyCastIsInexact(BlockType from, BlockType to);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_LOWBIT_H
