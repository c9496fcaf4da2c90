//===- DotPanel.h - integer dot products of a panel -----------*- C++ -*-===//
//
// The kernel of a panel of weights and a tile of rows of 8-bit activations. MmaDot.cpp
// walks the panel, DotPanelRow.cpp in other orders for a row alone; DotPanelProducts.cpp
// makes the integer sums of a span of columns, DotPanelInPlace.cpp those of codes that stay
// in their bit fields, and DotPanelScales.cpp brings these and float scales together; DotPanelMemory.cpp says which
// sums of a tile wait in memory.
//
// Contract: the chain of operations of a sum is the one of MmaKernel.h, whatever the
// tile.
//
//===----------------------------------------------------------------------===//

#ifndef NIBBLE_CODEGEN_LOWER_DOTPANEL_H
#define NIBBLE_CODEGEN_LOWER_DOTPANEL_H

#include "codegen/Lower/ActivationReader.h"
#include "codegen/Lower/CodeFields.h"
#include "codegen/Lower/LevelPlace.h"
#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/DotEmitter.h"

namespace nibble {

class DotPanel {
public:
  using Value = mlir::Value;
  using Type = mlir::Type;

  DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens);

  /// All of the panel, added to `sums`, or to zero if there are none.
  PanelSums emit(Value panelPointer, Value row0, PanelSums sums);
  /// All of the panel, with sums in mma.memory from zero on.
  PanelSums emitWaiting(Value panelPointer, Value row0);
  /// What of `place` the sums wait in.
  SumPlace waiting(const SumPlace &place) const;
  /// From the order of strips to one vector per row of activations.
  PanelSums rowsOf(llvm::ArrayRef<Value> sums);

private:
  /// Where a unit's operands lie; integer scales may lie apart (LevelPlace.h).
  struct Unit : PanelUnit {
    ActivationCursor x; ///< at the unit's first column
    /// In a walk, bytes from what is loaded last of a record to the next record's: of weights, of activations, and of
    /// their scales unless these are read at their distance from the first.
    Value toWeights = {}, toCodes = {}, toScales = {};
    Value minima = {}; ///< where a span's last ones were read
  };
  /// Where there are not more registers than this, a row alone is multiplied in order.
  static constexpr int64_t kShortRegisters = 16;
  /// Quads of unpacked bytes that a step of a loop multiplies: for these the registers are enough.
  static constexpr int64_t kStepQuads = 2;
  /// Of so many strips the integer sums of a span stay in registers beside the f32 sums.
  static constexpr int64_t kTotalStrips = 4;
  /// One value a strip and vector, strip by strip.
  using Tile = llvm::SmallVector<Value>;

  int64_t strips() const { return tokens / dot.strip; }
  /// Columns whose products meet one activation scale.
  int64_t span() const { return run * runs * groups; }
  bool passesStrips() const { return dot.strip > 1; }
  /// Whether tiles are of pairs of rows; a row alone has twice the sums then.
  bool passesPairs() const { return mma.row->strip > 1; }
  /// A weight's vector of a value per row, in the order of a strip.
  Value spread(Value rows);

  //===--- walking a panel: MmaDot.cpp ----------------------------------------===//
  Tile emitRecords(Value panelPointer, Value row0, Value first, Value count, Tile sums);
  Tile emitRecord(Value panelPointer, Value row0, Value record, Tile sums);
  Tile loop(Value count, llvm::ArrayRef<Value> sums, llvm::function_ref<Tile(Value index, Tile sums)> body);
  bool fetchesBySpan() const;
  void fetchAhead(Value from, int64_t bytes, Value row0);
  Value fetchInOrder(Value record, Value from, int64_t bytes);
  void fetchLines(Value from, int64_t distance, int64_t bytes, int locality = 3);
  bool fetchesToUnpack() const;
  Tile emitUnit(Value record, const Unit &unit, Tile sums);
  bool readsBytes() const;
  int64_t partQuads() const;
  bool sumsParts() const { return partQuads() > 0; }
  bool goesInOrder() const;
  /// Whether a row alone looks its numbers up in more than one register.
  bool looksLong() const { return tokens == 1 && goesInOrder() && reader.looksUp() && panel.codeBits > 4; }
  bool loadsScalesLast() const;
  /// Codes of three planes of a row alone: two quads at a time, since those of eight wait for activations otherwise.
  bool joinsMany() const { return tokens == 1 && emitter->readsAgain() && panel.planes().size() > 2; }
  Unit after(const Unit &unit, llvm::ArrayRef<Value> sums);
  Tile emitSpan(Value record, const Unit &unit, int64_t column, Tile sums);
  bool isLookup() const { return mma.row->kind == RowKind::Lookup; }
  Unit unitAt(Value record, Value unitIndex, Value column, Value row0);

