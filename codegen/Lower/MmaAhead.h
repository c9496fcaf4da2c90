//===- MmaAhead.h - many rows with a panel that is unpacked ahead *- C++ -*-===//
//
// What: the product of one panel with all rows of activations, where there are
// enough of them that unpacking is to be done once for many tiles:
//
//   for 64 rows                        sums of these rows and the panel in memory
//     for block of columns             codes, scales and minima unpacked (PanelUnpacker.h)
//       for tile of rows               sums → registers, + products of the block, → memory
//     for tile of rows                 sums → epilogue
//
// Groups of 16 with integer scales cost a multiplication by a scale for each 16 columns.
// Where the instruction adds up pairs of columns first (DotEmitter::pairsGroups), two such
// groups are multiplied like one of 32: a quad takes two columns of each, so that the two
// sums in a lane get their scales at once. The block's activations are copied in that order.
// With larger groups, what a tile would make of each sum of activations for the offset or the minima of the weights is made
// once for all tiles.
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
  bool prepares() const;
  void pairRows(mlir::Value row0, mlir::Value rows, mlir::Value column, mlir::Value records);
  void prepareRows(mlir::Value row0, mlir::Value rows, mlir::Value column, mlir::Value records);
  void prepareRecords(mlir::Value sums, mlir::Value scales, mlir::Value to, int64_t lanes);
  PanelSums loadSums(const MmaOperands &operands, int64_t tokens, mlir::Value from);
  int64_t rowsTogether() const;
  int64_t blockColumns() const;
  int64_t scaledColumns() const;
  bool keepsSumsInMemory(int64_t tokens) const;

  KernelBuilder &k;
  const MmaOperands &mma;
  PanelUnpacker unpacker;
  mlir::Value block, sums; ///< memory
  /// Memory for activations as this block's products take them; null where they take them as they are.
  mlir::Value pairedCodes, preparedSums, scaledSums;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAAHEAD_H
