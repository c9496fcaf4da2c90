//===- OpenModel.h - A model of whatever kind -------------------*- C++ -*-===//
//
// The way in which every command opens the model that the user named.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_OPENMODEL_H
#define NIBBLE_COMPILER_IMPORT_OPENMODEL_H

#include "compiler/Import/ModelFile.h"

namespace nibble {

/// A GGUF file, the first part of one that was split, or a Hugging Face folder.
llvm::Expected<std::unique_ptr<ModelFile>> openModel(llvm::StringRef path);

/// As openModel, for what a tokenizer needs: also a folder without config.json or
/// tensors, its tokenizer.json or vocab.txt, and a GGUF file of a vocabulary.
llvm::Expected<std::unique_ptr<ModelFile>> openTexts(llvm::StringRef path);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_OPENMODEL_H
