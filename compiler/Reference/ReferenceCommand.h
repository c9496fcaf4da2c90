//===- ReferenceCommand.h - nibble reference -----------------------------===//
//
// What: the logits of a prompt, computed by the oracle, as a file.
// Why: what `nibble reference` does, without the reading of options.
// Contract: the file holds tokens × vocabulary floats (f32, little endian), in
// the order of the tokens, the form in which an emitted program writes its
// logits. Errors are located diagnostics.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_REFERENCE_REFERENCECOMMAND_H
#define NIBBLE_COMPILER_REFERENCE_REFERENCECOMMAND_H

#include "compiler/Reference/ReferenceInterpreter.h"

namespace nibble::reference {

/// "1,22,333" as numbers. An error says which part is no token.
llvm::Expected<std::vector<int32_t>> parseTokens(llvm::StringRef list);

/// Computes the logits at every position and writes them to `path`.
mlir::LogicalResult writeLogits(mlir::ModuleOp module,
                                llvm::ArrayRef<int32_t> tokens,
                                llvm::StringRef path,
                                const ReferenceOptions &options = {});

} // namespace nibble::reference

#endif // NIBBLE_COMPILER_REFERENCE_REFERENCECOMMAND_H
