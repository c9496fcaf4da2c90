//===- WeightSection.h - the bytes of a program's weights -----------------===//
//
// After `bufferize` every lm.weight knows its place in the weight section. This list outlives the IR (whose symbols
// `lower` drops) and is written, weight by weight, when the program is linked.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/ArtifactWriter.h"
#include "compiler/Link/InputMoments.h"
#include "compiler/Link/Requantizer.h"
#include "dialects/LM/LM.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nibble {

struct PlacedWeight {
  std::string name;
  mlir::RankedTensorType type; ///< packed (with an #mpgemm.layout) or plain floats
  mlir::ArrayAttr sources;
  mlir::Type numbers; ///< elements that the sources have or are rounded to; the layout may hold them as another type
  uint64_t offset = 0, bytes = 0; ///< in the weight section

  /// Names of the storage formats of the sources, "q4_k" or "q4_k+q6_k"; "computed" for a table; the element type where
  /// a source is requantized.
  std::string formatName() const;
};

/// All weights of a bufferized module, in the order of their offsets.
llvm::Expected<std::vector<PlacedWeight>> collectWeights(mlir::ModuleOp module);

/// Packs every weight from its source files into `writer`. Memory: one panel of one weight, and some hundred rows of
/// one that is requantized, by its `moments` if there are any; what rounding did to those is appended to `requantized`.
llvm::Error writeWeights(llvm::ArrayRef<PlacedWeight> weights, InputMoments *moments, ArtifactWriter &writer,
                         std::vector<RequantizedTensor> &requantized);

} // namespace nibble
