//===- CalibrateModel.h - the option --calibrate ---------------------------===//
//
// Imports the model once more, with a context that fits the texts, and finds out what its linears read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/InputMoments.h"
#include "compiler/Link/WeightSection.h"
#include "compiler/Tools/nibble/Compilation.h"

namespace nibble {

/// Reads what --calibrate says; returns an exit code.
int readCalibration(const std::string &text, CompileOptions &options);

/// For weights in the order in which they are packed. `context` positions at most; `tokenizer` is the table of the
/// program. Null without --calibrate.
llvm::Expected<std::unique_ptr<InputMoments>> calibrateModel(const CompileOptions &options, const ModelFile &file,
                                                             llvm::ArrayRef<PlacedWeight> weights, uint64_t context,
                                                             llvm::ArrayRef<uint8_t> tokenizer,
                                                             mlir::MLIRContext &mlirContext);

} // namespace nibble
