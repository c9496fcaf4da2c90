//===- MmaAhead.h - many rows with a panel that is unpacked ahead *- C++ -*-===//
//
// What: the product of one panel with all rows of activations, where there are
// enough of them that unpacking is to be done once for many tiles:
//
//   for row                            sums of activations, times what they meet
//   for panel
//     for 128 rows                     sums of these rows and the panel in memory
//       for block of columns           codes, scales and minima unpacked (PanelUnpacker.h)
//         for tile of rows             sums → registers, + products of the block, → memory
//       for tile of rows               sums → epilogue
//
// What a tile would do for each panel and row again is done once, eight records to a vector:
// sums of activations times minus the offset of the codes, what the sums of products of a run
// or of its parts start with (DotEmitter::starts), or the sums of two groups of 16 in one
// number for an instruction that takes both offsets away at once (DotEmitter::pairsOffsets),
// and times the activation scale where there are minima. Where the stack has no room for that of all rows, it is done
// for 128 rows and a block of columns at a time.
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
  /// Whether a single tile of rows had better read the panel as it is: where unpacking is a few instructions.
  bool leavesOneTile() const;
  /// For up to `rows` rows. Takes memory of the stack: the builder must stand in the kernel's entry block.
  AheadPanel(KernelBuilder &k, const MmaOperands &mma, int64_t rows);

  /// To be called when the activations of `rows` rows are there, before any panel is multiplied with them.
  void prepare(mlir::Value rows);

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
  /// Where a row's activations stand, with what belongs to them, from the tables' first column on.
  struct ActivationRow {
    mlir::Value codes, sums, scales;
    mlir::Value scaledSums; ///< of the tables, from their first column on; null without
  };
  void emitTable(const ActivationRow &x, mlir::Value record, int64_t count, mlir::Value at);
  mlir::Value sumsOfRuns(mlir::Value sums, mlir::Value record, int64_t count, int64_t runs);
  mlir::Value scalesOfGroups(mlir::Value scales, mlir::Value record, int64_t count);
  void emitScaledSums(const ActivationRow &x, mlir::Value record, int64_t count);
  PanelSums loadSums(const MmaOperands &operands, int64_t tokens, mlir::Value from);
  void allocateTables();
  RowMatrix tableAt(mlir::Value table, int64_t perRecord, mlir::Type type, mlir::Value row0, mlir::Value column) const;
  int64_t rowsTogether() const;
  int64_t scaledTogether() const;
  int64_t groupsOfRecord() const;
  int64_t runsOfRecord() const;
  int64_t offsetSumsOfRecord() const;
  /// Of what starts below zero (PanelUnpacker::runPart); 0: nothing does.
  int64_t columnsOfPart() const { return unpacker.runPart().quads * unpacker.source().kr; }
  int64_t recordsOfTables() const;

  KernelBuilder &k;
  const MmaOperands &mma;
  int64_t mostRows;
  PanelUnpacker unpacker;
  mlir::Value block, sums; ///< memory
  SumPlace waiting;        ///< of a tile
  mlir::Value levels, offsetSums, scaledSums; ///< memory of what the format has (MmaOperands); null without
  bool prepared = false; ///< tables are of all rows and columns
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAAHEAD_H