  //===--- pairs of rows with a panel that was unpacked as a whole: DotPanelWalk.cpp ---===//
  bool walksStrips() const;
  /// Where a tile stands in a panel.
  struct Walk {
    Value record; ///< of float scales and minima: a record, or a super block's first
    Unit unit;
    Value toRecord;       ///< bytes to the next one, from what is read last of it
    Value toMinima;       ///< bytes from a group's minima to those of the record's next group,
    Value toMinimaOfNext; ///< and of the last to those of the next record's first
  };
  Walk startWalk(Value panelPointer, Value row0);
  llvm::SmallVector<Value *> pointersOf(Walk &walk) const;
  PanelSums walkPanel(Walk start, Value count, mlir::ValueRange sums,
                      llvm::function_ref<void(Value index, Walk &, Tile &)> step);
  PanelSums walkRecords(Value panelPointer, Value row0, Value records, mlir::ValueRange sums);
  PanelSums walkBlocks(Value panelPointer, Value row0, Value blocks, mlir::ValueRange sums);
  void walkRecord(Walk &walk, Tile &sums);
  void walkWeights(Unit &at, llvm::SmallVector<Tile> &w, llvm::MutableArrayRef<DotRun> of);
  void scaleWalked(Value record, llvm::ArrayRef<Value> ofBlock, Tile &sums);
  void walkMinima(Walk &walk, Tile &sums);
  int64_t minimaOfRecord() const { return panel.unitSpan() / minimumSpan(); }
  void moveScales(Unit &unit);

  //===--- super blocks whose float scale meets their sum: DotPanelBlocks.cpp ---===//
  PanelSums emitBlocks(Value panelPointer, Value row0, Value records, Tile sums);
  Tile scaleBlock(Value panelPointer, Value row0, Value first, Tile ofBlock, Tile sums);
  Tile addBlockMinima(Value panelPointer, Value row0, Value first, Tile sums);
  void addUnitMinima(Value panelPointer, Value row0, Value number, Value inRecord, Tile &sums);
  void countMinima(Value record, const Unit &unit, int64_t column, llvm::ArrayRef<Value> da,
                   llvm::MutableArrayRef<Value> counts);
  /// Whether that is done span by span, beside the products, in sums that follow those of the super block.
  bool countsInSpans() const { return countsMinima && mma.range && !memory.blockSums; }
  Value minusMinimum(Value record, int64_t v);
  Value recordAt(Value panelPointer, Value index) const;

  //===--- a row alone: DotPanelRow.cpp -----------------------------------------===//
  int64_t registersOf(int64_t vectors) const;
  bool isShort() const { return emitter && emitter->registers() && emitter->registers() <= kShortRegisters; }
  bool exceeds(int64_t registers) const { return emitter->registers() && registers > emitter->registers(); }
  bool takesVectorsApart() const;
  bool isCrowded() const;
  Tile emitVectors(Value record, Unit unit, Tile sums);
  Value emitVector(Value record, const Unit &unit, int64_t column, int64_t columns, Value sum);
  Tile emitInPlace(Value record, const Unit &unit, llvm::ArrayRef<Value> sums);

