//===- MmaDot.cpp - integer dot products of a panel -----------------------===//
//
// Sums up a panel with 8-bit activations. Three nested steps, each with the
// same accumulators:
//
//   record   float scales of the rows are loaded
//   unit     a loop if the record has several (K-quants), else straight code
//   span     the columns between two meetings of sums and float scales: one run
//            of min(group, 32) columns, or with integer sub-scales of smaller
//            groups the runs of one activation group. Each quad of codes is unpacked
//            once and multiplied with all rows of the tile; the exact integer
//            sums of a run, times their sub-scale, are added up; then they meet
//            the scales.
//
// Within a run the accumulators are the instruction's; the f32 sums are touched
// once a span, and may live in memory meanwhile. Rows of activations go in strips
// of one or two (codegen/Targets/DotEmitter.h), whose sums share vectors.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {
namespace {

/// A run of so few quads is straight code: a sum is done before the next one starts. (6-bit codes in groups of 16,
/// 64 rows, AVX2: 49 G multiply-adds/s in a loop.)
constexpr int64_t kStraightQuads = 4;

class DotPanel {
public:
  DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), emitter(isLookup() ? nullptr : &dotEmitter(*mma.row)),
        reader(k, mma.layout, mma.row->lanes, mma.row, emitter), panel(reader.layout()), tokens(tokens),
        run(std::min<int64_t>(panel.group, mpgemm::kActivationGroup)),
        runs(panel.isTwoLevel() ? mpgemm::kActivationGroup / run : 1) {
    dot.lanes = mma.row->lanes, dot.strip = emitter ? emitter->stripOf(tokens) : 1, dot.quads = run / panel.kr;
    dot.codes = {reader.range().bits, reader.range().isSigned, reader.range().offset};
  }

  PanelSums emit(Value panelPointer, Value row0);

private:
  /// Where a unit's operands lie.
  struct Unit {
    Value codes, subScales, subMinima; ///< sub… are null with one level
    Value x, scales, sums;             ///< at the unit's first column, row 0 of the tile
    Value bases;                       ///< of look-ups; the same
  };
  /// One value a strip and vector, strip by strip.
  using Tile = SmallVector<Value>;

  int64_t strips() const { return tokens / dot.strip; }
  /// A weight's vector of a value per row, in the order of a strip.
  Value spread(Value rows);
  /// A value of each of a strip's rows of activations, in the order of a strip.
  Value spread(int64_t strip, function_ref<Value(int64_t token)> valueOf);
  PanelSums rowsOf(ArrayRef<Value> sums);

  Tile emitRecord(Value panelPointer, Value row0, Value record, ValueRange sums);
  void fetchAhead(Value from, int64_t bytes, Value row0);
  Tile emitUnit(Value record, const Unit &unit, Tile sums);
  Tile emitSpan(Value record, const Unit &unit, int64_t column, Tile sums);
  Tile integerSums(const Unit &unit, int64_t column);
  bool isLookup() const { return mma.row->kind == RowKind::Lookup; }
  /// Bytes of x from one column to the next: codes, or tables' low parts.
  int64_t columnBytes() const { return isLookup() ? mpgemm::kQuadEntries / mpgemm::kQuadColumns : 1; }
  Tile lookUp(const Unit &unit, int64_t column, ArrayRef<Value> codeSums);
  Tile multiplyRun(const Unit &unit, int64_t column, ArrayRef<Value> codeSums);
  void multiplyQuads(Value codes, int64_t quad, int64_t stride, int64_t count, Value x, Tile &dots);
  KernelBuilder::Values activations(int64_t strip, Value x, int64_t count, int64_t stride);
  SmallVector<int64_t> order(int64_t count) const;
  int64_t narrowest() const;
  void addMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da, Tile &sums);
  Value codeSum(const Unit &unit, int64_t column, int64_t token);
  Value codeSums(const Unit &unit, int64_t column, int64_t strip);
  Unit unitAt(Value record, Value unitIndex, Value column, Value row0);

  KernelBuilder &k;
  const MmaOperands &mma;
  const DotEmitter *emitter; ///< null for look-ups
  PanelReader reader;
  const mpgemm::PanelLayout &panel;
  int64_t tokens;
  int64_t run;  ///< columns of a run
  int64_t runs; ///< of a span
  DotRun dot;
};

Value DotPanel::spread(Value rows) {
  if (dot.strip == 1)
    return rows;
  SmallVector<int64_t> mask;
  for (int64_t row = 0; row < dot.lanes; row += 2)
    mask.append({row, row + 1, row, row + 1});
  return k.shuffle(rows, rows, mask);
}

