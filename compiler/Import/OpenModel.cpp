//===- OpenModel.cpp - A model of whatever kind ---------------------------===//

#include "compiler/Import/OpenModel.h"

#include "compiler/Import/GGUF.h"

using namespace nibble;

llvm::Expected<std::unique_ptr<ModelFile>>
nibble::openModel(llvm::StringRef path) {
  return GGUFFile::open(path);
}
