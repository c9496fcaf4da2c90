//===- DotPanelScales.cpp - where integer sums meet scales ----------------===//
//
// See DotPanel.h. Scales and minima of a span in f32, and integer scales of its runs.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// Strips whose scaled sums of activations are loaded together.
constexpr int64_t kLoadedStrips = 4;

/// Where a block that was unpacked ahead has the scale of a column's group, and its minimum.
Value DotPanel::scaleAt(Value record, int64_t column, int64_t v) {
  return k.offset(record, panel.scaleOffset(column / panel.group, (mma.firstVector + v) * dot.lanes));
}
Value DotPanel::minimumAt(Value record, int64_t column, int64_t v) {
  return k.offset(record, panel.minOffset(column / panel.group, (mma.firstVector + v) * dot.lanes));
}

/// What multiplies the integer sums of a span; with one level a unit is a record, and its groups have their own float
/// scale.
Value DotPanel::floatScale(Value record, const Unit &unit, int64_t column, int64_t v) {
  if (mma.range && passesStrips()) // an f32, as it is
    return emitter->loadSpread(k, dot, scaleAt(record, column, v));
  Value subScales = runs == 1 && !mma.levels ? unit.subScales : Value(); // or integer sums meet them
  return spread(reader.groupScale(record, subScales, column / panel.group, mma.firstVector + v));
}

/// What multiplies the scaled sums of activation codes of a run.
Value DotPanel::floatMinimum(Value record, const Unit &unit, int64_t column, int64_t v) {
  if (mma.range && passesStrips())
    return emitter->loadSpread(k, dot, minimumAt(record, column, v));
  Value mw = reader.groupMinimum(record, unit.subMinima, column / panel.group, mma.firstVector + v);
  return spread(panel.isTwoLevel() ? k.negf(mw) : mw);
}

/// A span's integer sums meet the scales, and the minima follow.
DotPanel::Tile DotPanel::scaleSpan(Value record, const Unit &unit, int64_t column, ArrayRef<Value> integers,
                                   Tile sums) {
  Tile da;
  Value at = spanSums();
  if (at)
    at = emitter->afterSums(k, at, integers), sums = loadTile(at, k.f32());
  for (int64_t strip = 0; strip < strips(); ++strip)
    da.push_back(activations.scale(unit.x, strip, column));
  for (int64_t v = 0; v < mma.vectors; ++v) {
    Value dw = scalesBlocks ? Value() : floatScale(record, unit, column, v);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value &acc = sums[strip * mma.vectors + v];
      Value dots = integers[strip * mma.vectors + v];
      dots = emitter ? emitter->toFloat(k, dots, leftHeight(column) + shift) : k.intToFloat(dots, k.f32());
      acc = k.fma(dw ? k.mulf(dw, da[strip]) : da[strip], dots, acc);
    }
  }
  if (addsSpanMinima())
    addMinima(record, unit, column, da, sums);
  if (countsInSpans())
    countMinima(record, unit, column, da, MutableArrayRef(sums).drop_front(integers.size()));
  if (at)
    storeTile(sums, at);
  return sums;
}

/// A span of groups with a float scale each.
DotPanel::Tile DotPanel::addGroups(Value record, const Unit &unit, int64_t column, Tile sums) {
  Tile scaled(strips() * mma.vectors);
  for (int64_t first = column; first < column + span(); first += run)
    addGroup(record, unit, first, integerSums(unit, first), scaled);
  return scaleGroups(record, unit, column, scaled, std::move(sums));
}

/// A group's integer sums, scaled, are added to those of the span's groups before, which are null at first.
void DotPanel::addGroup(Value record, const Unit &unit, int64_t column, ArrayRef<Value> integers, Tile &scaled) {
  for (int64_t v = 0; v < mma.vectors; ++v) {
    Value dw = floatScale(record, unit, column, v);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      int64_t i = strip * mma.vectors + v;
      Value dots = emitter->toFloat(k, integers[i], leftHeight(column) + shift);
      scaled[i] = scaled[i] ? k.fma(dw, dots, scaled[i]) : k.mulf(dw, dots);
    }
  }
}

