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
// Two orders within a span. Single rows: all integer sums of the tile first, so that
// a vector of weights is read once for all of them, then the scales. Pairs, of which a
// tile has up to eight: a vector's weights of the whole span are unpacked and stay in
// registers, and pair after pair passes by, so that only its own integer sums live.
//
// Codes of one and two bits are multiplied with a single row where they lie in their bytes (CodeFields.h).
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ActivationReader.h"
#include "codegen/Lower/CodeFields.h"
#include "codegen/Lower/MmaKernel.h"
#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {
namespace {

/// A run of so few quads is straight code: a sum is done before the next one starts. (6-bit codes in groups of 16,
/// 64 rows, AVX2: 49 G multiply-adds/s in a loop.)
constexpr int64_t kStraightQuads = 4;

/// Quads of unpacked bytes that a step of a loop multiplies: for these the registers are enough.
constexpr int64_t kStepQuads = 2;

/// From so many strips on it is cheaper to take the offset of codes from the weights' bytes, once for all strips, than to
/// start each strip's sums with what it adds up to.
constexpr int64_t kSignedStrips = 4;

/// Columns of a unit whose activations stay in registers while vector after vector of weights passes by.
constexpr int64_t kApartColumns = 64;

class DotPanel {
public:
  DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
      : k(k), mma(mma), emitter(isLookup() ? nullptr : &dotEmitter(*mma.row)),
        reader(k, mma.layout, mma.row->lanes, mma.row, emitter), panel(reader.layout()), tokens(tokens),
        run(mma.paired ? mpgemm::kActivationGroup : std::min<int64_t>(panel.group, mpgemm::kActivationGroup)),
        runs(panel.isTwoLevel() ? mpgemm::kActivationGroup / run : 1), activations(k, mma, dot, emitter) {
    dot.paired = mma.paired;
    dot.lanes = mma.row->lanes, dot.strip = tokens > 1 ? mma.row->strip : 1, dot.quads = run / panel.kr;
    dot.stepBytes = panel.kr * (mma.interleaved > 1 ? 2 : 1);
    if (mma.range)
      reader.assume(*mma.range);
    dot.codes = {reader.range().bits, reader.range().isSigned, reader.range().offset};
    bool fits = dot.codes.bits < 8 || !dot.codes.isSigned; // a byte, without its offset
    if (passesStrips() && fits && strips() >= kSignedStrips) {
      shift = emitter->scalesSums() && reader.hasSignedNibbles() ? 4 : 0;
      subtracted = std::exchange(dot.codes.offset, 0);
    }
  }

  PanelSums emit(Value panelPointer, Value row0, PanelSums sums);
  PanelSums rowsOf(ArrayRef<Value> sums);

private:
  /// Where a unit's operands lie.
  struct Unit {
    Value codes, subScales, subMinima; ///< sub… are null with one level
    ActivationCursor x;                ///< at the unit's first column
  };
  /// One value a strip and vector, strip by strip.
  using Tile = SmallVector<Value>;

  int64_t strips() const { return tokens / dot.strip; }
  bool passesStrips() const { return dot.strip > 1; }
  /// A weight's vector of a value per row, in the order of a strip.
  Value spread(Value rows);

  Tile emitRecord(Value panelPointer, Value row0, Value record, ValueRange sums);
  void fetchAhead(Value from, int64_t bytes, Value row0);
  Tile emitUnit(Value record, const Unit &unit, Tile sums);
  bool takesVectorsApart() const;
  Tile emitVectors(Value record, Unit unit, Tile sums);
  Value emitVector(Value record, const Unit &unit, Value sum);
  Tile emitSpan(Value record, const Unit &unit, int64_t column, Tile sums);
  Tile scaleSpan(Value record, const Unit &unit, int64_t column, ArrayRef<Value> integers, Tile sums);
  void emitStrips(Value record, const Unit &unit, int64_t column, Tile &sums);
  Tile integerSums(const Unit &unit, int64_t column);
  bool isLookup() const { return mma.row->kind == RowKind::Lookup; }
  Tile lookUp(const Unit &unit, int64_t column, ArrayRef<Value> codeSums);
  DotRun runOf(const Unit &unit, int64_t column, int64_t v);
  Tile multiplyRun(const Unit &unit, int64_t column, ArrayRef<Value> codeSums, ArrayRef<DotRun> of);
  void multiplyQuads(Value codes, int64_t quad, int64_t stride, int64_t count, Value x, ArrayRef<DotRun> of, Tile &dots);
  bool staysInPlace() const;
  unsigned leftHeight(int64_t column) const;
  Tile multiplyInPlace(const Unit &unit, int64_t column, ArrayRef<Value> codeSums, ArrayRef<DotRun> of);
  Tile emitInPlace(Value record, const Unit &unit, ArrayRef<Value> sums);
  Tile multiplyParts(Value codes, int64_t first, int64_t quads, Value x, ArrayRef<DotRun> of, Tile sums);
  Tile weights(Value codes, int64_t quad, int64_t stride, int64_t count, int64_t v);
  Value floatScale(Value record, const Unit &unit, int64_t column, int64_t v);
  Value floatMinimum(Value record, const Unit &unit, int64_t column, int64_t v);
  SmallVector<int64_t> order(int64_t count) const;
  int64_t narrowest() const;
  void addMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da, Tile &sums);
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
  ActivationReader activations;
  int64_t subtracted = 0; ///< from the weights, as bytes: the offset, unless sums start with it
  Value panelStart;
  unsigned shift = 0;     ///< the weights' bytes are 2^shift times their numbers
};

