//===- DotPanelRow.cpp - orders of a unit for a row alone -----------------===//
//
// See DotPanel.h. A row alone has few sums and many codes, which would wait in registers for their products:
// vector after vector of the panel's rows takes a unit's runs, and codes of one and two bits are
// multiplied where they lie in their bytes.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/CodesInPlace.h"
#include "codegen/Lower/DotPanel.h"

#include <utility>

using namespace mlir;

namespace nibble {

/// Columns of a unit whose activations stay in registers while vector after vector of weights passes by.
constexpr int64_t kApartColumns = 64;

/// The registers that a row alone wants with so many weight vectors at once, scales of a record aside: sums in f32,
/// those of a run and of a span, a mask for each plane of the codes and its bytes for all but the widest, which change,
/// tables, and two quads' bytes, activations and what becomes of them.
int64_t DotPanel::registersOf(int64_t vectors) const {
  constexpr int64_t kTableBytes = 16, kQuads = 6;
  int64_t planes = panel.planes().size();
  int64_t tables = reader.looksUp() ? llvm::divideCeil(int64_t(1) << panel.codeBits, kTableBytes) : 0;
  if (reader.quadsTogether() > 1) // and their numbers take as many
    tables = reader.quadsTogether();
  return mma.row->vectors + vectors * (runs > 1 ? 2 : 1) + planes + vectors * (planes - 1) + tables + kQuads;
}

/// Whether that and the float scales and minima of a record are more registers than there are: those of several units
/// live through all of them. Bytes with a sign take as many more for their magnitudes and for activations with their
/// sign, which leaves none for minima that are loaded early.
bool DotPanel::isCrowded() const {
  if (tokens > 1 || !emitter)
    return false;
  int64_t scales = (panel.hasMin ? 2 : 1) * mma.row->vectors;
  if (panel.unitsPerRecord() > 1)
    return exceeds(registersOf(mma.vectors) + scales);
  return dot.codes.isSigned && panel.hasMin && exceeds(registersOf(mma.vectors) + 2 * scales);
}

/// Of a row alone: where a unit has fields of several spans, parts that are to be joined for several runs, or numbers
/// that are looked up, the order of spans makes more of them than the registers hold before the first is multiplied.
bool DotPanel::takesVectorsApart() const {
  if (tokens > 1 || !emitter)
    return false;
  if (!emitter->takesVectorsApart(dot) && (groups > 1 || !exceeds(registersOf(mma.vectors))))
    return false;
  if (staysInPlace()) // the conversion of a run's sums to float shifts them, if all its codes are as high
    return runs == 1 && hasFieldOfRun(panel, run) && emitter->scalesSums() && !emitter->walksInLoop();
  if (mma.vectors == 1 || panel.unitSpan() > kApartColumns)
    return false;
  bool isJoined = panel.planes().size() > 1, waits = runs == 1 ? panel.unitSpan() > run : isJoined;
  return emitter->readsAgain() ? isJoined : waits || reader.looksUp();
}

/// A unit in the order of vectors: the same operations on each sum.
DotPanel::Tile DotPanel::emitVectors(Value record, Unit unit, Tile sums) {
  int64_t columns = panel.unitSpan();
  if (staysInPlace())
    columns = std::min(columns, emitter->runsTogether(dot) * run * groups);
  for (int64_t first = 0; first < panel.unitSpan(); first += columns)
    for (int64_t v = 0; v < mma.vectors; ++v) {
      MmaOperands one = mma;
      one.firstVector += v, one.vectors = 1;
      DotPanel part(k, one, tokens);
      part.reader.shareBook(reader);
      sums[v] = runs == 1 && !emitter->readsAgain() ? part.emitVector(record, unit, first, columns, sums[v])
                                                    : part.emitUnit(record, unit, {sums[v]})[0];
      unit.codes = emitter->after(k, unit.codes, sums[v]);
      if (!emitter->readsAgain())
        continue;
      unit.x.codes = emitter->after(k, unit.x.codes, sums[v]);
      if (unit.subScales)
        unit.subScales = emitter->after(k, unit.subScales, sums[v]);
    }
  return sums;
}

/// The only vector: codes in the bit fields of one vector of the widest plane follow each other, whatever run they are
/// of. Those that stay in place are as high as their run's field.
Value DotPanel::emitVector(Value record, const Unit &unit, int64_t column, int64_t columns, Value sum) {
  SmallVector<Tile> operands;
  SmallVector<DotRun> of;
  Tile dots, ofCodes;
  for (int64_t first = column; first < column + columns; first += run) {
    of.push_back(dot);
    of.back().codes.offset <<= leftHeight(first), of.back().codes.bits += leftHeight(first);
    ofCodes.push_back(dot.codes.offset ? activations.codeSums(unit.x, 0, first) : Value());
    dots.push_back(emitter->start(k, of.back(), ofCodes.back()));
    operands.push_back(activations.operands(activations.codes(unit.x, first), 0, dot.quads, 1));
  }
  int64_t apart = panel.vectorsOf(panel.planes()[0]);
  Value codes = unit.codes;
  for (int64_t first = 0; first < apart; ++first) {
    for (int64_t quad = column / panel.kr + first; quad < (column + columns) / panel.kr; quad += apart) {
      int64_t index = quad / dot.quads - column / run;
      Value weights = codesOf(codes, quad, 0, leftHeight(column + index * run));
      dots[index] = emitter->multiply(k, of[index], dots[index], weights, operands[index][quad % dot.quads]);
    }
    if (staysInPlace()) // few registers are left for what is loaded too early
      codes = emitter->after(k, codes, dots.back());
  }
  Tile sums = {sum}, scaled(1);
  for (auto [index, total] : llvm::enumerate(dots)) {
    int64_t first = column + int64_t(index) * run, next = first + run;
    Tile integer = {emitter->finish(k, of[index], total, ofCodes[index])};
    if (groups == 1) {
      sums = scaleSpan(record, unit, first, integer, sums);
      continue;
    }
    addGroup(record, unit, first, integer, scaled);
    if (next % span() == 0)
      sums = scaleGroups(record, unit, next - span(), std::exchange(scaled, Tile(1)), sums);
  }
  return sums[0];
}

/// A unit whose codes stay in place. Vector after vector of the panel takes the runs whose activations the registers
/// hold, so that its bytes are loaded once for all their fields; where that is one run, all vectors take it. Without
/// the order LLVM keeps the bytes of all vectors and spills them.
DotPanel::Tile DotPanel::emitInPlace(Value record, const Unit &unit, ArrayRef<Value> sums) {
  int64_t span = this->span(), together = std::min(panel.unitSpan(), emitter->runsTogether(dot) * span);
  int64_t vectors = together > span ? 1 : mma.vectors;
  Tile result(sums);
  Unit moved = unit;
  for (int64_t column = 0; column < panel.unitSpan(); column += together)
    for (int64_t v = 0; v < mma.vectors; v += vectors) {
      MmaOperands some = mma;
      some.firstVector += v, some.vectors = vectors;
      DotPanel part(k, some, tokens);
      MutableArrayRef<Value> own = MutableArrayRef(result).slice(v, vectors);
      for (int64_t first = column; first < column + together; first += span)
        llvm::copy(part.emitSpan(record, moved, first, Tile(own)), own.begin());
      const Unit &from = emitter->registers() ? moved : unit; // pointers that move on need no copy
      moved.codes = emitter->after(k, from.codes, own.back());
      if (v + vectors < mma.vectors)
        continue;
      for (Value ActivationCursor::*pointer :
           {&ActivationCursor::codes, &ActivationCursor::scales, &ActivationCursor::sums})
        moved.x.*pointer = emitter->after(k, from.x.*pointer, own.back());
      if (emitter->readsAgain()) // no register is left for scales that all runs have in common
        record = emitter->after(k, record, own.back());
    }
  return result;
}

} // namespace nibble