/// The scaled sums of a span's groups meet the activation scale together.
DotPanel::Tile DotPanel::scaleGroups(Value record, const Unit &unit, int64_t column, ArrayRef<Value> scaled,
                                     Tile sums) {
  Value at = memory.sums;
  if (at)
    at = emitter->afterSums(k, at, scaled), sums = loadTile(at, k.f32());
  Tile da;
  for (int64_t strip = 0; strip < strips(); ++strip) {
    da.push_back(activations.scale(unit.x, strip, column));
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value &acc = sums[strip * mma.vectors + v];
      acc = k.fma(da[strip], scaled[strip * mma.vectors + v], acc);
    }
  }
  if (panel.hasMin)
    addMinima(record, unit, column, da, sums);
  if (at)
    storeTile(sums, at);
  return sums;
}

void DotPanel::addMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da, Tile &sums) {
  for (int64_t first = column; first < column + span(); first += minimumSpan())
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value mw = floatMinimum(record, unit, first, v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &acc = sums[strip * mma.vectors + v];
        acc = k.fma(mw, scaledSum(unit, strip, first, da[strip]), acc);
      }
    }
}

/// What a minimum is multiplied with: the activation scale times the sum of its columns' codes.
Value DotPanel::scaledSum(const Unit &unit, int64_t strip, int64_t column, Value da) {
  if (mma.scaledSums.pointer)
    return activations.scaledSum(unit.x, strip, column);
  return k.mulf(da, k.intToFloat(activations.codeSums(unit.x, strip, column, minimumSpan()), k.f32()));
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

/// Whether the float scale and integer scales of a span stay in registers while the strips pass by.
bool DotPanel::keepsScales() const { return !mma.levels || strips() <= kTotalStrips; }

/// `pointer`, to be read through once `done` is there.
Value DotPanel::afterStrip(Value pointer, Value done) {
  return emitter->ordersScales() ? emitter->after(k, pointer, done) : pointer;
}

/// A strip's integer sum of a run: weights times activations, added to those of runs `before` where sums go on. Integer
/// scales that do not stay are loaded once the products are there.
Value DotPanel::stripRun(Unit &at, int64_t first, int64_t v, int64_t strip, DotRun of, ArrayRef<Value> w,
                         ArrayRef<Value> a, Value &before) {
  Value ofCodes = dot.codes.offset ? activations.codeSums(at.x, strip, first) : Value();
  Value dots = emitter->multiply(k, of, before ? before : emitter->start(k, of, ofCodes), w, a);
  before = levels.differences ? dots : Value();
  if (!keepsScales()) {
    at.subScales = afterStrip(at.subScales, dots);
    of = runOf(at, first, v);
  }
  return emitter->finish(k, of, dots, ofCodes);
}

/// Whether the float scale of a span, or of one of its groups, stays, too. Beside the sums of a large tile, weights and
/// activations those of all groups but the last are more than the registers hold.
bool DotPanel::keepsFloatScale(int64_t group) const {
  return keepsScales() && (!mma.range || strips() <= kTotalStrips || group + 1 == groups);
}

/// One that does not is loaded once `done` is there.
Value DotPanel::floatScale(StripScales &scales, int64_t group, Value done) {
  if (keepsFloatScale(group))
    return scales.dw[group];
  scales.scaleAt[group] = afterStrip(scales.scaleAt[group], done);
  return emitter->loadSpread(k, dot, scales.scaleAt[group]);
}

/// Strips whose activation scales are loaded together: as many as the registers hold beside scales of groups. Beside
/// the sums of a large tile these are two, where no float scale waits there.
int64_t DotPanel::scalesTogether() const {
  if (!mma.range || !emitter->ordersScales())
    return 1;
  if (strips() > kTotalStrips)
    return scalesBlocks ? 2 : 1;
  bool hasRoom = groups > 1 || (mma.levels && scalesBlocks);
  return std::min<int64_t>(strips(), hasRoom ? 4 : mma.levels ? 2 : 1);
}

Value DotPanel::activationScale(StripScales &scales, Unit &at, int64_t column, int64_t strip, Value done) {
  if (mma.range && strip % scalesTogether() == 0)
    at.x.scales = afterStrip(at.x.scales, done);
  if (scalesTogether() == 1 && !at.toScales)
    return activations.scale(at.x, strip, column);
  if (strip % scalesTogether() == 0) {
    Value from = at.toScales ? at.x.scales : activations.scalesAt(at.x, strip, column);
    scales.da = emitter->loadFours(k, from, scalesTogether());
    bool isLast = strip + scalesTogether() == strips();
    if (at.toScales)
      at.x.scales = k.offset(from, isLast ? at.toScales : k.i64(activations.scalesOf(scalesTogether())));
  }
  return emitter->repeat(k, dot, scales.da[strip % scalesTogether()]);
}

/// A strip's sum of a span meets float scales; in f32, where groups are added so, it has met those of its weights. Of a
/// block that was unpacked ahead, activation scales and what is read for each strip anew are loaded once the sum is
/// there. `acc` is null of no products yet.
void DotPanel::scaleStrip(StripScales &scales, Unit &at, int64_t column, int64_t v, int64_t strip, Value total,
                          Value &acc) {
  Value da = activationScale(scales, at, column, strip, total);
  Value scale = groups > 1 || scalesBlocks ? da : k.mulf(floatScale(scales, 0, total), da);
  Value dots = groups > 1 ? total : emitter->toFloat(k, total, shift);
  acc = acc ? k.fma(scale, dots, acc) : k.mulf(scale, dots);
  int64_t minima = addsSpanMinima() && !addsMinimaLast() ? span() / minimumSpan() : 0;
  for (int64_t i = 0; i < minima; ++i) {
    if (mma.range)
      scales.minimaAt[i] = afterStrip(scales.minimaAt[i], acc), at.x.sums = afterStrip(at.x.sums, acc);
    Value mw = mma.range ? emitter->loadSpread(k, dot, scales.minimaAt[i]) : scales.mw[i];
    acc = k.fma(mw, scaledSum(at, strip, column + i * minimumSpan(), da), acc);
  }
}

/// The minima of a vector's span, group after group, when the products of all strips have been added: then the
/// registers of the weights take them and what they meet of several strips. The pointer to these moves on.
void DotPanel::addStripMinima(ArrayRef<Value> places, Unit &at, int64_t column, int64_t v, Tile &sums) {
  at.x.scaledSums = activations.scaledSumsAt(at.x, column);
  for (size_t group = 0; group < places.size(); group += minimaTogether()) {
    Tile minima;
    for (Value place : places.slice(group, minimaTogether())) {
      at.minima = afterStrip(place, sums[(strips() - 1) * mma.vectors + v]);
      minima.push_back(loadMinima(at.minima));
    }
    addGroupMinima(minima, at, v, sums);
  }
}

/// Those of one group, or of two together. Four sums of activations are a strip's or, in pairs of strips, those of two.
void DotPanel::addGroupMinima(ArrayRef<Value> minima, Unit &at, int64_t v, Tile &sums) {
  int64_t perFour = mma.pairs == MinimaPairs::Strips ? 2 : 1, fours = strips() / perFour;
  Value &from = at.x.scaledSums, done = sums[(strips() - 1) * mma.vectors + v];
  int64_t together = std::min(fours, kLoadedStrips);
  for (int64_t first = 0; first < fours; first += together) {
    from = afterStrip(from, done);
    for (auto [index, four] : llvm::enumerate(emitter->loadFours(k, from, together)))
      for (int64_t i = 0; i < perFour; ++i) {
        Value &acc = sums[((first + int64_t(index)) * perFour + i) * mma.vectors + v];
        done = acc = plusMinima(acc, minima, four, i);
      }
    from = activations.nextScaledSums(from, together);
  }
  from = activations.nextScaledSums(from, mma.interleaved / dot.strip - fours);
}

/// A strip's sum and those, times their sums of activations; `strip` counts among those that the four are of.
Value DotPanel::plusMinima(Value sum, ArrayRef<Value> minima, Value four, int64_t strip) {
  if (mma.pairs == MinimaPairs::None)
    return k.fma(minima[0], emitter->repeat(k, dot, four), sum);
  if (mma.pairs == MinimaPairs::Strips)
    return emitter->addPaired(k, sum, minima, four, strip);
  return emitter->addPaired(k, emitter->addPaired(k, sum, minima, four, 0), minima, four, 1);
}

DotPanel::StripScales DotPanel::stripScales(Value record, const Unit &unit, int64_t column, int64_t v) {
  StripScales scales;
  if (scalesBlocks)
    return scales;
  for (int64_t group = 0; group < groups; ++group) {
    int64_t first = column + group * run;
    scales.dw.push_back(keepsFloatScale(group) ? floatScale(record, unit, first, v) : Value());
    scales.scaleAt.push_back(keepsFloatScale(group) ? Value() : scaleAt(record, first, v));
  }
  for (int64_t first = column; panel.hasMin && first < column + span(); first += minimumSpan()) {
    if (mma.range)
      scales.minimaAt.push_back(minimumAt(record, first, v));
    else
      scales.mw.push_back(floatMinimum(record, unit, first, v));
  }
  return scales;
}

/// A span in the order of strips: the same operations on each sum. The sums of eight strips and a vector's weights
/// leave eight registers for all else. The unit's pointers have followed all of its last vector then.
void DotPanel::emitStrips(Value record, Unit &unit, int64_t column, Tile &sums) {
  Unit start = unit;
  for (int64_t v = 0; v < mma.vectors; ++v) {
    if (runs > 1 && !mma.levels && strips() > 1 && strips() <= kTotalStrips && emitter->ordersScales()) {
      emitStripRuns(record, unit, column, v, sums);
      continue;
    }
    SmallVector<Tile> w;
    SmallVector<DotRun> of(runs * groups, dot);
    if (walksStrips())
      walkWeights(start, w, of);
    for (int64_t i = 0; !walksStrips() && i < runs * groups; ++i) {
      int64_t first = column + i * run;
      w.push_back(weights(start.codes, first / panel.kr, 1, dot.quads, v));
      if (keepsScales())
        of[i] = runOf(start, first, v);
    }
    StripScales scales = stripScales(record, start, column, v);
    Unit &at = unit = start; // its activations move from strip to strip
    for (int64_t strip = 0; strip < strips(); ++strip) {
      KernelBuilder::Values span;
      if (loadsSpans())
        span = activations.operands(activations.codes(at.x, column), 0, runs * groups * dot.quads, 1);
      Value total, before;
      for (int64_t i = 0; i < runs * groups; ++i) {
        int64_t first = column + i * run;
        Tile a = loadsSpans() ? Tile(ArrayRef(span).slice(i * dot.quads, dot.quads))
                              : activations.operands(activations.codes(at.x, first), strip, dot.quads, 1);
        Value dots = stripRun(at, first, v, strip, of[i], w[i], a, before);
        if (groups > 1) {
          Value dw = floatScale(scales, i, dots), numbers = emitter->toFloat(k, dots, shift);
          total = total ? k.fma(dw, numbers, total) : k.mulf(dw, numbers);
        } else {
          total = total ? k.add(total, dots) : dots;
        }
        if (!loadsSpans())
          at.x.codes = afterStrip(at.x.codes, total);
      }
      Value &acc = sums[strip * mma.vectors + v];
      scaleStrip(scales, at, column, v, strip, total, acc);
      Value next = !loadsSpans() ? at.x.codes : activations.nextStrip(at.x);
      if (at.toCodes && strip + 1 == strips())
        next = k.offset(at.x.codes, at.toCodes);
      at.x.codes = afterStrip(next, acc);
    }
    if (addsMinimaLast())
      addStripMinima(scales.minimaAt, at, column, v, sums);
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
      KernelBuilder::Values a = activations.operands(activations.codes(at.x, first), strip, dot.quads, 1);
      Value before, dots = stripRun(at, first, v, strip, of, w, a, before), &total = totals[strip];
      total = total ? k.add(total, dots) : dots;
      at.x.codes = afterStrip(at.x.codes, total);
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
