//===- OpenModel.cpp - A model of whatever kind ---------------------------===//

#include "compiler/Import/OpenModel.h"

#include "compiler/Import/GGUF.h"
#include "compiler/Import/HuggingFace/Folder.h"

#include "llvm/Support/FileSystem.h"

using namespace nibble;

llvm::Expected<std::unique_ptr<ModelFile>>
nibble::openModel(llvm::StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return HuggingFaceFolder::open(path);
  return GGUFFile::open(path);
}
