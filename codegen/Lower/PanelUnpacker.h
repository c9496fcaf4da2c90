//===- PanelUnpacker.h - columns of a panel, unpacked ----------*- C++ -*-===//
//
// What: a block of a panel's columns in a form that costs no instruction to read:
// codes as bytes of the numbers that the instruction multiplies, scales and minima
// in f32. Of float products, the values of the weights.
// Floats of 16 bits are unpacked to f32 by the unit of columns, too.
// Why: a tile has few rows of activations, because its sums must fit the
// registers. Unpacked for each tile, three bits cost more than their products;
// unpacked once for many tiles, every format is multiplied at about the same rate.
// Contract: what is unpacked is a panel itself, of a layout that only the kernel
// sees, so that DotPanel and FloatPanel read it like any other and do the same
// operations on the same numbers. A block starts and ends with units of the layout.
// Integer scales that integer sums meet, those of groups below 32 columns, lie apart
// from it (LevelPlace.h): then its records have the float scale and the groups' minima.
// Integer scales that a byte takes with its number are folded (FoldedScales.h).
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_PANELUNPACKER_H
#define NIBBLE_CODEGEN_LOWER_PANELUNPACKER_H

#include "codegen/Lower/LevelPlace.h"
#include "codegen/Lower/PanelReader.h"
#include "codegen/Targets/DotEmitter.h"

namespace nibble {

/// Columns of a record of an unpacked block: those of an activation scale.
inline constexpr int64_t kUnpackedRecord = 32;

/// Whether a panel may as well be multiplied as it is: codes are bytes. With minima it is not, for what these meet is
/// made of the activations once.
bool isUnpacked(lowbit::BlockType block);

/// Whether signed bytes hold the numbers less their zero point.
bool fitSignedBytes(mpgemm::LayoutAttr layout);

class PanelUnpacker {
public:
  /// `emitter` as PanelReader has it; null for float products. A block has `columns`, unpacked as panels of one vector
  /// each where a tile walks them (DotPanelWalk.cpp), or 0: what tiles share best.
  /// `takesOffsets`: bytes are the numbers themselves, less their zero point, which must fit signed bytes.
  /// `pairs`: minima lie as DotEmitter::packMinima makes them, in the place of those of two groups of 16 columns.
  /// `joinsHalves`: columns lie as those of ActivationLayout::joinsHalves, and integer scales as LevelPlace.h says.
  PanelUnpacker(KernelBuilder &k, mpgemm::LayoutAttr layout, const InstructionRow *row, const DotEmitter *emitter,
                int64_t columns = 0, bool takesOffsets = false, bool joinsHalves = false,
                MinimaPairs pairs = MinimaPairs::None);

  /// Memory of placeOfTables().
  void lookUpIn(mlir::Value tables) { reader.lookUpIn(tables); }
  const mpgemm::PanelLayout &source() const { return panel; }
  /// Of a block.
  mpgemm::LayoutAttr layout() const { return unpacked; }
  /// What the bytes of a block are; not for float products.
  CodeRange range() const { return takesOffsets ? CodeRange{8, true, 0} : folded ? foldedRange : reader.range(); }
  /// Columns that a block's kernel sums up as integers before they meet a scale.
  int64_t runColumns() const {
    return folded || joinsHalves ? kUnpackedRecord : std::min(panel.group, kUnpackedRecord);
  }
  /// Numbers are 2^height times what they should be, which the conversion of sums to float takes away.
  unsigned height() const {
    return takesOffsets && !folded && emitter && emitter->scalesSums() && reader.hasSignedNibbles() ? 4 : 0;
  }
  /// The integer scales of a record where they lie apart: no groups if there are none.
  const LevelPlace &levels() const { return levelPlace; }
  /// How a block's kernel takes the offset of its codes away, if sums do not start with that. Emitters that pair
  /// offsets multiply those of a run alone, which does for groups that cannot be paired.
  SumForm sumForm() const;
  /// The parts of a block's runs whose sums start with what an offset takes away: of no quads if there are none. With
  /// integer scales what an offset of the part's own takes away would have to be scaled, too.
  DotRun runPart() const;
  /// What they start with, of these activations.
  mlir::Value starts(mlir::Value activations) const { return emitter->starts(k, runPart(), activations); }
  /// Records of a super block whose float scale meets its sum; 0: it meets each record's.
  int64_t recordsOfBlock() const { return scalesBlocks ? panel.recordSpan() / kUnpackedRecord : 0; }
  /// Whether minima of a block are integers (i32) that meet minus dmin at the super block's end: a record has that in
  /// place of its second group's scale, which is its first one's.
  bool countsMinima() const { return minimaCount; }
  int64_t unitsPerBlock() const { return units; }
  int64_t blockColumns() const { return units * panel.unitSpan(); }
  int64_t blockBytes() const { return place.panels() * place.panelBytes(); }
  /// Of a panel of the block, and of integer scales that lie apart: of such a panel, and of all.
  int64_t partBytes() const { return place.panelBytes(); }
  bool isInParts() const { return place.panels() > 1; }
  int64_t levelsOfPart() const { return blockColumns() / kUnpackedRecord * levelPlace.recordBytes(); }
  int64_t levelBytes() const { return place.panels() * levelsOfPart(); }

