//===- ActivationReader.h - reading quantized activations -----*- C++ -*-===//
//
// The activations' side of an integer product, as PanelReader is the weights': codes,
// scales and sums of a tile of rows, which lie as dialects/MPGEMM/ActivationLayout.h
// says, in the order in which a strip's sums stand in their vector
// (codegen/Targets/DotEmitter.h).
//
// Contract: a cursor stands at a column of the tile's first row; the columns that are
// given with it count from there. With interleaved rows a cursor stands at a multiple
// of 32 columns, and a tile of several rows starts at an even row of a block and ends
// in it.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_ACTIVATIONREADER_H
#define NIBBLE_CODEGEN_LOWER_ACTIVATIONREADER_H

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/DotEmitter.h"
#include "dialects/MPGEMM/ActivationLayout.h"

namespace nibble {

/// Where a tile's activations lie.
struct ActivationCursor {
  mlir::Value codes, scales, sums;
  mlir::Value bases; ///< of look-ups
  mlir::Value starts;
  mlir::Value scaledSums; ///< of a block with minima
  int64_t scaleColumns = 0; ///< by which the scales are behind the rest
};

/// A number (f32) of a row, where those of `together` rows lie side by side, index by index. Behind the last are so
/// many more.
mlir::Value placeAmong(KernelBuilder &k, const RowMatrix &numbers, mlir::Value row, mlir::Value index,
                       int64_t together);

class ActivationReader {
public:
  /// `emitter` is null for look-ups, whose codes are tables.
  ActivationReader(KernelBuilder &k, const MmaOperands &mma, const DotRun &run, const DotEmitter *emitter)
      : k(k), mma(mma), run(run), emitter(emitter),
        layout{mma.columns ? mma.columns : mma.layout.getK(), mma.interleaved} {}

  /// At `column` of the rows from row0 on.
  ActivationCursor open(mlir::Value row0, mlir::Value column) const;
  /// `spans` times `columns` further; a scale that covers the row is not left.
  ActivationCursor move(const ActivationCursor &at, mlir::Value spans, int64_t columns) const;

  /// The codes (or tables) at a column, row 0.
  mlir::Value codes(const ActivationCursor &at, int64_t column) const;
  /// The codes at the cursor's column of the rows of the next strip; of pairs.
  mlir::Value nextStrip(const ActivationCursor &at) const { return k.offset(at.codes, layout.rowOffset(run.strip)); }
  /// The same columns of the rows of the first strip to the next ones of the tile's, in bytes; of a tile of pairs that
  /// has `strips`.
  int64_t behindStrips(int64_t strips, int64_t columns) const {
    return columns * layout.interleaved - layout.rowOffset(strips * run.strip);
  }
  /// Bytes of so many strips' scales; of pairs.
  int64_t scalesOf(int64_t strips) const { return layout.numberOffset(strips * run.strip, 0) * 4; }
  /// Bytes from a tile's scales to those `columns` further.
  int64_t scalesBehind(int64_t columns) const;
  /// Where the sums are that are `columns` further.
  mlir::Value sumsBehind(const ActivationCursor &at, int64_t columns) const;
  /// The same of a strip's first row.
  mlir::Value stripCodes(mlir::Value codes, int64_t strip) const;
  /// The operands of a strip's rows for `count` quads that are `stride` quads apart; `codes` as codes() gives it.
  KernelBuilder::Values operands(mlir::Value codes, int64_t strip, int64_t count, int64_t stride) const;
  /// f32, in the order of the strip.
  mlir::Value scale(const ActivationCursor &at, int64_t strip, int64_t column) const;
  /// Where that stands of a strip of pairs: four numbers, and those of the next strips behind them.
  mlir::Value scalesAt(const ActivationCursor &at, int64_t strip, int64_t column) const;
  /// Sums of a run's codes, i32, in the order of the strip.
  mlir::Value codeSums(const ActivationCursor &at, int64_t strip, int64_t column) const {
    return codeSums(at, strip, column, columnsOfRun());
  }
  /// The same of `columns` columns.
  mlir::Value codeSums(const ActivationCursor &at, int64_t strip, int64_t column, int64_t columns) const;
  /// What a run, or a part of one, starts with, in the order of the strip; where MmaOperands has that.
  mlir::Value start(const ActivationCursor &at, int64_t strip, int64_t column) const;
  /// The sums of both runs of 32 columns, 16 bits each.
  mlir::Value pairOfSums(const ActivationCursor &at, int64_t strip, int64_t column) const;
  /// The sum of a group's codes times their activation scale, f32, in the order of the strip; where MmaOperands has
  /// them.
  mlir::Value scaledSum(const ActivationCursor &at, int64_t strip, int64_t column) const;
  /// Where that stands of the first strip: four numbers a strip of pairs, strips one behind the other.
  mlir::Value scaledSumsAt(const ActivationCursor &at, int64_t column) const;
  /// So many strips further; behind a block's last strip the next group begins.
  mlir::Value nextScaledSums(mlir::Value from, int64_t strips) const;
  /// i32; a tile of look-ups has one row.
  mlir::Value base(const ActivationCursor &at, int64_t column) const;

  /// Bytes of codes from one column to the next: tables have several a column.
  int64_t columnBytes() const { return emitter ? 1 : mpgemm::kQuadEntries / mpgemm::kQuadColumns; }

private:
  mlir::Value spread(mlir::Type type, mlir::Value pointer, int64_t stride, int64_t strip, int64_t index) const;
  /// Columns of what lies together of the scaled sums.
  int64_t scaledGroup() const { return mma.layout.getPanelLayout().group * (mma.pairs != MinimaPairs::None ? 2 : 1); }
  int64_t columnsOfRun() const { return run.quads * mma.layout.getKr(); }

  KernelBuilder &k;
  const MmaOperands &mma;
  const DotRun &run;
  const DotEmitter *emitter;
  mpgemm::ActivationLayout layout;
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_ACTIVATIONREADER_H
