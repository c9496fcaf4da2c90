//===- Casts.h - other types for the same numbers -------------*- C++ -*-===//
//
// What: the re-encodings that passes choose among, and the way back through them.
// Contract: whyCastIsInexact(type, result) is null for every result that is not.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_CASTS_H
#define NIBBLE_DIALECTS_LOWBIT_CASTS_H

#include "dialects/LowBit/LowBit.h"

namespace nibble::lowbit {

/// On an `lm.weight` whose layout holds another type than its sources give: the
/// type that these have or are rounded to, before casts (a TypeAttr).
inline constexpr llvm::StringLiteral kCastFromAttr = "lowbit.cast_from";

/// The same type with one f32 for each group in place of an integer times a
/// float, minima likewise. Null if the scale has one level already, or an f32
/// does not hold every product.
BlockType withFoldedScales(BlockType type);

/// The value that `value` is a chain of casts of, or `value`.
mlir::Value throughCasts(mlir::Value value);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_CASTS_H
