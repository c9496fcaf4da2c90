//===- Config.h - config.json in GGUF's words -------------------*- C++ -*-===//
//
// The tables that turn the numbers of config.json and the names of a folder's
// tensors into those that GGUF files of the same family have. A new family of
// known features is one row of `architectures`.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_CONFIG_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_CONFIG_H

#include "compiler/Import/HuggingFace/Folder.h"

namespace nibble {

struct HuggingFaceArchitecture {
  llvm::StringRef modelType;    ///< config.json, 'model_type'
  llvm::StringRef architecture; ///< general.architecture
  /// What 'hidden_act' must be.
  llvm::StringRef activation;
  /// Norms behind attention and feed-forward besides, or instead of, those
  /// before: `post_attention_layernorm` is then what its name says.
  bool postNorms = false;
  /// Norm weights are stored less one.
  bool normsLessOne = false;
};

/// Adds the keys `general.*` and `ARCHITECTURE.*`. The row of the model's family;
/// one without special rules if there is no such row, under the family's own
/// name, which whoever imports the model refuses.
llvm::Expected<const HuggingFaceArchitecture *>
translateConfig(const JSONView &config, HuggingFaceFolder &folder);

/// Adds ARCHITECTURE.pooling_type and ARCHITECTURE.normalize_embeddings where the
/// folder says what becomes of the rows of a text.
llvm::Error translatePooling(llvm::StringRef architecture,
                             HuggingFaceFolder &folder);

/// The name that a GGUF file gives the tensor, "" for one that holds nothing of
/// the model (tables that are computed), or the name itself if it is unknown.
std::string translateTensorName(llvm::StringRef name,
                                const HuggingFaceArchitecture &architecture);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_CONFIG_H