Value DotPanel::spread(int64_t strip, function_ref<Value(int64_t)> valueOf) {
  // Splat first: a splat of a loaded number costs nothing.
  Value first = valueOf(strip * dot.strip);
  return dot.strip == 1 ? k.splat(first, dot.lanes) : emitter->alternate(k, dot, first, valueOf(strip * dot.strip + 1));
}

/// From the order of strips to one vector per row of activations.
PanelSums DotPanel::rowsOf(ArrayRef<Value> sums) {
  if (dot.strip == 1)
    return PanelSums(sums.begin(), sums.end());
  PanelSums rows;
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t v = 0; v < mma.vectors; ++v) {
      SmallVector<int64_t> mask;
      for (int64_t row = 0; row < dot.lanes; ++row)
        mask.push_back(row / 2 * 4 + token % 2 * 2 + row % 2);
      Value strip = sums[token / 2 * mma.vectors + v];
      rows.push_back(k.shuffle(strip, strip, mask));
    }
  return rows;
}

PanelSums DotPanel::emit(Value panelPointer, Value row0) {
  reader.openPanel(panelPointer);
  Tile zeros(strips() * mma.vectors, k.zero(k.vec(k.f32(), dot.sums())));
  return rowsOf(k.loop(k.i64(0), k.i64(panel.records()), 1, zeros, [&](Value record, ValueRange sums) {
    return emitRecord(panelPointer, row0, record, sums);
  }));
}

DotPanel::Tile DotPanel::emitRecord(Value panelPointer, Value row0, Value index, ValueRange sums) {
  Value record = k.offset(k.offset(panelPointer, panel.recordOffset(0)), k.mul(index, panel.recordBytes()));
  Value column = k.mul(index, panel.recordSpan());
  Tile carried(sums.begin(), sums.end());
  if (tokens > 1 || panel.unitsPerRecord() == 1)
    fetchAhead(record, panel.recordBytes(), row0);
  if (panel.unitsPerRecord() == 1)
    return emitUnit(record, unitAt(record, k.i64(0), column, row0), carried);
  return k.loop(k.i64(0), k.i64(panel.unitsPerRecord()), 1, carried, [&](Value unit, ValueRange inner) {
    Value first = k.add(column, k.mul(unit, panel.unitSpan()));
    if (tokens == 1) { // a record's lines at once would hold up its own
      int64_t bytes = llvm::divideCeil(panel.recordBytes(), panel.unitsPerRecord());
      fetchAhead(k.offset(record, k.mul(unit, bytes)), bytes, row0);
    }
    return emitUnit(record, unitAt(record, unit, first, row0), Tile(inner.begin(), inner.end()));
  });
}

/// Fetches what the stream of weights brings after the bytes at `from`: a row of activations walks straight through the
/// panels; the first tile of several comes to the same place of the next panel.
void DotPanel::fetchAhead(Value from, int64_t bytes, Value row0) {
  constexpr int64_t kLineBytes = 64;
  if (mma.ahead == 0 || mma.firstVector != 0)
    return;
  auto fetch = [&](int64_t distance) {
    for (int64_t byte = 0; byte < bytes; byte += kLineBytes)
      k.prefetch(k.offset(from, distance + byte));
  };
  if (tokens == 1)
    return fetch(mma.ahead);
  k.ifThen(k.eq(row0, k.i64(0)), [&] { fetch(panel.panelBytes()); });
}

DotPanel::Unit DotPanel::unitAt(Value record, Value index, Value column, Value row0) {
  Unit unit;
  unit.codes = k.offset(k.offset(record, panel.codesOffset()), k.mul(index, panel.unitBytes()));
  if (panel.isTwoLevel()) {
    Value group = k.mul(index, panel.groupsPerUnit() * panel.nr);
    unit.subScales = k.offset(k.offset(record, panel.subScaleOffset()), group);
    if (panel.hasMin)
      unit.subMinima = k.offset(k.offset(record, panel.subMinOffset()), group);
  }
  unit.x = k.offset(mma.x.pointer, k.add(k.mul(row0, mma.x.stride), k.mul(column, columnBytes())));
  unit.scales = k.at(mma.scales.pointer, k.f32(),
                     k.add(k.mul(row0, mma.scales.stride), k.divu(column, mma.activationGroup)));
  unit.sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(row0, mma.sums.stride), k.divu(column, mma.sumGroup)));
  if (isLookup())
    unit.bases = k.at(mma.bases.pointer, k.i32(), k.add(k.mul(row0, mma.bases.stride), k.divu(column, run)));
  return unit;
}

