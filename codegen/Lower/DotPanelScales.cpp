//===- DotPanelScales.cpp - where integer sums meet scales ----------------===//
//
// See DotPanel.h. Scales and minima of a span in f32, and integer scales of its runs.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// What multiplies the integer sums of a span; with one level a unit is a record, and its groups have their own float
/// scale.
Value DotPanel::floatScale(Value record, const Unit &unit, int64_t column, int64_t v) {
  int64_t group = column / panel.group;
  int64_t number = panel.isTwoLevel() ? 0 : group;
  if (mma.range && dot.strip == 2 && !panel.isTwoLevel()) // an f32, as it is
    return emitter->loadSpread(k, dot, k.offset(record, panel.scaleOffset(number, (mma.firstVector + v) * dot.lanes)));
  Value dw = reader.scale(record, number, mma.firstVector + v);
  if (panel.isTwoLevel() && runs == 1)
    dw = k.mulf(dw, k.intToFloat(reader.subScale(unit.subScales, group, mma.firstVector + v), k.f32()));
  return spread(dw);
}

/// What multiplies the scaled sums of activation codes of a run.
Value DotPanel::floatMinimum(Value record, const Unit &unit, int64_t column, int64_t v) {
  int64_t group = column / panel.group;
  Value mw = reader.minimum(record, panel.isTwoLevel() ? 0 : group, mma.firstVector + v);
  if (panel.isTwoLevel())
    mw = k.negf(k.mulf(mw, k.intToFloat(reader.subMinimum(unit.subMinima, group, mma.firstVector + v), k.f32())));
  return spread(mw);
}

/// A span's integer sums meet the scales, and the minima follow.
DotPanel::Tile DotPanel::scaleSpan(Value record, const Unit &unit, int64_t column, ArrayRef<Value> integers,
                                   Tile sums) {
  Tile da;
  for (int64_t strip = 0; strip < strips(); ++strip)
    da.push_back(activations.scale(unit.x, strip, column));
  for (int64_t v = 0; v < mma.vectors; ++v) {
    Value dw = floatScale(record, unit, column, v);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value &acc = sums[strip * mma.vectors + v];
      Value dots = integers[strip * mma.vectors + v];
      dots = emitter ? emitter->toFloat(k, dots, leftHeight(column)) : k.intToFloat(dots, k.f32());
      acc = k.fma(k.mulf(dw, da[strip]), dots, acc);
    }
  }
  if (panel.hasMin)
    addMinima(record, unit, column, da, sums);
  return sums;
}

void DotPanel::addMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da, Tile &sums) {
  for (int64_t first = column; first < column + run * runs; first += std::min(run, panel.group))
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value mw = floatMinimum(record, unit, first, v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &acc = sums[strip * mma.vectors + v];
        Value scaled = mma.scaledSums.pointer
                           ? activations.scaledSum(unit.x, strip, first)
                           : k.mulf(da[strip], k.intToFloat(activations.codeSums(unit.x, strip, first), k.f32()));
        acc = k.fma(mw, scaled, acc);
      }
    }
}

/// A vector's run, with its integer scale where sums meet one.
DotRun DotPanel::runOf(const Unit &unit, int64_t column, int64_t v) {
  DotRun of = dot;
  of.codes.offset <<= leftHeight(column);
  if (mma.levels) {
    int64_t at = levels.scale(column / run, (mma.firstVector + v) * dot.lanes);
    of.scale = k.load(emitter->scaleType(k, dot), k.offset(unit.subScales, at), 4);
    return of;
  }
  if (runs > 1)
    of.scale = spread(reader.subScale(unit.subScales, column / panel.group, mma.firstVector + v));
  if (of.scale && emitter)
    of.scale = emitter->integerScale(k, dot, of.scale);
  return of;
}

/// A span in the order of strips: the same operations on each sum.
void DotPanel::emitStrips(Value record, const Unit &unit, int64_t column, Tile &sums) {
  for (int64_t v = 0; v < mma.vectors; ++v) {
    SmallVector<Tile> w;
    SmallVector<DotRun> of;
    Tile mw;
    for (int64_t i = 0; i < runs; ++i) {
      int64_t first = column + i * run;
      w.push_back(weights(unit.codes, first / panel.kr, 1, dot.quads, v));
      of.push_back(runOf(unit, first, v));
      if (panel.hasMin)
        mw.push_back(floatMinimum(record, unit, first, v));
    }
    Value dw = floatScale(record, unit, column, v);
    ActivationCursor at = unit.x; // moves from strip to strip
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value total;
      Tile codeSums(runs);
      for (int64_t i = 0; i < runs; ++i) {
        int64_t first = column + i * run;
        if (dot.codes.offset || panel.hasMin)
          codeSums[i] = activations.codeSums(unit.x, strip, first);
        Value ofCodes = dot.codes.offset ? codeSums[i] : Value();
        KernelBuilder::Values a = activations.operands(activations.codes(at, first), 0, dot.quads, 1);
        Value dots = emitter->multiply(k, of[i], emitter->start(k, of[i], ofCodes), w[i], a);
        dots = emitter->finish(k, of[i], dots, ofCodes);
        total = total ? k.add(total, dots) : dots;
      }
      Value &acc = sums[strip * mma.vectors + v], da = activations.scale(unit.x, strip, column);
      acc = k.fma(k.mulf(dw, da), emitter->toFloat(k, total, shift), acc);
      for (auto [i, m] : llvm::enumerate(mw))
        acc = k.fma(m, k.mulf(da, k.intToFloat(codeSums[i], k.f32())), acc);
      at.codes = emitter->after(k, activations.nextStrip(at), acc);
    }
  }
}

} // namespace nibble
