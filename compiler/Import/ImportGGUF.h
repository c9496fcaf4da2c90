//===- ImportGGUF.h - From a GGUF file to the lm dialect --------*- C++ -*-===//
//
// The phase `import`. Its result is a module of lm operations on lowbit types:
//
//   lm.model @model {…}                         the model's numbers
//   lm.weight @"blk.0.attn_q.weight" : … from … one a tensor, named as there
//   lm.weight @rope_table                       computed by the compiler
//   lm.state @kv_k, @kv_v, @hidden
//   func @decode(tokens 1, pos, n) -> logits 1 × vocabulary
//   func @prefill(tokens C, pos, n)             fills @hidden
//   func @head(row) -> logits 1 × vocabulary    of a row of @hidden
//   func private @decode.layer0, @prefill.layer0, …
//
// Layers of equal tensor types share one function, which takes the layer's
// number and its weights. No weight bytes are read.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_IMPORTGGUF_H
#define NIBBLE_COMPILER_IMPORT_IMPORTGGUF_H

#include "compiler/Import/CacheStates.h"
#include "compiler/Import/ModelFile.h"
#include "compiler/Import/ImportError.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>

namespace nibble {

struct ImportOptions {
  /// Positions that the compiled program holds. Absent: what the model was
  /// trained for, at most `defaultContext`. More than the model was trained for
  /// is an error.
  std::optional<uint64_t> context;
  /// Tokens that @prefill takes at once.
  uint64_t chunk = 128;
  /// The user asked for it: an error where a model takes no chunks.
  bool chunkIsGiven = false;
  /// Types of the key-value cache.
  KVTypes kv = {};

  /// Where the user does not choose, memory decides: the cache of a model
  /// trained for 128 k positions would dwarf its weights.
  static constexpr uint64_t defaultContext = 2048;
};

/// Loads the dialects it needs. The error, if any, is an ImportError.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importGGUF(const ModelFile &file, const ImportOptions &options,
           mlir::MLIRContext *context);

/// All checks of importGGUF that do not depend on options, and those of the text
/// settings (TokenizerMetadata.h).
llvm::Error checkSupported(const ModelFile &file);

/// The smaller of the two defaults above.
uint64_t getDefaultContext(uint64_t trainedContext);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_IMPORTGGUF_H
