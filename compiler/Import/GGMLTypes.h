//===- GGMLTypes.h - Storage types that a GGUF file can name ----*- C++ -*-===//
//
// The extents of ggml's storage types; see GGMLTypes.def for what and why.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_GGMLTYPES_H
#define NIBBLE_COMPILER_IMPORT_GGMLTYPES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace nibble {

struct GGMLType {
  uint32_t id;
  llvm::StringRef name;
  /// Both are zero if ggml has withdrawn the type.
  uint32_t blockElements;
  uint32_t blockBytes;

  bool isWithdrawn() const { return blockElements == 0; }
};

llvm::ArrayRef<GGMLType> ggmlTypes();

/// Null for an id that this table does not know.
const GGMLType *findGGMLType(uint32_t id);
/// By name ("q4_0"), or null.
const GGMLType *findGGMLTypeByName(llvm::StringRef name);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_GGMLTYPES_H
