//===- MmaWhole.h - tiles of pairs of rows with an unpacked panel *- C++ -*-===//
//
// What: the full tiles of a product whose instruction multiplies pairs of activation rows:
//
//   whole panel                        codes, scales and minima unpacked (PanelUnpacker.h)
//     for full tile of rows
//       for vector of the panel        sums → the caller
//
// or, of a panel with too many columns for a thread's stack, whose sums wait there meanwhile:
//
//   for block of columns               unpacked
//     for full tile of rows
//       for vector of the panel
//   for full tile of rows
//     for vector of the panel          sums → the caller
//
// Why: a tile of pairs fills the registers with the sums of one vector and walks the panel once for each, so unpacking
// goes once for several tiles at the cost of one.
// Where there are minima, the sums of activations that they meet are made floats and multiplied by their scale once
// for all panels, and what unsigned bytes add to sums is, if the stack has room for them.
// Contract: a sum is the same chain of operations as with the packed panel.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_MMAWHOLE_H
#define NIBBLE_CODEGEN_LOWER_MMAWHOLE_H

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/PanelUnpacker.h"
#include "dialects/MPGEMM/ActivationLayout.h"

namespace nibble {

class WholePanel {
public:
  /// Whether products with buffers of so many rows in tiles of `tile` are done this way.
  static bool suits(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile);
  /// Takes memory of the stack: the builder must stand in the kernel's entry block.
  WholePanel(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile);

  /// To be called when the activations of `rows` rows are there, before any panel is multiplied with them.
  void prepare(mlir::Value rows);

  /// Gets the sums of `tokens` rows from row0 on with a vector's weight rows.
  using Store = llvm::function_ref<void(llvm::ArrayRef<mlir::Value> sums, mlir::Value row0, int64_t tokens,
                                        mlir::Value vector)>;
  /// Multiplies the rows of full tiles of `rows`; returns how many these are. `waiting` as sumTile() has it.
  mlir::Value emit(mlir::Value panel, mlir::Value rows, const SumPlace &waiting, Store store);

private:
  bool takesHalfTiles() const;
  mlir::Value rowsOfTiles(mlir::Value rows) { return k.mul(k.divu(rows, tile), tile); }
  mpgemm::ActivationLayout activations() const { return {mma.layout.getK(), mma.interleaved}; }
  bool isSplit() const { return unpacker.blockColumns() < mma.layout.getK(); }
  /// Of what is made of the block's activations.
  mpgemm::ActivationLayout tables() const { return {unpacker.blockColumns(), mma.interleaved}; }
  MmaOperands unpackedAs(mlir::Value column) const;
  void emitTables(const MmaOperands &of, mlir::Value rows, mlir::Value columns);
  void emitPairs(const MmaOperands &of, mlir::Value block, mlir::Value index, mlir::Value to);
  mlir::Value scaledSum(const MmaOperands &of, mlir::Value block, mlir::Value index, int64_t first, int64_t lanes);
  mlir::Value numbersAt(const mpgemm::ActivationLayout &layout, mlir::Value base, mlir::Type type, int64_t group,
                        mlir::Value block, mlir::Value index) const;
  using Visit = llvm::function_ref<void(mlir::Value row0, mlir::Value vector, int64_t first)>;
  void forEachTile(mlir::Value end, Visit visit);
  mlir::Value takeVector(MmaOperands &of, mlir::Value vector, int64_t first) const;
  void emitBlocks(mlir::Value panel, mlir::Value end, const SumPlace &waiting);
  mlir::Value apart() const;
  mlir::Value placeOf(mlir::Value row0, mlir::Value vector) const;
  PanelSums loadSums(mlir::Value place) const;

  KernelBuilder &k;
  MmaOperands mma;
  int64_t tile;
  int64_t columns;    ///< that are unpacked at once
  MinimaPairs pairs;  ///< if there are tables
  int64_t tableGroup; ///< columns whose scaled sums lie together
  bool hasTables;
  PanelUnpacker unpacker;
  int64_t tokens; ///< rows that are multiplied at once
  mlir::Value unpacked, levels; ///< memory; no levels where the format has none that integer sums meet
  mlir::Value sums; ///< memory of all tiles' sums; null where a block is the panel
  mlir::Value scaledSums, offsetSums; ///< memory of what MmaOperands says (SumForm::Offsets); null without
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_MMAWHOLE_H
