//===- LlamaIR.h - Builds the lm module of a llama model --------*- C++ -*-===//
//
// Private to the importer. Takes a LlamaModel, in which everything was checked,
// and cannot fail.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_LLAMAIR_H
#define NIBBLE_COMPILER_IMPORT_LLAMAIR_H

#include "compiler/Import/ImportGGUF.h"
#include "compiler/Import/Llama.h"

namespace nibble {

/// The options of an import, resolved against the model.
struct ProgramShape {
  uint64_t context, chunk;
  KVTypes kv;
};

mlir::OwningOpRef<mlir::ModuleOp>
buildLlamaModule(const ModelFile &file, const LlamaModel &model,
                 const ProgramShape &shape, mlir::MLIRContext *context);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_LLAMAIR_H
