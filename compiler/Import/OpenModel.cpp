//===- OpenModel.cpp - A model of whatever kind ---------------------------===//

#include "compiler/Import/OpenModel.h"

#include "compiler/Import/GGUF.h"
#include "compiler/Import/HuggingFace/Folder.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace nibble;

llvm::Expected<std::unique_ptr<ModelFile>>
nibble::openModel(llvm::StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return HuggingFaceFolder::open(path);
  return GGUFFile::open(path);
}

llvm::Expected<std::unique_ptr<ModelFile>>
nibble::openTexts(llvm::StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return HuggingFaceFolder::openTexts(path);
  llvm::StringRef name = llvm::sys::path::filename(path);
  if (name == "tokenizer.json" || name == "vocab.txt") {
    llvm::StringRef folder = llvm::sys::path::parent_path(path);
    return HuggingFaceFolder::openTexts(folder.empty() ? "." : folder, name);
  }
  return GGUFFile::open(path);
}
