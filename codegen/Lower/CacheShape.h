//===- CacheShape.h - a cache of keys and values, as kernels see it -*- C++ -*-===//
//
// What the kernels that write a cache and those that read it agree on: its shape, and
// where in its memory (dialects/LM/CacheLayout.h) a position of a cached head lies.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_CACHESHAPE_H
#define NIBBLE_CODEGEN_LOWER_CACHESHAPE_H

#include "codegen/Lower/KernelBuilder.h"
#include "dialects/LM/CacheLayout.h"

#include <string>

namespace nibble {

/// A cache, as far as a kernel is specialised on it.
struct CacheShape {
  int64_t kvHeads;
  int64_t positions; ///< of the cache; a position lies at its remainder
  int64_t headDim;
  lm::CacheLayout keys, values;

  /// Of an operation with these caches; a diagnostic at `op` if no kernel can take them.
  static mlir::FailureOr<CacheShape> get(mlir::Operation *op, mlir::Value keys, mlir::Value values);
  /// As part of a kernel's name.
  std::string name() const;

  /// The memory of a cached head of a layer, in the cache at `base` whose layout is `of` (keys or values).
  mlir::Value headOf(KernelBuilder &k, const lm::CacheLayout &of, mlir::Value base, mlir::Value layer,
                     mlir::Value kvHead) const;
  /// The block of a head in which a position lies.
  mlir::Value blockOf(KernelBuilder &k, const lm::CacheLayout &of, mlir::Value head, mlir::Value position) const;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_CACHESHAPE_H
