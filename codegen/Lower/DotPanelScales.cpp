//===- DotPanelScales.cpp - where integer sums meet scales ----------------===//
//
// See DotPanel.h. Scales and minima of a span in f32, and integer scales of its runs.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// Of so many strips the integer sums of a span stay in registers beside the f32 sums.
constexpr int64_t kTotalStrips = 4;

/// What multiplies the integer sums of a span; with one level a unit is a record, and its groups have their own float
/// scale.
Value DotPanel::floatScale(Value record, const Unit &unit, int64_t column, int64_t v) {
  int64_t group = column / panel.group;
  int64_t number = panel.isTwoLevel() ? 0 : group;
  if (mma.range && passesStrips()) // an f32, as it is
    return emitter->loadSpread(k, dot, k.offset(record, panel.scaleOffset(number, (mma.firstVector + v) * dot.lanes)));
  Value dw = reader.scale(record, number, mma.firstVector + v);
  if (panel.isTwoLevel() && runs == 1)
    dw = k.mulf(dw, k.intToFloat(reader.subScale(unit.subScales, group, mma.firstVector + v), k.f32()));
  return spread(dw);
}

/// What multiplies the scaled sums of activation codes of a run.
Value DotPanel::floatMinimum(Value record, const Unit &unit, int64_t column, int64_t v) {
  int64_t group = column / panel.group;
  if (mma.range && passesStrips())
    return emitter->loadSpread(k, dot, k.offset(record, panel.minOffset(group, (mma.firstVector + v) * dot.lanes)));
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

/// `pointer`, to be read through once `done` is there.
Value DotPanel::afterStrip(Value pointer, Value done) {
  return emitter->ordersScales() ? emitter->after(k, pointer, done) : pointer;
}

/// A strip's integer sum of a run. `at` stands at the strip's activations; integer scales that lie apart are loaded
/// once the products are there.
Value DotPanel::stripRun(Unit &at, int64_t first, int64_t v, int64_t strip, DotRun of, ArrayRef<Value> w) {
  Value ofCodes = dot.codes.offset ? activations.codeSums(at.x, strip, first) : Value();
  KernelBuilder::Values a = activations.operands(activations.codes(at.x, first), 0, dot.quads, 1);
  Value dots = emitter->multiply(k, of, emitter->start(k, of, ofCodes), w, a);
  if (mma.levels) {
    at.subScales = afterStrip(at.subScales, dots);
    of = runOf(at, first, v);
  }
  return emitter->finish(k, of, dots, ofCodes);
}

/// A strip's integer sum of a span meets float scales. Of a block that was unpacked ahead, where they are one load,
/// minima, and beside integer scales the float scale, too, are loaded for each strip anew, and activation scales once
/// the sum is there.
void DotPanel::scaleStrip(StripScales &scales, Unit &at, int64_t column, int64_t v, int64_t strip, Value total,
                          Value &acc) {
  if (mma.range)
    at.x.scales = afterStrip(at.x.scales, total);
  if (mma.levels) {
    scales.record = afterStrip(scales.record, total);
    scales.dw = floatScale(scales.record, at, column, v);
  }
  Value da = activations.scale(at.x, strip, column);
  acc = k.fma(k.mulf(scales.dw, da), emitter->toFloat(k, total, shift), acc);
  for (int64_t i = 0; panel.hasMin && i < runs; ++i) {
    int64_t first = column + i * run;
    Value mw = mma.range ? Value() : scales.mw[i];
    if (mma.range) {
      scales.record = afterStrip(scales.record, acc), at.x.sums = afterStrip(at.x.sums, acc);
      mw = floatMinimum(scales.record, at, first, v);
    }
    acc = k.fma(mw, k.mulf(da, k.intToFloat(activations.codeSums(at.x, strip, first), k.f32())), acc);
  }
}

DotPanel::StripScales DotPanel::stripScales(Value record, const Unit &unit, int64_t column, int64_t v) {
  StripScales scales{record, mma.levels ? Value() : floatScale(record, unit, column, v), {}};
  for (int64_t i = 0; panel.hasMin && !mma.range && i < runs; ++i)
    scales.mw.push_back(floatMinimum(record, unit, column + i * run, v));
  return scales;
}

/// A span in the order of strips: the same operations on each sum. The sums of eight strips and a vector's weights
/// leave eight registers for all else.
void DotPanel::emitStrips(Value record, const Unit &unit, int64_t column, Tile &sums) {
  for (int64_t v = 0; v < mma.vectors; ++v) {
    if (runs > 1 && !mma.levels && strips() > 1 && strips() <= kTotalStrips && emitter->ordersScales()) {
      emitStripRuns(record, unit, column, v, sums);
      continue;
    }
    SmallVector<Tile> w;
    SmallVector<DotRun> of;
    for (int64_t i = 0; i < runs; ++i) {
      int64_t first = column + i * run;
      w.push_back(weights(unit.codes, first / panel.kr, 1, dot.quads, v));
      of.push_back(mma.levels ? dot : runOf(unit, first, v));
    }
    StripScales scales = stripScales(record, unit, column, v);
    Unit at = unit; // its activations move from strip to strip
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value total;
      for (int64_t i = 0; i < runs; ++i) {
        Value dots = stripRun(at, column + i * run, v, strip, of[i], w[i]);
        total = total ? k.add(total, dots) : dots;
        if (mma.levels)
          at.x.codes = afterStrip(at.x.codes, total);
      }
      Value &acc = sums[strip * mma.vectors + v];
      scaleStrip(scales, at, column, v, strip, total, acc);
      at.x.codes = afterStrip(activations.nextStrip(at.x), acc);
    }
    record = scales.record;
  }
}

/// The same run by run, where the weights and integer scales of several are more than the registers hold beside the
/// sums, but all strips' integer sums fit.
void DotPanel::emitStripRuns(Value record, const Unit &unit, int64_t column, int64_t v, Tile &sums) {
  Tile totals(strips());
  for (int64_t first = column; first < column + runs * run; first += run) {
    Unit at = unit;
    if (first > column)
      for (Value *pointer : {&at.codes, &at.subScales, &at.x.codes})
        *pointer = afterStrip(*pointer, totals.back());
    Tile w = weights(at.codes, first / panel.kr, 1, dot.quads, v);
    DotRun of = runOf(at, first, v);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value dots = stripRun(at, first, v, strip, of, w), &total = totals[strip];
      total = total ? k.add(total, dots) : dots;
      at.x.codes = afterStrip(activations.nextStrip(at.x), total);
    }
  }
  Unit at = unit;
  for (Value *pointer : {&record, &at.subMinima, &at.x.scales, &at.x.sums})
    if (*pointer)
      *pointer = afterStrip(*pointer, totals.back());
  StripScales scales = stripScales(record, at, column, v);
  for (int64_t strip = 0; strip < strips(); ++strip)
    scaleStrip(scales, at, column, v, strip, totals[strip], sums[strip * mma.vectors + v]);
}

} // namespace nibble
