//===- Adapters.h - LoRA adapters --------------------------------*- C++ -*-===//
//
// Reads adapters of two kinds, PEFT's folders (adapter_config.json,
// adapter_model.safetensors) and GGUF files of type `adapter`, and attaches them
// to the weights of an imported module. The merge itself is done where a weight's
// rows are read (SourceChanges.h): in float, before any rounding.
//
// Contract: an adapter applies as a whole or not at all. A module that the model
// has not, a shape that differs, a setting that Nibble has no equal of: each is
// an error that names it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_ADAPTERS_H
#define NIBBLE_COMPILER_IMPORT_ADAPTERS_H

#include "compiler/Import/ModelFile.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace nibble {

/// One `--lora FILE[=SCALE]`.
struct AdapterOption {
  std::string path;
  double scale = 1;
};

/// Splits "FILE=0.5"; what follows the last '=' counts if it is a number.
AdapterOption parseAdapterOption(llvm::StringRef text);

/// Low-rank factors of one weight, where they lie.
struct AdapterModule {
  /// As GGUF names the weight: "blk.0.attn_q.weight".
  std::string weight;
  /// As the file names it, for messages.
  std::string origin;
  struct Part {
    std::string file, format;
    uint64_t offset = 0, size = 0;
    std::vector<uint64_t> shape; ///< Rows first; empty: the part is missing.
  };
  Part a, b, magnitude;
  double scale = 1;
};

struct Adapter {
  std::string path;
  /// The rows of B of query and key stand as ggml's converter orders them.
  bool interleaved = false;
  std::vector<AdapterModule> modules;
};

/// A folder of PEFT's, its adapter_model.safetensors, or a GGUF file.
llvm::Expected<Adapter> readAdapter(llvm::StringRef path);

/// Attaches adapters, in their order, to the weights of `module`, which was
/// imported from `base`. `rounds`: weights are to be given other formats
/// (--weights); without it a low-bit weight is refused.
llvm::Error applyAdapters(mlir::ModuleOp module, const ModelFile &base,
                          llvm::ArrayRef<AdapterOption> options, bool rounds);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_ADAPTERS_H