/// Spans that lie in one bit field of all planes and in one group are a loop, so that code does not grow with the group.
DotPanel::Tile DotPanel::emitUnit(Value record, const Unit &unit, Tile sums) {
  int64_t span = run * runs, field = panel.runSpan() / span;
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane) * panel.kr / span);
  if (field <= 1) {
    for (int64_t column = 0; column < panel.unitSpan(); column += span)
      sums = emitSpan(record, unit, column, sums);
    return sums;
  }
  for (int64_t column = 0; column < panel.unitSpan(); column += field * span)
    sums = k.loop(k.i64(0), k.i64(field), 1, sums, [&](Value index, ValueRange carried) {
      Unit moved = unit;
      moved.codes = k.offset(unit.codes, k.mul(index, span / panel.kr * panel.stepBytes()));
      moved.x = k.offset(unit.x, k.mul(index, span * columnBytes()));
      if (isLookup())
        moved.bases = k.at(unit.bases, k.i32(), k.mul(index, span / run));
      if (mma.activationGroup == mpgemm::kActivationGroup)
        moved.scales = k.at(unit.scales, k.f32(), k.mul(index, span / mpgemm::kActivationGroup));
      moved.sums = k.at(unit.sums, k.i32(), k.mul(index, span / mma.sumGroup));
      return emitSpan(record, moved, column, Tile(carried.begin(), carried.end()));
    });
  return sums;
}

DotPanel::Tile DotPanel::emitSpan(Value record, const Unit &unit, int64_t column, Tile sums) {
  Tile integers = integerSums(unit, column), da;
  for (int64_t strip = 0; strip < strips(); ++strip)
    da.push_back(spread(strip, [&](int64_t token) {
      int64_t index = token * mma.scales.stride + column / mma.activationGroup;
      return k.load(k.f32(), k.at(unit.scales, k.f32(), index));
    }));
  int64_t group = column / panel.group;
  for (int64_t v = 0; v < mma.vectors; ++v) {
    // With one level a unit is a record, and its groups have their own float scale.
    Value dw = reader.scale(record, panel.isTwoLevel() ? 0 : group, mma.firstVector + v);
    if (panel.isTwoLevel() && runs == 1)
      dw = k.mulf(dw, k.intToFloat(reader.subScale(unit.subScales, group, mma.firstVector + v), k.f32()));
    dw = spread(dw);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      Value &acc = sums[strip * mma.vectors + v];
      Value dots = k.intToFloat(integers[strip * mma.vectors + v], k.f32());
      acc = k.fma(k.mulf(dw, da[strip]), dots, acc);
    }
  }
  if (panel.hasMin)
    addMinima(record, unit, column, da, sums);
  return sums;
}

void DotPanel::addMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da, Tile &sums) {
  for (int64_t first = column; first < column + run * runs; first += run) {
    int64_t group = first / panel.group;
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value mw = reader.minimum(record, panel.isTwoLevel() ? 0 : group, mma.firstVector + v);
      if (panel.isTwoLevel())
        mw = k.negf(k.mulf(mw, k.intToFloat(reader.subMinimum(unit.subMinima, group, mma.firstVector + v), k.f32())));
      mw = spread(mw);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &acc = sums[strip * mma.vectors + v];
        acc = k.fma(mw, k.mulf(da[strip], k.intToFloat(codeSums(unit, first, strip), k.f32())), acc);
      }
    }
  }
}

/// The sums of a span before they meet float scales: Σ sub · Σ (byte - offset) · a, sub of each run or one.
DotPanel::Tile DotPanel::integerSums(const Unit &unit, int64_t column) {
  Tile total(strips() * mma.vectors);
  for (int64_t first = column; first < column + run * runs; first += run) {
    Tile ofCodes(strips());
    if (dot.codes.offset)
      for (int64_t strip = 0; strip < strips(); ++strip)
        ofCodes[strip] = codeSums(unit, first, strip);
    Tile dots = isLookup() ? lookUp(unit, first, ofCodes) : multiplyRun(unit, first, ofCodes);
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value sub;
      if (runs > 1)
        sub = spread(reader.subScale(unit.subScales, first / panel.group, mma.firstVector + v));
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &sum = total[strip * mma.vectors + v];
        Value added = dots[strip * mma.vectors + v];
        if (emitter)
          added = emitter->finish(k, dot, added, ofCodes[strip], sub);
        else if (sub)
          added = k.mul(added, sub);
        sum = sum ? k.add(sum, added) : added;
      }
    }
  }
  return total;
}

/// Sums of a run from tables, in i32; a tile of look-ups has one row.
DotPanel::Tile DotPanel::lookUp(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes) {
  Value base = k.load(k.i32(), k.at(unit.bases, k.i32(), column / run));
  Value tables = k.offset(unit.x, column * columnBytes());
  Tile dots = lookUpRun(k, {mma.row, mma.layout, unit.codes, tables, base, column, run});
  if (dot.codes.offset)
    for (Value &sum : dots)
      sum = k.sub(sum, k.mul(ofCodes[0], dot.codes.offset));
  return dots;
}