  //===--- scales and minima: DotPanelScales.cpp --------------------------------===//
  Tile scaleSpan(Value record, const Unit &unit, int64_t column, llvm::ArrayRef<Value> integers, Tile sums);
  /// What a vector's integer sums of a span meet, in registers or where it stands. Of a block that was unpacked ahead
  /// minima, and in a large tile the float scale beside integer scales or another float scale, are read for each strip
  /// anew.
  struct StripScales {
    Tile dw, scaleAt;  ///< of each group that is added in f32, or one
    Tile mw, minimaAt; ///< of each group
    Tile da;           ///< of strips whose activation scales were loaded together
  };
  void emitStrips(Value record, Unit &unit, int64_t column, Tile &sums);
  void emitStripRuns(Value record, const Unit &unit, int64_t column, int64_t v, Tile &sums);
  Value stripRun(Unit &at, int64_t first, int64_t v, int64_t strip, DotRun of, llvm::ArrayRef<Value> w,
                 llvm::ArrayRef<Value> a, Value &before);
  Value afterStrip(Value pointer, Value done);
  bool keepsScales() const;
  bool keepsFloatScale(int64_t group) const;
  Value floatScale(StripScales &scales, int64_t group, Value done);
  int64_t scalesTogether() const;
  Value activationScale(StripScales &scales, Unit &at, int64_t column, int64_t strip, Value done);
  /// Whether a strip's 32 columns are loaded by one instruction, which moves the pointer for free; runs of fewer
  /// columns are loaded at an offset, from a pointer that stays.
  bool loadsSpans() const {
    return run == mpgemm::kActivationGroup || (keepsScales() && (groups > 1 ? keepsFloatScale(0) : bool(mma.levels)));
  }
  StripScales stripScales(Value record, const Unit &unit, int64_t column, int64_t v);
  void scaleStrip(StripScales &scales, Unit &at, int64_t column, int64_t v, int64_t strip, Value total, Value &acc);
  DotRun runOf(const Unit &unit, int64_t column, int64_t v);
  Value floatScale(Value record, const Unit &unit, int64_t column, int64_t v);
  Value scaleAt(Value record, int64_t column, int64_t v);
  Value minimumAt(Value record, int64_t column, int64_t v);
  Tile addGroups(Value record, const Unit &unit, int64_t column, Tile sums);
  void addGroup(Value record, const Unit &unit, int64_t column, llvm::ArrayRef<Value> integers, Tile &scaled);
  Tile scaleGroups(Value record, const Unit &unit, int64_t column, llvm::ArrayRef<Value> scaled, Tile sums);
  /// Where a span's integer sums meet floats: the f32 sums in memory that they are added to.
  Value spanSums() const { return scalesBlocks ? memory.blockSums : memory.sums; }
  bool addsSpanMinima() const { return panel.hasMin && !scalesBlocks; }
  int64_t minimumSpan() const { return std::min(run, panel.group); }
  Value scaledSum(const Unit &unit, int64_t strip, int64_t column, Value da);
  Value floatMinimum(Value record, const Unit &unit, int64_t column, int64_t v);
  void addMinima(Value record, const Unit &unit, int64_t column, llvm::ArrayRef<Value> da, Tile &sums);
  /// Whether a strip's minima follow those of all strips' products: they meet floats that lie side by side.
  bool addsMinimaLast() const { return mma.range && passesStrips() && mma.scaledSums.pointer && !scalesBlocks; }
  Value plusMinima(Value sum, llvm::ArrayRef<Value> minima, Value four, int64_t strip);
  void addGroupMinima(llvm::ArrayRef<Value> minima, Unit &at, int64_t v, Tile &sums);
  int64_t minimaTogether() const { return mma.pairs != MinimaPairs::None ? 2 : 1; }
  Value loadMinima(Value pointer) const {
    return minimaTogether() == 2 ? emitter->loadPacked(k, dot, pointer) : emitter->loadSpread(k, dot, pointer);
  }
  void addStripMinima(llvm::ArrayRef<Value> places, Unit &at, int64_t column, int64_t v, Tile &sums);

