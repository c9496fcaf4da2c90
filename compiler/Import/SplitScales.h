//===- SplitScales.h - Scales of small groups in two levels -----*- C++ -*-===//
//
// nvfp4 has a scale for 16 columns, a float of a byte, and a kernel that meets a float every 16 columns converts every
// sum and multiplies it. Floats with so few bits of mantissa are integers times a power of two: where those of 256
// columns (of as many as divide the row) are bytes times one, the weight is imported with two levels of scales like
// ggml's K-quants, and sums meet the bytes as integers. A factor for the whole matrix is in the float of the super
// block. With an f32 (GGUFScales.h) the values are the same: a power of two rounds nothing, and byte · (factor · 2^e)
// is rounded where factor · scale was. A factor that is a quotient (compressed-tensors) is rounded to f32 once for a
// super block instead of once for each scale.
//
// Contract: all of a matrix is split, or nothing. A matrix that is not, since the scales of some super block are too
// far apart, has one level.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_SPLITSCALES_H
#define NIBBLE_COMPILER_IMPORT_SPLITSCALES_H

#include "compiler/Import/ModelFile.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace nibble {

/// The power of two that makes bytes of `scales`, scale = byte · it, the largest one that leaves eight bits to the
/// largest scale; none if there is no such. Writes the bytes.
std::optional<float> splitScales(llvm::ArrayRef<float> scales, int16_t *bytes);

/// Tensors that are imported with other scales than the file's, and how they are read.
using SplitTensors = llvm::DenseMap<const GGUFTensor *, std::shared_ptr<const PackedTensor>>;

/// Reads the scales of all matrices of layers, and of the output head, that could be split.
llvm::Expected<SplitTensors> findSplitTensors(const ModelFile &file);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_SPLITSCALES_H