/// Sums of a run, in the emitter's form.
DotPanel::Tile DotPanel::multiplyRun(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes) {
  Tile dots;
  for (int64_t strip = 0; strip < strips(); ++strip)
    dots.append(mma.vectors, emitter->start(k, dot, ofCodes[strip]));
  int64_t first = column / panel.kr;
  Value x = k.offset(unit.x, column);
  if (!emitter->walksInLoop() || tokens == 1 || dot.quads <= kStraightQuads) {
    multiplyQuads(unit.codes, first, 1, dot.quads, x, dots);
    return dots;
  }
  // A step takes the quads that lie in the bit fields of one vector of the narrowest plane.
  int64_t steps = narrowest();
  return k.loop(k.i64(0), k.i64(steps), 1, dots, [&](Value step, ValueRange carried) {
    Tile next(carried.begin(), carried.end());
    multiplyQuads(k.offset(unit.codes, k.mul(step, panel.vectorBytes())), first, steps, dot.quads / steps,
                  k.offset(x, k.mul(step, panel.kr)), next);
    return next;
  });
}

/// The operands of a strip's rows for `count` quads, from x on, `stride` quads apart.
KernelBuilder::Values DotPanel::activations(int64_t strip, Value x, int64_t count, int64_t stride) {
  KernelBuilder::Values operands;
  int64_t together = stride == 1 ? count : 1;
  for (int64_t i = 0; i < count; i += together) {
    SmallVector<Value> rows;
    for (int64_t t = 0; t < dot.strip; ++t)
      rows.push_back(k.offset(x, (strip * dot.strip + t) * mma.x.stride + i * stride * panel.kr));
    operands.append(emitter->loadActivations(k, dot, rows, together));
  }
  return operands;
}

/// Quads quad, quad + stride, … , `count` of them; `x` points to the activations of the first.
void DotPanel::multiplyQuads(Value codes, int64_t quad, int64_t stride, int64_t count, Value x, Tile &dots) {
  auto weights = [&](int64_t v) {
    Tile w;
    for (int64_t i = 0; i < count; ++i)
      w.push_back(reader.quad(codes, quad + i * stride, mma.firstVector + v));
    return w;
  };
  if (emitter->walksInLoop()) { // the weights stay, and strip after strip passes by: few registers
    SmallVector<Tile> w(mma.vectors);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      KernelBuilder::Values a = activations(strip, x, count, stride);
      for (int64_t v = 0; v < mma.vectors; ++v) {
        if (strip == 0)
          w[v] = weights(v);
        Value &sum = dots[strip * mma.vectors + v];
        sum = emitter->multiply(k, dot, sum, w[v], a);
      }
    }
    return;
  }
  SmallVector<KernelBuilder::Values> a;
  for (int64_t strip = 0; strip < strips(); ++strip)
    a.push_back(activations(strip, x, count, stride));
  for (int64_t i : order(count))
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value w = reader.quad(codes, quad + i * stride, mma.firstVector + v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &sum = dots[strip * mma.vectors + v];
        sum = emitter->multiply(k, dot, sum, w, a[strip][i]);
      }
    }
}

/// In which order an accumulating instruction takes `count` neighbouring quads: those in the bit fields of one vector of
/// the widest plane follow each other, the lowest field last, so that the vector need not be kept and the last may
/// overwrite it.
SmallVector<int64_t> DotPanel::order(int64_t count) const {
  SmallVector<int64_t> quads;
  int64_t apart = std::min(count, panel.vectorsOf(panel.planes()[0]));
  for (int64_t first = 0; first < apart; ++first)
    for (int64_t i = first + (count - 1 - first) / apart * apart; i >= first; i -= apart)
      quads.push_back(i);
  return quads;
}

/// Vectors of a unit's narrowest plane.
int64_t DotPanel::narrowest() const {
  int64_t vectors = dot.quads;
  for (mpgemm::BitPlane plane : panel.planes())
    vectors = std::min(vectors, panel.vectorsOf(plane));
  return vectors;
}

/// Sum of the activation codes of a run, i32.
Value DotPanel::codeSum(const Unit &unit, int64_t column, int64_t token) {
  Value total;
  for (int64_t part = 0; part < run / mma.sumGroup; ++part) {
    int64_t index = token * mma.sums.stride + column / mma.sumGroup + part;
    Value value = k.load(k.i32(), k.at(unit.sums, k.i32(), index));
    total = total ? k.add(total, value) : value;
  }
  return total;
}

Value DotPanel::codeSums(const Unit &unit, int64_t column, int64_t strip) {
  return spread(strip, [&](int64_t token) { return codeSum(unit, column, token); });
}

} // namespace

PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens) {
  return DotPanel(k, mma, tokens).emit(panel, row0);
}

} // namespace nibble