  //===--- integer sums: DotPanelProducts.cpp -----------------------------------===//
  Tile integerSums(const Unit &unit, int64_t column);
  Tile lookUp(const Unit &unit, int64_t column, llvm::ArrayRef<Value> codeSums);
  Tile multiplyRun(const Unit &unit, int64_t column, llvm::ArrayRef<Value> codeSums, llvm::ArrayRef<DotRun> of,
                   Tile before);
  /// `count` quads of a unit, `stride` apart.
  struct Quads {
    Value codes; ///< of the unit
    int64_t first, stride, count;
    Value x; ///< the activations of the first
    bool fills = false; ///< the registers: a strip's activations are loaded when the sums of the one before are there
  };
  void multiplyQuads(const Quads &quads, llvm::ArrayRef<DotRun> of, Tile &dots);
  int64_t quadsOfPiece() const;
  bool multipliesPieces() const { return quadsOfPiece() < dot.quads / narrowest(); }
  void multiplyStrip(Quads at, llvm::ArrayRef<DotRun> of, Tile &dots);
  void multiplyLookedUp(Quads at, llvm::ArrayRef<DotRun> of, Tile &dots);
  void multiplyStrips(Quads quads, llvm::ArrayRef<DotRun> of, Tile &dots);
  void accumulateQuads(Quads at, llvm::ArrayRef<DotRun> of, Tile &dots);
  void multiplyApart(Quads quads, llvm::ArrayRef<DotRun> of, Tile &dots);
  Tile multiplyUnpacked(const Unit &unit, int64_t column, Value x, llvm::ArrayRef<DotRun> of, Tile dots);
  Tile multiplyParts(const Unit &unit, int64_t column, Value x, llvm::ArrayRef<DotRun> of, Tile sums);
  void multiplyInOrder(Value codes, int64_t quad, int64_t count, Value x, llvm::ArrayRef<DotRun> of, Tile &dots);
  void addOffsets(const Unit &unit, int64_t column, Tile &total);
  Tile weights(Value codes, int64_t quad, int64_t stride, int64_t count, int64_t v);
  llvm::SmallVector<int64_t> order(int64_t count) const;
  int64_t narrowest() const;

  //===--- codes in their bit fields: DotPanelInPlace.cpp -----------------------===//
  bool staysInPlace() const;
  CodeFieldKind fieldKind() const { return {panel, *reader.step(), emitter->widestInPlace(dot)}; }
  unsigned leftHeight(int64_t column) const;
  Value codesOf(Value codes, int64_t quad, int64_t v, unsigned height);
  /// A run's fields, and the operands of each strip, quad by quad.
  struct FieldRun {
    llvm::SmallVector<CodeField> fields;
    int64_t column;
    llvm::SmallVector<KernelBuilder::Values> operands;
  };
  Tile multiplyInPlace(const Unit &unit, int64_t column, llvm::ArrayRef<Value> codeSums, llvm::ArrayRef<DotRun> of);
  Tile multiplyFields(const FieldRun &run, Value codes, int64_t v, llvm::ArrayRef<Value> codeSums, DotRun of);
  void multiplyField(const FieldRun &run, const CodeField &field, Value codes, int64_t v, const DotRun &of,
                     Tile &sums);

  //===--- sums that wait in memory: DotPanelMemory.cpp -------------------------===//
  bool sumsWait() const;
  bool panelSumsWait() const;
  bool totalsWait() const { return memory.totals && 3 * strips() * mma.vectors >= emitter->registers(); }
  void addTotals(llvm::ArrayRef<Value> totals, Tile &sums, bool wait);
  Tile loadTile(Value pointer, Type element);
  void storeTile(llvm::ArrayRef<Value> sums, Value pointer);

  KernelBuilder &k;
  const MmaOperands &mma;
  const DotEmitter *emitter; ///< null for look-ups
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  int64_t tokens;
  int64_t run;  ///< columns of a run
  int64_t runs; ///< whose integer sums are added before they meet a float scale
  int64_t groups = 1; ///< of a span, whose scaled sums are added in f32
  bool countsMinima = false; ///< integer minima meet their float scale at a super block's end
  bool scalesBlocks = false; ///< spans meet their activation scale only, and super blocks the float scale and minima
  LevelPlace levels; ///< of a block whose integer scales lie apart
  DotRun dot;
  ActivationReader activations;
  int64_t startQuads = 0; ///< of the parts of a run that start with what the offset takes away; 0: no parts do
  int64_t subtracted = 0; ///< from the weights, as bytes: the offset, unless sums start with it
  Value panelStart;       ///< of the panel that is walked
  SumPlace memory;        ///< of the tile's sums; null in registers
  unsigned shift = 0;     ///< the weights' bytes are 2^shift times their numbers
};

} // namespace nibble

#endif // NIBBLE_CODEGEN_LOWER_DOTPANEL_H