  /// Unpacks units [first, first + count) of the panel at `panelPointer` to `out`, and levels that lie apart to
  /// `levelsOut` (null if there are none).
  void emit(mlir::Value panelPointer, mlir::Value first, mlir::Value count, mlir::Value out, mlir::Value levelsOut);
  /// Where a unit's packed codes stand, and how many bytes those of a block are, with what stands between them.
  mlir::Value packedAt(mlir::Value panelPointer, mlir::Value unit);
  int64_t packedBytes() const;

private:
  /// Where a unit's parts lie.
  struct Unit : PanelUnit {
    mlir::Value record;
  };
  Unit unitAt(mlir::Value panelPointer, mlir::Value number);
  mlir::Value partOf(mlir::Value out, int64_t v, int64_t bytes) const;
  int64_t rowOf(int64_t v) const { return v * lanes % place.nr; } ///< in its part of the block
  void emitUnit(const Unit &unit, mlir::Value out);
  void emitFields(const Unit &unit, mlir::Value out);
  void emitRecord(const Unit &unit, int64_t column, mlir::Value out);
  void emitScales(const Unit &unit, int64_t column, int64_t v, mlir::Value out);
  void emitLevels(const Unit &unit, int64_t record, mlir::Value out);
  void emitValues(const Unit &unit, mlir::Value out);
  void emitFloats(mlir::Value columns, mlir::Value out);
  mlir::Value scaleOf(const Unit &unit, int64_t group, int64_t v);
  mlir::Value minimumOf(const Unit &unit, int64_t group, int64_t v);
  DotRun run() const;
  int64_t recordsOfField() const;
  void joinQuads(KernelBuilder::Values &quads);
  void storeQuads(const Unit &unit, int64_t column, int64_t v, mlir::Value codes);
  KernelBuilder::Values bytesOf(const Unit &unit, int64_t quad, int64_t v);
  void findProducts(lowbit::BlockType block);
  mlir::Value foldedBytes(const Unit &unit, mlir::Value bytes, int64_t quad, int64_t v);

  KernelBuilder &k;
  const InstructionRow *row;
  const DotEmitter *emitter;
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  int64_t lanes, vectors, units;
  bool takesOffsets, joinsHalves;
  MinimaPairs pairs;
  bool scalesBlocks = false, minimaCount = false;
  int64_t folded = 0; ///< FoldedScales::factor; 0: not folded
  CodeRange foldedRange;
  llvm::SmallVector<int8_t> products; ///< folded bytes by their code and, above it, scale; empty: they are multiplied
  LevelPlace levelPlace;
  mpgemm::LayoutAttr unpacked;
  mpgemm::PanelLayout place; ///< of `unpacked`
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_PANELUNPACKER_H
