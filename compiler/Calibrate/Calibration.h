//===- Calibration.h - what the linears of a model read -------------------===//
//
// What: runs a model on made-up texts (MadeUpTexts.h) by the reference interpreter and adds up the second moments of
// what each linear reads. Why: with them the encoder knows which errors of a matrix matter, and lets columns make up
// for each other (dialects/LowBit/Compensation.h). Contract: needs no data. The moments are those of the exact model:
// taking them, layer after layer, from the one that is rounded so far gave all-MiniLM-L6-v2 no better vectors. Matrices
// that no row passes on its way to the last hidden row (the output head, tables of embeddings), experts, and weights
// put together from several sources have no moments.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/InputMoments.h"
#include "compiler/Reference/ReferenceInterpreter.h"

#include "llvm/Support/Error.h"

namespace nibble {

/// `module` as it was imported; no text is longer than a chunk of its @prefill.
llvm::Expected<InputMoments> calibrate(mlir::ModuleOp module, llvm::ArrayRef<std::vector<int32_t>> texts);

} // namespace nibble