Value DotPanel::spread(Value rows) {
  if (dot.strip == 1)
    return rows;
  SmallVector<int64_t> mask;
  for (int64_t row = 0; row < dot.lanes; row += 2)
    mask.append({row, row + 1, row, row + 1});
  return k.shuffle(rows, rows, mask);
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

PanelSums DotPanel::emit(Value panelPointer, Value row0, PanelSums sums) {
  reader.openPanel(panelStart = panelPointer);
  if (sums.empty())
    sums.assign(strips() * mma.vectors, k.zero(k.vec(k.f32(), dot.sums())));
  Value records = mma.records ? mma.records : k.i64(panel.records());
  return k.loop(k.i64(0), records, 1, sums, [&](Value record, ValueRange carried) {
    return emitRecord(panelPointer, row0, record, carried);
  });
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
  unit.x = activations.open(row0, column);
  return unit;
}

/// Of a row alone: where a unit has fields of several spans, parts that are to be joined for several runs, or numbers that
/// are looked up, the order of spans makes more of them than the registers hold before the first is multiplied.
bool DotPanel::takesVectorsApart() const {
  bool waits = runs == 1 ? panel.unitSpan() > run : panel.planes().size() > 1;
  return tokens == 1 && mma.vectors > 1 && emitter && emitter->takesVectorsApart() && panel.unitSpan() <= kApartColumns &&
         (waits || reader.looksUp());
}

/// A unit in the order of vectors: the same operations on each sum.
DotPanel::Tile DotPanel::emitVectors(Value record, Unit unit, Tile sums) {
  for (int64_t v = 0; v < mma.vectors; ++v) {
    MmaOperands one = mma;
    one.firstVector += v, one.vectors = 1;
    DotPanel part(k, one, tokens);
    part.reader.openPanel(panelStart);
    sums[v] = runs == 1 ? part.emitVector(record, unit, sums[v]) : part.emitUnit(record, unit, {sums[v]})[0];
    unit.codes = emitter->after(k, unit.codes, sums[v]);
  }
  return sums;
}

/// The only vector: codes in the bit fields of one vector of the widest plane follow each other, whatever run they are of.
Value DotPanel::emitVector(Value record, const Unit &unit, Value sum) {
  SmallVector<Tile> operands;
  Tile dots, ofCodes;
  for (int64_t column = 0; column < panel.unitSpan(); column += run) {
    ofCodes.push_back(dot.codes.offset ? activations.codeSums(unit.x, 0, column) : Value());
    dots.push_back(emitter->start(k, dot, ofCodes.back()));
    operands.push_back(activations.operands(activations.codes(unit.x, column), 0, dot.quads, 1));
  }
  Value codes = unit.codes;
  int64_t apart = panel.vectorsOf(panel.planes()[0]);
  for (int64_t first = 0; first < apart; ++first) {
    for (int64_t quad = first; quad < panel.quadsPerUnit(); quad += apart) {
      Value &sum = dots[quad / dot.quads];
      sum = emitter->multiply(k, dot, sum, weights(codes, quad, 1, 1, 0), operands[quad / dot.quads][quad % dot.quads]);
    }
  }
  Tile sums = {sum};
  for (auto [index, total] : llvm::enumerate(dots))
    sums = scaleSpan(record, unit, index * run, {emitter->finish(k, dot, total, ofCodes[index])}, sums);
  return sums[0];
}

/// Spans that lie in one bit field of all planes and in one group are a loop, so that code does not grow with the group.
DotPanel::Tile DotPanel::emitUnit(Value record, const Unit &unit, Tile sums) {
  if (staysInPlace())
    return emitInPlace(record, unit, sums);
  int64_t span = run * runs, field = panel.runSpan() / span;
  if (takesVectorsApart())
    return emitVectors(record, unit, sums);
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane) * panel.kr / span);
  if (field <= 1) {
    Unit read = unit;
    for (int64_t column = 0; column < panel.unitSpan(); column += span) {
      sums = emitSpan(record, read, column, sums);
      if (passesStrips()) // what the fields of the next span share with these is read again, and not kept on the stack
        read.codes = emitter->after(k, unit.codes, sums.back());
    }
    return sums;
  }
  for (int64_t column = 0; column < panel.unitSpan(); column += field * span)
    sums = k.loop(k.i64(0), k.i64(field), 1, sums, [&](Value index, ValueRange carried) {
      Unit moved = unit;
      moved.codes = k.offset(unit.codes, k.mul(index, span / panel.kr * panel.stepBytes()));
      moved.x = activations.move(unit.x, index, span);
      return emitSpan(record, moved, column, Tile(carried.begin(), carried.end()));
    });
  return sums;
}

