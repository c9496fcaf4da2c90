//===- MmaAhead.h - many rows with a panel that is unpacked ahead *- C++ -*-===//
//
// What: the product of one panel with all rows of activations, where there are
// enough of them that unpacking is to be done once for many tiles:
//
//   for 64 rows                        sums of these rows and the panel in memory
//     for block of columns             codes, scales and minima unpacked (PanelUnpacker.h)
//       for row                        sums of activations, times what they meet
//       for tile of rows               sums → registers, + products of the block, → memory
//     for tile of rows                 sums → epilogue
//
// What a tile would do for each panel and row again is done for the block's 64 rows at
// once, eight records to a vector: sums of activations times minus the offset of the codes,
// or of two groups of 16 in one number for an instruction that takes both offsets away at
// once (DotEmitter::pairsOffsets), and times the activation scale where there are minima.
//
// Contract: a sum is the same chain of operations as in a tile that walks the whole
// panel; that it lies in memory between two blocks changes no bit of it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_MMAAHEAD_H
#define NIBBLE_CODEGEN_LOWER_MMAAHEAD_H

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/PanelUnpacker.h"

namespace nibble {

class AheadPanel {
public:
  /// Whether a product with buffers of so many rows is done this way.
  static bool suits(const MmaOperands &mma, int64_t rows);
  /// Takes memory of the stack: the builder must stand in the kernel's entry block.
  AheadPanel(KernelBuilder &k, const MmaOperands &mma);

  /// Gets the sums of a tile of rows: `tokens` rows × `vectors` vectors from `firstVector` on, rows in order.
  using Store = llvm::function_ref<void(llvm::ArrayRef<mlir::Value> sums, mlir::Value row0, int64_t tokens,
                                        int64_t firstVector, int64_t vectors)>;
  void emit(mlir::Value panel, mlir::Value rows, Store store);

private:
  using Tile = llvm::function_ref<void(MmaOperands &operands, mlir::Value row, int64_t tokens, mlir::Value sums)>;
  void forEachTile(mlir::Value count, const MmaOperands &from, Tile visit);
  MmaOperands blockAt(mlir::Value row0, mlir::Value column, mlir::Value records) const;
  void emitBlocks(mlir::Value panel, mlir::Value row0, mlir::Value count);
  void emitStores(mlir::Value row0, mlir::Value count, Store store);
  void emitTables(mlir::Value row0, mlir::Value rows, mlir::Value column, mlir::Value records);
  void emitTable(mlir::Value sums, mlir::Value scales, mlir::Value record, int64_t count, mlir::Value at);
  PanelSums loadSums(const MmaOperands &operands, int64_t tokens, mlir::Value from);
  int64_t rowsTogether() const;
  int64_t runsOfRecord() const;
  int64_t offsetSumsOfRecord() const;

  KernelBuilder &k;
  const MmaOperands &mma;
  PanelUnpacker unpacker;
  mlir::Value block, sums; ///< memory
  mlir::Value levels, offsetSums, scaledSums; ///< memory of what the format has (MmaOperands); null without
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAAHEAD_H
