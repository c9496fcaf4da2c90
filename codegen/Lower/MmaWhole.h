//===- MmaWhole.h - tiles of pairs of rows with an unpacked panel *- C++ -*-===//
//
// What: the full tiles of a product whose instruction multiplies pairs of activation rows:
//
//   whole panel                        codes, scales and minima unpacked (PanelUnpacker.h)
//     for full tile of rows            sums → the caller
//
// Why: a tile of pairs fills the registers with the sums of one vector and walks the panel once for each, so unpacking
// goes once for several tiles at the cost of one.
// Contract: a sum is the same chain of operations as with the packed panel.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_MMAWHOLE_H
#define NIBBLE_CODEGEN_LOWER_MMAWHOLE_H

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/PanelUnpacker.h"

namespace nibble {

class WholePanel {
public:
  /// Whether products with buffers of so many rows in tiles of `tile` are done this way.
  static bool suits(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile);
  /// Takes memory of the stack: the builder must stand in the kernel's entry block.
  WholePanel(KernelBuilder &k, const MmaOperands &mma, int64_t tile);

  /// Gets the first row of a full tile, and what to multiply it with.
  using Tile = llvm::function_ref<void(const MmaOperands &unpacked, mlir::Value panel, mlir::Value row0)>;
  /// Visits the full tiles of `rows`; returns how many rows these are.
  mlir::Value emit(mlir::Value panel, mlir::Value rows, Tile visit);

private:
  KernelBuilder &k;
  MmaOperands mma;
  PanelUnpacker unpacker;
  int64_t tile;
  mlir::Value unpacked, levels; ///< memory; no levels where the format has none that integer sums meet
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAWHOLE_H
