//===- GGMLTypes.cpp - Storage types that a GGUF file can name ------------===//
//
// Look-up in the table of GGMLTypes.def.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/GGMLTypes.h"

using namespace nibble;

llvm::ArrayRef<GGMLType> nibble::ggmlTypes() {
  static const GGMLType table[] = {
#define GGML_TYPE(id, name, elements, bytes) {id, name, elements, bytes},
#include "compiler/Import/GGMLTypes.def"
  };
  return table;
}

const GGMLType *nibble::findGGMLTypeByName(llvm::StringRef name) {
  for (const GGMLType &type : ggmlTypes())
    if (type.name == name)
      return &type;
  return nullptr;
}

const GGMLType *nibble::findGGMLType(uint32_t id) {
  for (const GGMLType &type : ggmlTypes())
    if (type.id == id)
      return &type;
  return nullptr;
}
