//===- Calibration.h - what the linears of a model read -------------------===//
//
// What: runs a model on texts (MadeUpTexts.h, GivenTexts.h) by the reference interpreter and adds up the second moments
// of what each linear reads. Why: with them the encoder knows which errors of a matrix matter, and lets columns make up
// for each other (dialects/LowBit/Compensation.h). Contract: the moments are those of the exact model: taking them,
// layer after layer, from the one that is rounded so far gave all-MiniLM-L6-v2 no better vectors. Matrices that no row
// passes on its way to the last hidden row (the output head, tables of embeddings), experts, and weights put together
// from several sources have no moments.
//
// Memory is bounded: the matrices that are wanted are taken in their order, as many at once as have moments of `limit`
// bytes together, and one at least; each such group is a run over all texts. The groups do not change the moments.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/InputMoments.h"
#include "compiler/Reference/ReferenceInterpreter.h"

#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace nibble {

/// Bytes of the moments that are held at once.
inline constexpr uint64_t kMomentBytes = uint64_t(2) << 30;

class Calibration : public InputMoments {
public:
  /// `module` as it was imported; no text is longer than a chunk of its @prefill. `wanted` are sources in the order in
  /// which they will be asked for; another order is right, too, and slow.
  Calibration(mlir::OwningOpRef<mlir::ModuleOp> module, std::vector<std::vector<int32_t>> texts,
              llvm::ArrayRef<lm::SourceAttr> wanted, uint64_t limit = kMomentBytes);

  llvm::Expected<const Matrix *> of(lm::SourceAttr source) override;
  /// How often all texts have been run.
  int runs() const { return runCount; }

private:
  llvm::Error gather(size_t first);
  void observe(llvm::StringRef weight, const reference::Rows &x, int64_t n);

  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::vector<int32_t>> texts;
  uint64_t limit;
  reference::ReferenceInterpreter interpreter;
  llvm::StringMap<std::string> places; ///< of the weights that are one tensor of their file
  std::vector<std::string> order;      ///< places that are wanted
  std::vector<uint64_t> bytes;         ///< of the moments of each of them
  llvm::StringMap<size_t> turns;       ///< of the places in `order`
  size_t begin = 0, end = 0;           ///< of the present group
  std::vector<Matrix> matrices;        ///< of the group; empty where no linear read anything
  float factor = 0;                    ///< what a row of the present text counts
  int runCount = 0;
};

} // namespace nibble