/// A unit whose codes stay in place. Vector after vector of the panel takes the runs whose activations the registers hold,
/// so that its bytes are loaded once for all their fields; where that is one run, all vectors take it. Without the order
/// LLVM keeps the bytes of all vectors and spills them.
DotPanel::Tile DotPanel::emitInPlace(Value record, const Unit &unit, ArrayRef<Value> sums) {
  int64_t span = run * runs, together = std::min(panel.unitSpan(), emitter->runsTogether(dot) * span);
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
      moved.codes = emitter->after(k, unit.codes, own.back());
      if (v + vectors < mma.vectors)
        continue;
      for (auto [from, to] : {std::pair(unit.x.codes, &moved.x.codes), {unit.x.scales, &moved.x.scales}, {unit.x.sums, &moved.x.sums}})
        *to = emitter->after(k, from, own.back());
    }
  return result;
}

/// What multiplies the integer sums of a span; with one level a unit is a record, and its groups have their own float scale.
Value DotPanel::floatScale(Value record, const Unit &unit, int64_t column, int64_t v) {
  int64_t group = column / panel.group;
  Value dw = reader.scale(record, panel.isTwoLevel() ? 0 : group, mma.firstVector + v);
  if (panel.isTwoLevel() && runs == 1 && !mma.paired)
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

DotPanel::Tile DotPanel::emitSpan(Value record, const Unit &unit, int64_t column, Tile sums) {
  if (passesStrips()) {
    emitStrips(record, unit, column, sums);
    return sums;
  }
  return scaleSpan(record, unit, column, integerSums(unit, column), sums);
}

/// A span's integer sums meet the scales, and the minima follow.
DotPanel::Tile DotPanel::scaleSpan(Value record, const Unit &unit, int64_t column, ArrayRef<Value> integers, Tile sums) {
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
        Value scaled = mma.paired
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
  if (mma.paired) {
    int64_t group = column / panel.group, vector = mma.firstVector + v;
    of.scale = emitter->pairedScale(k, dot, reader.subScale(unit.subScales, group, vector),
                                    reader.subScale(unit.subScales, group + 1, vector));
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

/// The sums of a span before they meet float scales: Σ sub · Σ (byte - offset) · a, sub of each run or one.
DotPanel::Tile DotPanel::integerSums(const Unit &unit, int64_t column) {
  Tile total(strips() * mma.vectors);
  for (int64_t first = column; first < column + run * runs; first += run) {
    Tile ofCodes(strips());
    if (dot.codes.offset)
      for (int64_t strip = 0; strip < strips(); ++strip)
        ofCodes[strip] = activations.codeSums(unit.x, strip, first);
    SmallVector<DotRun> of;
    for (int64_t v = 0; v < mma.vectors; ++v)
      of.push_back(runOf(unit, first, v));
    Tile dots = isLookup() ? lookUp(unit, first, ofCodes) : multiplyRun(unit, first, ofCodes, of);
    for (int64_t strip = 0; strip < strips(); ++strip)
      for (int64_t v = 0; v < mma.vectors; ++v) {
        Value &sum = total[strip * mma.vectors + v];
        Value added = dots[strip * mma.vectors + v];
        if (emitter)
          added = emitter->finish(k, of[v], added, ofCodes[strip]);
        else if (of[v].scale)
          added = k.mul(added, of[v].scale);
        sum = sum ? k.add(sum, added) : added;
      }
  }
  return total;
}

/// Sums of a run from tables, in i32; a tile of look-ups has one row.
DotPanel::Tile DotPanel::lookUp(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes) {
  Value base = activations.base(unit.x, column), tables = activations.codes(unit.x, column);
  LookupRun looked{mma.row, mma.layout, unit.codes, tables, base, column, run};
  Tile dots = mma.row->averages ? averageRun(k, looked) : lookUpRun(k, looked);
  if (dot.codes.offset)
    for (Value &sum : dots)
      sum = k.sub(sum, k.mul(ofCodes[0], dot.codes.offset));
  return dots;
}

/// Sums of a run, in the emitter's form.
DotPanel::Tile DotPanel::multiplyRun(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes, ArrayRef<DotRun> of) {
  if (staysInPlace())
    return multiplyInPlace(unit, column, ofCodes, of);
  Tile dots;
  for (int64_t strip = 0; strip < strips(); ++strip)
    dots.append(mma.vectors, emitter->start(k, of[0], ofCodes[strip]));
  int64_t first = column / panel.kr;
  Value x = activations.codes(unit.x, column);
  int64_t together = emitter->quadsTogether(dot);
  if (mma.range && tokens > 1 && together > kStepQuads && dot.quads % together == 0)
    return multiplyParts(unit.codes, first, together, x, of, std::move(dots));
  if (!emitter->walksInLoop() || tokens == 1 || dot.quads <= kStraightQuads) {
    multiplyQuads(unit.codes, first, 1, dot.quads, x, of, dots);
    return dots;
  }
  // A step takes the quads that lie in the bit fields of one vector of the narrowest plane; of unpacked bytes two, for
  // which the registers are enough, or as many as are multiplied together.
  int64_t steps = mma.range ? dot.quads / std::max(kStepQuads, together) : narrowest();
  return k.loop(k.i64(0), k.i64(steps), 1, dots, [&](Value step, ValueRange carried) {
    Tile next(carried.begin(), carried.end());
    multiplyQuads(k.offset(unit.codes, k.mul(step, panel.vectorBytes())), first, steps, dot.quads / steps,
                  k.offset(x, k.mul(step, panel.kr)), of, next);
    return next;
  });
}

/// Of a row alone, and runs of one field unless sums are shifted between fields.
bool DotPanel::staysInPlace() const {
  if (tokens > 1 || !emitter || mma.range || !hasCodeFields(panel) || !reader.isPlain())
    return false;
  return emitter->shiftsSums() || panel.vectorsOf(panel.planes()[0]) * panel.kr % run == 0;
}

/// The bits by which the sums of the run at `column` are too high when they become floats, which takes that away for free.
unsigned DotPanel::leftHeight(int64_t column) const {
  if (!staysInPlace() || runs > 1 || !emitter->scalesSums())
    return 0;
  return codeFields(panel, column / panel.kr, dot.quads, emitter->widestInPlace(dot)).back().height;
}

/// Sums of a run of one row, in the emitter's form, times 2^leftHeight.
DotPanel::Tile DotPanel::multiplyInPlace(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes, ArrayRef<DotRun> of) {
  int64_t first = column / panel.kr;
  SmallVector<CodeField> fields = codeFields(panel, first, dot.quads, emitter->widestInPlace(dot));
  KernelBuilder::Values a = activations.operands(activations.codes(unit.x, column), 0, dot.quads, 1);
  Tile dots;
  for (int64_t v = 0; v < mma.vectors; ++v) {
    DotRun at = of[v];
    at.codes.offset = dot.codes.offset << fields.front().height;
    Value sum = emitter->start(k, at, ofCodes[0]);
    for (auto [index, field] : llvm::enumerate(fields)) {
      at.codes.bits = dot.codes.bits + field.height;
      size_t together = size_t(emitter->quadsTogether(at));
      for (ArrayRef<int64_t> left = field.quads; !left.empty(); left = left.drop_front(std::min(together, left.size()))) {
        Tile w, x;
        for (int64_t quad : left.take_front(together)) {
          int64_t vector = mma.firstVector + v;
          w.push_back(field.height ? reader.codesInPlace(unit.codes, quad, vector) : reader.quad(unit.codes, quad, vector));
          x.push_back(a[quad - first]);
        }
        sum = emitter->multiply(k, at, sum, w, x);
      }
      unsigned next = index + 1 < fields.size() ? fields[index + 1].height : leftHeight(column);
      sum = k.shrs(sum, int64_t(field.height - next));
    }
    dots.push_back(sum);
  }
  return dots;
}

/// A run of unpacked bytes in parts of so many quads, each with sums of its own that are added to `sums`: the sums of the
/// part stay in registers, the others need not.
DotPanel::Tile DotPanel::multiplyParts(Value codes, int64_t first, int64_t quads, Value x, ArrayRef<DotRun> of, Tile sums) {
  SmallVector<DotRun> part(of);
  for (DotRun &run : part)
    run.quads = quads;
  int64_t steps = quads / kStepQuads;
  for (int64_t quad = first; quad < first + dot.quads; quad += quads) {
    Tile dots;
    for (int64_t i = 0; i < int64_t(sums.size()); ++i)
      dots.push_back(emitter->start(k, part[i % mma.vectors], Value()));
    Value at = k.offset(x, (quad - first) * panel.kr);
    dots = k.loop(k.i64(0), k.i64(steps), 1, dots, [&](Value step, ValueRange carried) {
      Tile next(carried.begin(), carried.end());
      multiplyQuads(k.offset(codes, k.mul(step, panel.vectorBytes())), quad, steps, kStepQuads,
                    k.offset(at, k.mul(step, panel.kr)), part, next);
      return next;
    });
    for (auto [i, dot] : llvm::enumerate(dots))
      sums[i] = k.add(sums[i], emitter->finish(k, part[i % mma.vectors], dot, Value()));
  }
  return sums;
}

/// The bytes of `count` quads of a vector, `stride` quads apart.
DotPanel::Tile DotPanel::weights(Value codes, int64_t quad, int64_t stride, int64_t count, int64_t v) {
  Tile w;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = quad + i * stride, vector = mma.firstVector + v;
    w.push_back(shift ? reader.signedNibbles(codes, at, vector) : k.sub(reader.quad(codes, at, vector), subtracted));
  }
  return w;
}

/// Quads quad, quad + stride, … , `count` of them; `x` points to the activations of the first.
void DotPanel::multiplyQuads(Value codes, int64_t quad, int64_t stride, int64_t count, Value x, ArrayRef<DotRun> of,
                             Tile &dots) {
  if (emitter->walksInLoop() && strips() == 1) { // codes are multiplied as they are made
    KernelBuilder::Values a = activations.operands(x, 0, count, stride);
    int64_t together = emitter->quadsTogether(dot);
    for (int64_t from = 0; from < count; from += together)
      for (int64_t v = 0; v < mma.vectors; ++v) {
        int64_t some = std::min(count - from, together);
        Tile w = weights(codes, quad + from * stride, stride, some, v);
        dots[v] = emitter->multiply(k, of[v], dots[v], w, ArrayRef(a).slice(from, some));
      }
    return;
  }
  if (emitter->walksInLoop()) { // the weights stay, and strip after strip passes by: few registers
    SmallVector<Tile> w(mma.vectors);
    for (int64_t strip = 0; strip < strips(); ++strip) {
      KernelBuilder::Values a = activations.operands(x, strip, count, stride);
      for (int64_t v = 0; v < mma.vectors; ++v) {
        if (strip == 0)
          w[v] = weights(codes, quad, stride, count, v);
        Value &sum = dots[strip * mma.vectors + v];
        sum = emitter->multiply(k, of[v], sum, w[v], a);
      }
    }
    return;
  }
  SmallVector<KernelBuilder::Values> a;
  for (int64_t strip = 0; strip < strips(); ++strip)
    a.push_back(activations.operands(x, strip, count, stride));
  for (int64_t i : order(count))
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value w = reader.quad(codes, quad + i * stride, mma.firstVector + v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &sum = dots[strip * mma.vectors + v];
        sum = emitter->multiply(k, of[v], sum, w, a[strip][i]);
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

} // namespace

PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens,
                        PanelSums sums) {
  return DotPanel(k, mma, tokens).emit(panel, row0, std::move(sums));
}

PanelSums dotRows(KernelBuilder &k, const MmaOperands &mma, int64_t tokens, ArrayRef<Value> sums) {
  return DotPanel(k, mma, tokens).rowsOf(sums);
}

} // namespace nibble
