//===- CalibrateModel.h - the option --calibrate ---------------------------===//
//
// Imports the model once more, with a context that fits made-up texts, and finds out what its linears read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "compiler/Link/InputMoments.h"
#include "compiler/Tools/nibble/Compilation.h"

namespace nibble {

/// `context` positions at most; `tokenizer` is the table of the program. Nothing without --calibrate.
llvm::Expected<InputMoments> calibrateModel(const CompileOptions &options, const ModelFile &file, uint64_t context,
                                            llvm::ArrayRef<uint8_t> tokenizer, mlir::MLIRContext &mlirContext);

} // namespace nibble
