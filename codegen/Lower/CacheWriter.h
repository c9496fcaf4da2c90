//===- CacheWriter.h - a key and a value into the cache --------*- C++ -*-===//
//
// What lm.kv_append does for each head of a row, for it and for attention that appends
// the row it is of: key and value go to the place of their position, in the types of
// dialects/LM/CacheLayout.h, the key rotated first if the operation says so.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_CACHEWRITER_H
#define NIBBLE_CODEGEN_LOWER_CACHEWRITER_H

#include "codegen/Lower/CacheShape.h"
#include "codegen/Lower/HeadRotation.h"

#include <optional>

namespace nibble {

struct TargetInfo;

/// A place in the cache.
struct CachePlace {
  mlir::Value layer, head, position;
};

struct CacheWriter {
  KernelBuilder &k;
  const TargetInfo &target;
  const CacheShape &shape;
  const std::optional<HeadRotation> &rotation; ///< of keys
  mlir::Value keys, values; ///< bases of the caches
  mlir::Value table;        ///< null without a rotation
  mlir::Value scratch;      ///< headDim × f32 of the thread

  /// Writes the headDim f32 at `key` and at `value`.
  void write(CachePlace place, mlir::Value key, mlir::Value value) const;

private:
  void store(const lm::CacheLayout &layout, bool isKey, mlir::Value from, mlir::Value block, mlir::Value lane) const;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_CACHEWRITER_H
