//===- DotPanelProducts.cpp - integer sums of a span of columns -----------===//
//
// See DotPanel.h. What differs is how long a weight's bytes stay in registers: packed codes
// are unpacked quad by quad for all rows of the tile; bytes that were unpacked ahead are loaded
// quad by quad; codes of one and two bits are multiplied with a few rows where they lie in
// their bytes (DotPanelInPlace.cpp).
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

#include <numeric>
#include <utility>

using namespace mlir;

namespace nibble {

/// A run of so few quads is straight code: a sum is done before the next one starts. A loop of one or two steps pays
/// for its branch and keeps all sums of the tile across it.
constexpr int64_t kStraightQuads = 4;

/// The sums of a span before they meet float scales: Σ sub · Σ (byte - offset) · a, sub of each run or one.
DotPanel::Tile DotPanel::integerSums(const Unit &unit, int64_t column) {
  Tile total, before; // what the next run's products are added to
  for (int64_t first = column; first < column + run * runs; first += run) {
    Unit at = first > column ? after(unit, total) : unit;
    if (first > column && isCrowded() && !goesInOrder())
      at.x.codes = emitter->afterSums(k, at.x.codes, total);
    Tile ofCodes(strips());
    bool takesSums = dot.codes.offset && !levels.pairs;
    for (int64_t strip = 0; strip < strips(); ++strip)
      if (dot.hasStarts)
        ofCodes[strip] = activations.start(unit.x, strip, first);
      else if (takesSums)
        ofCodes[strip] = activations.codeSums(unit.x, strip, first);
    SmallVector<DotRun> of;
    for (int64_t v = 0; v < mma.vectors; ++v)
      of.push_back(runOf(unit, first, v));
    bool goesOn = mma.range && emitter->goesOn(of[0]);
    if (goesOn)
      before = std::exchange(total, {});
    Tile dots = isLookup() ? lookUp(unit, first, ofCodes) : multiplyRun(at, first, ofCodes, of, std::move(before));
    before = levels.differences ? dots : Tile();
    for (auto [i, sum] : llvm::enumerate(dots)) {
      int64_t strip = int64_t(i) / mma.vectors, v = int64_t(i) % mma.vectors;
      if (emitter)
        sum = emitter->finish(k, of[v], sum, ofCodes[strip]);
      else if (of[v].scale)
        sum = k.mul(sum, of[v].scale);
    }
    if (!total.empty())
      addTotals(total, dots, totalsWait());
    total = std::move(dots);
    if (totalsWait() && !goesOn && first + run < column + run * runs)
      storeTile(total, memory.totals);
  }
  if (levels.pairs)
    addOffsets(unit, column, total);
  return total;
}

/// What the offsets of both runs of a span come to.
void DotPanel::addOffsets(const Unit &unit, int64_t column, Tile &total) {
  for (int64_t strip = 0; strip < strips(); ++strip) {
    Value pair = activations.pairOfSums(unit.x, strip, column);
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value &sum = total[strip * mma.vectors + v];
      Value at = k.offset(unit.subScales, levels.offsets((mma.firstVector + v) * dot.lanes));
      sum = emitter->addOffsets(k, sum, k.load(emitter->scaleType(k, dot), at, 4), pair);
    }
  }
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

/// Sums of a run, in the emitter's form, added to those `before` if there are any.
DotPanel::Tile DotPanel::multiplyRun(const Unit &unit, int64_t column, ArrayRef<Value> ofCodes, ArrayRef<DotRun> of,
                                     Tile before) {
  if (staysInPlace())
    return multiplyInPlace(unit, column, ofCodes, of);
  Tile dots = std::move(before);
  for (int64_t strip = 0; strip < strips() && int64_t(dots.size()) < strips() * mma.vectors; ++strip)
    dots.append(mma.vectors, emitter->start(k, of[0], ofCodes[strip]));
  int64_t first = column / panel.kr;
  Value x = activations.codes(unit.x, column);
  if (emitter->walksInLoop() && (mma.range || (tokens > 1 && readsBytes())))
    return multiplyUnpacked(unit, column, x, of, std::move(dots));
  if (!emitter->walksInLoop() || tokens == 1 || dot.quads <= kStraightQuads) {
    multiplyQuads({unit.codes, first, 1, dot.quads, x}, of, dots);
    return dots;
  }
  // A step takes the quads that lie in the bit fields of one vector of the narrowest plane.
  int64_t steps = narrowest();
  bool looksUp = reader.looksUp() || panel.bookEntryBytes; // in tables that take registers
  bool takesApart = emitter->registersOfSum() > 1 && dot.codes.bits > 5 && (steps == 1 || looksUp);
  int64_t together = quadsOfPiece();
  bool fills = multipliesPieces();
  auto multiply = [&](Value step, Tile &sums) {
    Value codes = k.offset(unit.codes, k.mul(step, panel.vectorBytes())), from = k.offset(x, k.mul(step, panel.kr));
    if (takesApart)
      return multiplyApart({codes, first, steps, dot.quads / steps, from}, of, sums);
    Tile done;
    for (int64_t quad = 0; quad < dot.quads; quad += steps * together, done = sums) {
      if (fills) // from the first on: one pointer, and not a base and a distance
        codes = emitter->afterSums(k, codes, done), from = emitter->afterSums(k, from, done);
      multiplyQuads({codes, first + quad, steps, together, k.offset(from, quad * panel.kr), fills}, of, sums);
    }
  };
  if (steps == 1 && takesApart) {
    multiply(k.i64(0), dots);
    return dots;
  }
  return k.loop(k.i64(0), k.i64(steps), 1, dots, [&](Value step, ValueRange carried) {
    Tile next(carried.begin(), carried.end());
    multiply(step, next);
    return next;
  });
}

/// Packed codes, two quads at a time, half of them apart: those share bytes. The codes of all would be more than the
/// registers hold beside sums that take two each, and words that wait to be widened.
void DotPanel::multiplyApart(Quads quads, ArrayRef<DotRun> of, Tile &dots) {
  int64_t apart = quads.count / kStepQuads;
  for (int64_t part = 0; part < apart; ++part) {
    if (part > 0)
      quads.codes = emitter->afterSums(k, quads.codes, dots), quads.x = emitter->afterSums(k, quads.x, dots);
    Value x = k.offset(quads.x, part * quads.stride * panel.kr);
    multiplyQuads({quads.codes, quads.first + part * quads.stride, apart * quads.stride, kStepQuads, x}, of, dots);
  }
}

/// Quads of the parts in which a run of bytes is summed up, after each of which sums are widened; 0: it has none.
int64_t DotPanel::partQuads() const {
  int64_t together = emitter->quadsTogether(dot);
  bool fits = readsBytes() && together > kStepQuads && together < dot.quads && dot.quads % together == 0;
  return startQuads ? startQuads : fits ? together : 0;
}

/// A run of bytes.
DotPanel::Tile DotPanel::multiplyUnpacked(const Unit &unit, int64_t column, Value x, ArrayRef<DotRun> of, Tile dots) {
  if (sumsParts())
    return multiplyParts(unit, column, x, of, std::move(dots));
  Value codes = unit.codes;
  int64_t first = column / panel.kr, together = emitter->quadsTogether(dot);
  if (dot.quads <= emitter->straightQuads()) {
    multiplyInOrder(codes, first, dot.quads, x, of, dots);
    return dots;
  }
  int64_t quads = std::max(kStepQuads, together);
  return k.loop(k.i64(0), k.i64(dot.quads / quads), 1, dots, [&](Value step, ValueRange carried) {
    Tile next(carried.begin(), carried.end());
    multiplyInOrder(k.offset(codes, k.mul(step, quads * panel.vectorBytes())), first, quads,
                    k.offset(x, k.mul(step, quads * panel.kr)), of, next);
    return next;
  });
}

/// A run of unpacked bytes in parts, each with sums of its own that are added to `sums`: the sums of the part stay in
/// registers, the others need not.
DotPanel::Tile DotPanel::multiplyParts(const Unit &unit, int64_t column, Value x, ArrayRef<DotRun> of, Tile sums) {
  SmallVector<DotRun> part(of);
  int64_t quads = partQuads(), first = column / panel.kr, inSpan = column % (run * runs);
  bool isFirst = inSpan == 0, isLast = inSpan == run * (runs - 1);
  for (DotRun &run : part)
    run.quads = quads, run.hasStarts = startQuads > 0;
  Unit at = unit;
  for (int64_t quad = first; quad < first + dot.quads; quad += quads) {
    Tile dots;
    Value start; // of the strip
    if ((quad > first || !isFirst) && strips() > 1) {
      at.codes = emitter->afterSums(k, at.codes, sums), x = emitter->afterSums(k, x, sums);
      if (startQuads)
        at.x.starts = emitter->afterSums(k, at.x.starts, sums);
    }
    for (int64_t i = 0; i < int64_t(sums.size()); ++i) {
      int64_t strip = i / mma.vectors;
      if (startQuads && i % mma.vectors == 0)
        start = activations.start(at.x, strip, quad * panel.kr);
      dots.push_back(emitter->start(k, part[i % mma.vectors], start));
    }
    multiplyInOrder(at.codes, quad, quads, k.offset(x, (quad - first) * panel.kr), part, dots);
    for (auto [i, dot] : llvm::enumerate(dots))
      dot = emitter->finish(k, part[i % mma.vectors], dot, Value());
    addTotals(sums, dots, totalsWait() && !(isFirst && quad == first));
    sums = std::move(dots);
    if (totalsWait() && !(isLast && quad + quads == first + dot.quads))
      storeTile(sums, memory.totals);
  }
  return sums;
}

/// Quads of unpacked bytes, two by two or as many as are added before they are widened, each step with all rows. The
/// sums of a step are there before the next one's bytes are loaded. Products of numbers that are widened one by one
/// need a register more for what widens them, and so do parts for what they start with: one quad a step.
void DotPanel::multiplyInOrder(Value codes, int64_t quad, int64_t count, Value x, ArrayRef<DotRun> of, Tile &dots) {
  bool isWidened = dot.codes.bits >= 7 && mma.row->unsignedBits < 8;
  int64_t step = std::max(isWidened || startQuads ? 1 : kStepQuads, emitter->quadsTogether(of[0]));
  // Beside sums in i32, words and what widens them no register is left for activations that are loaded early. Bytes
  // with a sign have one, unless they are stored so with minima, or with a scale for several runs.
  bool isLong = isWidened && !mma.range && (panel.group > run || panel.hasMin);
  bool fills = memory.sums && (emitter->goesOn(of[0]) || emitter->quadsTogether(of[0]) > 1 || isLong);
  for (int64_t from = 0; from < count; from += step) {
    if (from > 0 && strips() > 1)
      codes = emitter->afterSums(k, codes, dots), x = emitter->afterSums(k, x, dots);
    Value operands = k.offset(x, from * dot.stepBytes);
    multiplyQuads({codes, quad + from, 1, std::min(step, count - from), operands, fills}, of, dots);
  }
}

/// Quads of packed codes that a tile's step multiplies at a time: those that are looked up together, or two where all
/// are more than the registers hold beside the sums, and what widens these.
int64_t DotPanel::quadsOfPiece() const {
  int64_t quads = dot.quads / narrowest(), sums = strips() + (mma.row->unsignedBits < 8 ? 1 : 0);
  if (readsBytes() || dot.quads <= kStraightQuads)
    return quads;
  if (reader.quadsTogether() > 1)
    return std::min(quads, reader.quadsTogether());
  return quads > kStepQuads && exceeds((quads + sums) * mma.vectors) ? kStepQuads : quads;
}

/// The bytes of `count` quads of a vector, `stride` quads apart.
DotPanel::Tile DotPanel::weights(Value codes, int64_t quad, int64_t stride, int64_t count, int64_t v) {
  int64_t vector = mma.firstVector + v;
  Tile w;
  SmallVector<int64_t> quads;
  for (int64_t i = 0; i < count; ++i)
    quads.push_back(quad + i * stride);
  if (shift && !mma.range)
    for (int64_t at : quads)
      w.push_back(reader.signedNibbles(codes, at, vector));
  else
    for (Value bytes : reader.quads(codes, quads, vector))
      w.push_back(k.sub(bytes, subtracted));
  return w;
}

/// The products of some quads of a run are added to `dots`.
void DotPanel::multiplyQuads(const Quads &quads, ArrayRef<DotRun> of, Tile &dots) {
  if (!emitter->walksInLoop())
    return accumulateQuads(quads, of, dots);
  if (strips() == 1)
    return reader.quadsTogether() > 1 ? multiplyLookedUp(quads, of, dots) : multiplyStrip(quads, of, dots);
  return multiplyStrips(quads, of, dots);
}

/// One strip: codes are multiplied as they are made.
void DotPanel::multiplyStrip(Quads at, ArrayRef<DotRun> of, Tile &dots) {
  KernelBuilder::Values a = activations.operands(at.x, 0, at.count, at.stride);
  SmallVector<int64_t> quads(at.count);
  std::iota(quads.begin(), quads.end(), 0);
  if (at.stride == 1) // a byte of codes need not wait for its upper half
    quads = order(at.count);
  bool ordered = emitter->ordersScales(); // vector after vector, since the activations of each quad take a register
  size_t together = ordered ? quads.size() : size_t(emitter->quadsTogether(dot));
  for (ArrayRef<int64_t> left = quads; !left.empty(); left = left.drop_front(std::min(together, left.size()))) {
    if (int64_t done = at.count - int64_t(left.size()); joinsMany() && done > 0 && done % kStepQuads == 0) {
      at.x = emitter->afterSums(k, at.x, dots);
      a = activations.operands(at.x, 0, at.count, at.stride);
    }
    if (looksLong() && int64_t(left.size()) < at.count) { // its tables take the registers
      at.codes = emitter->afterSums(k, at.codes, dots), at.x = emitter->afterSums(k, at.x, dots);
      a = activations.operands(at.x, 0, at.count, at.stride);
    }
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Tile w, some;
      for (int64_t i : left.take_front(together)) {
        w.append(weights(at.codes, at.first + i * at.stride, at.stride, 1, v));
        some.push_back(a[i]);
      }
      dots[v] = emitter->multiply(k, of[v], dots[v], w, some);
      if (ordered)
        at.codes = emitter->afterSums(k, at.codes, dots[v]);
    }
  }
}

