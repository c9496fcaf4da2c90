//===- Encoder.h - numbers into low-bit codes ----------------------------===//
//
// What: rounds rows of floats to a low-bit type, into the same parts that a
// file's blocks are unpacked into (Formats.h), and gives the values of such parts.
// Why: lowbit.encode is executed by the compiler. The packer streams rows
// through here, the oracle uses the same function, so both see one rounding.
// Contract: deterministic, whatever the number of threads. Values must be
// finite. What the parts stand for is defined by !lowbit.block, not here;
// decodePlanes() computes that definition.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_DIALECTS_LOWBIT_ENCODER_H
#define NIBBLE_DIALECTS_LOWBIT_ENCODER_H

#include "dialects/LowBit/Formats.h"
#include "dialects/LowBit/LowBit.h"
#include "dialects/LowBit/SharedParts.h"

#include "llvm/Support/Error.h"

namespace nibble::lowbit {

class Compensation;

/// Null, or why no encoder exists for a type or for rows of that many columns.
const char *whyNotEncodable(BlockType type, int64_t columns);

/// Rounds rows × columns values; spread over the cores. The error names the
/// first value that is not finite. `shared` are the parts of the tensor that the
/// rows are from, where its type has such; without it the rows are a tensor.
/// With `compensation`, errors count as it says, and later columns make up for
/// earlier ones.
llvm::Error encodeRows(BlockType type, const float *values, int64_t rows,
                       int64_t columns, Planes &planes,
                       const SharedParts *shared = nullptr,
                       const Compensation *compensation = nullptr);

/// The values that the parts stand for, rows × columns of them.
void decodePlanes(BlockType type, const Planes &planes, int64_t rows,
                  int64_t columns, float *out);

/// Replaces values by what is left of them in the type: a low-bit one, f16, bf16
/// or f32.
llvm::Error roundRows(mlir::Type element, int64_t rows, int64_t columns,
                      float *values);

} // namespace nibble::lowbit

#endif // NIBBLE_DIALECTS_LOWBIT_ENCODER_H
