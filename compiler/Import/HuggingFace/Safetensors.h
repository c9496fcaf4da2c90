//===- Safetensors.h - Reader of safetensors files --------------*- C++ -*-===//
//
// A file of tensors and nothing else:
//
//   length of the header (u64) | header (JSON) | the tensors' bytes
//
// The header is an object: a tensor's name to its type, shape and the range of
// its bytes behind the header. Contract of what readSafetensors gives: names are
// unique and not empty; each range has the size that type and shape ask for; the
// ranges cover the bytes behind the header exactly, without a gap or an overlap,
// as the format's own readers demand.
//
// Source: README of the safetensors project, "Format".
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_COMPILER_IMPORT_HUGGINGFACE_SAFETENSORS_H
#define NIBBLE_COMPILER_IMPORT_HUGGINGFACE_SAFETENSORS_H

#include "compiler/Import/BoundedReader.h"

namespace nibble {

struct SafetensorsLimits {
  static constexpr uint64_t headerBytes = 100'000'000; // the format's
  static constexpr uint64_t tensors = 1 << 20;         // [100 000, experts]
  static constexpr uint64_t dimensions = 8;            // [4]
};

/// An element type of the format.
struct SafetensorsType {
  llvm::StringRef name; ///< "BF16"
  unsigned bits;
  /// Name of the same type in the table of formats ("bf16"); empty if there is
  /// none, as for integers.
  llvm::StringRef format;
};

/// Or null.
const SafetensorsType *findSafetensorsType(llvm::StringRef name);

struct SafetensorsTensor {
  std::string name;
  const SafetensorsType *type;
  /// Outermost first: a weight matrix has {rows, columns}. Empty: one number.
  std::vector<uint64_t> shape;
  /// Absolute position and length of the bytes in the file.
  uint64_t offset, byteSize;
};

/// All tensors, in the order of their bytes. Memory is of the order of the header.
llvm::Expected<std::vector<SafetensorsTensor>>
readSafetensors(const InputFile &file);

} // namespace nibble

#endif // NIBBLE_COMPILER_IMPORT_HUGGINGFACE_SAFETENSORS_H