/// One strip with weights that are looked up several quads at a time, which takes the registers: activations are loaded
/// when they are there.
void DotPanel::multiplyLookedUp(Quads at, ArrayRef<DotRun> of, Tile &dots) {
  int64_t together = std::min(reader.quadsTogether(), at.count);
  for (int64_t first = 0; first < at.count; first += together)
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Tile w = weights(at.codes, at.first + first * at.stride, at.stride, together, v);
      at.x = emitter->afterSums(k, at.x, w);
      Tile a = activations.operands(at.x, 0, at.count, at.stride);
      dots[v] = emitter->multiply(k, of[v], dots[v], w, ArrayRef(a).slice(first, together));
      at.codes = emitter->afterSums(k, at.codes, dots[v]);
    }
}

/// The weights stay, and strip after strip passes by: few registers.
void DotPanel::multiplyStrips(Quads quads, ArrayRef<DotRun> of, Tile &dots) {
  // Sums of one of several runs wait as words, which leaves no register for activations that are loaded early, and in
  // i32 as half as many.
  bool widens = memory.sums && emitter->registersOfSum() > 1 && !readsBytes() && dot.quads <= kStraightQuads;
  SmallVector<Tile> w(mma.vectors);
  for (int64_t strip = 0; strip < strips(); ++strip) {
    if (strip > 0 && (quads.fills || widens)) {
      Tile done(ArrayRef(dots).slice((strip - 1) * mma.vectors, mma.vectors));
      for (Value &sum : done)
        sum = widens ? emitter->finish(k, dot, sum, /*codeSums=*/Value()) : sum;
      quads.x = emitter->afterSums(k, quads.x, done);
    }
    KernelBuilder::Values a = activations.operands(quads.x, strip, quads.count, quads.stride);
    for (int64_t v = 0; v < mma.vectors; ++v) {
      if (strip == 0)
        w[v] = weights(quads.codes, quads.first, quads.stride, quads.count, v);
      Value &sum = dots[strip * mma.vectors + v];
      sum = emitter->multiply(k, of[v], sum, w[v], a);
    }
  }
}

