//===- SharedFetch.h - weights that tiles of rows fetch between them *- C++ -*-===//
//
// What: while a panel is multiplied with many rows, tile by tile, each tile fetches an equal
// share of the weights that come next, into the second level of the cache.
// Why: a core keeps some twenty lines on their way from memory. What unpacks a panel asks for
// more than that in a moment, and waits; the products behind it read no weights for as long
// as tens of tiles take. (docs/decisions/2026-11-22-weights-fetched-by-tiles.md)
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_SHAREDFETCH_H
#define NIBBLE_CODEGEN_LOWER_SHAREDFETCH_H

#include "codegen/Lower/KernelBuilder.h"

namespace nibble {

class SharedFetch {
public:
  /// `bytes` at `from`, by tiles of `tokens` of `rows` rows: the builder must stand before the loop over tiles.
  SharedFetch(KernelBuilder &k, mlir::Value from, int64_t bytes, mlir::Value rows, int64_t tokens);

  /// The share of the tile at row0.
  void emit(mlir::Value row0);

private:
  KernelBuilder &k;
  mlir::Value from, share; ///< bytes of a tile, whole lines
  int64_t tokens;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_SHAREDFETCH_H