/// Quad by quad, by an instruction that adds to its sum: the operands of all strips stay.
void DotPanel::accumulateQuads(Quads at, ArrayRef<DotRun> of, Tile &dots) {
  bool loadsEach = strips() > 1 && emitter->loadsEachQuad();
  SmallVector<KernelBuilder::Values> a;
  Tile x; // each strip has a pointer of its own where its quads are loaded one by one, at small distances
  for (int64_t strip = 0; strip < strips(); ++strip) {
    bool follows = loadsEach && strip > 0;
    Value from = activations.stripCodes(follows ? x.back() : at.x, follows ? 1 : strip);
    x.push_back(loadsEach ? emitter->afterSums(k, from, {}) : from);
    a.push_back(activations.operands(x.back(), 0, at.count, at.stride));
  }
  for (auto [number, i] : llvm::enumerate(order(at.count))) {
    if (strips() > 1 && emitter->ordersScales() && reader.looksUp() && 2 * int64_t(number) == at.count)
      at.codes = emitter->afterSums(k, at.codes, dots);
    for (int64_t strip = 0; strip < strips() && number > 0 && loadsEach; ++strip) {
      x[strip] = emitter->afterSums(k, x[strip], dots);
      a[strip] = activations.operands(x[strip], 0, at.count, at.stride);
    }
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value w = reader.quad(at.codes, at.first + i * at.stride, mma.firstVector + v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &sum = dots[strip * mma.vectors + v];
        sum = emitter->multiply(k, of[v], sum, w, a[strip][i]);
      }
    }
  }
}

/// In which order an accumulating instruction takes `count` neighbouring quads: those in the bit fields of one vector
/// of the widest plane follow each other, the lowest field last, so that the vector need not be kept and the last may
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

} // namespace nibble
