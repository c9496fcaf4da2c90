//===- DotPanelBlocks.cpp - sums of super blocks --------------------------===//
//
// See DotPanel.h. Where the float scale d of a super block meets the sum of all its columns, a tile has two sums for
// each result: that of the super block, to which spans are added as anywhere else, but times their activation scale
// alone, and that of the panel, which is touched at the super block's end, and by its minima then. Small integer minima
// have a third sum, which meets their float scale there, too.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// Records of a block that was unpacked ahead whose minima are added without a branch between them.
constexpr int64_t kMinimaTogether = 2;

PanelSums DotPanel::emitBlocks(Value panelPointer, Value row0, Value records, Tile sums) {
  int64_t perBlock = mma.range ? mma.recordsOfBlock : 1;
  if (walksStrips())
    return walkBlocks(panelPointer, row0, k.divu(records, perBlock), sums);
  bool waits = bool(memory.sums);
  auto body = [&](Value block, ValueRange before) {
    Value first = k.mul(block, perBlock);
    Tile ofBlock(strips() * mma.vectors * (countsInSpans() ? 2 : 1), k.zero(k.vec(k.f32(), dot.sums())));
    if (memory.blockSums)
      storeTile(ofBlock, memory.blockSums);
    ofBlock = emitRecords(panelPointer, row0, first, k.i64(perBlock), ofBlock);
    Tile next = scaleBlock(panelPointer, row0, first, ofBlock, Tile(before.begin(), before.end()));
    return waits ? Tile() : next;
  };
  return k.loop(k.i64(0), k.divu(records, perBlock), 1, waits ? Tile() : sums, body);
}

/// What a super block adds to the sums: its own times d, and its minima.
DotPanel::Tile DotPanel::scaleBlock(Value panelPointer, Value row0, Value first, Tile ofBlock, Tile sums) {
  size_t size = strips() * mma.vectors;
  Tile counts; // before other sums are in registers
  if (countsInSpans())
    counts = Tile(ArrayRef(ofBlock).drop_front(size));
  else if (countsMinima)
    counts = addBlockMinima(panelPointer, row0, first, Tile(size, k.zero(k.vec(k.f32(), dot.sums()))));
  if (memory.blockSums)
    ofBlock = loadTile(memory.blockSums, k.f32());
  if (memory.sums) // beside eight pairs of rows one by one: all at once would be more than the registers hold
    sums = passesStrips() && strips() > kTotalStrips ? Tile(size) : loadTile(memory.sums, k.f32());
  Value record = recordAt(panelPointer, first), at = memory.sums;
  for (int64_t v = 0; v < mma.vectors; ++v) {
    Value d = floatScale(record, /*unit=*/{}, /*column=*/0, v);
    Value minimum = countsMinima ? minusMinimum(record, v) : Value(), done = ofBlock[v];
    for (int64_t strip = 0; strip < strips(); ++strip) {
      int64_t i = strip * mma.vectors + v;
      if (!sums[i]) {
        at = emitter->after(k, at, done);
        sums[i] = k.load(d.getType(), k.offset(at, i * dot.sums() * 4));
      }
      sums[i] = done = k.fma(d, ofBlock[i], sums[i]);
      if (minimum)
        sums[i] = k.fma(minimum, counts[i], sums[i]);
    }
  }
  if (panel.hasMin && !countsMinima)
    sums = addBlockMinima(panelPointer, row0, first, sums);
  if (memory.sums)
    storeTile(sums, memory.sums);
  return sums;
}

DotPanel::Tile DotPanel::addBlockMinima(Value panelPointer, Value row0, Value first, Tile sums) {
  bool isRecord = !mma.range; // of which the super block has one with several units
  int64_t count = isRecord ? panel.unitsPerRecord() : mma.recordsOfBlock;
  int64_t together = !isRecord && count % kMinimaTogether == 0 ? kMinimaTogether : 1;
  return k.loop(k.i64(0), k.i64(count), together, sums, [&](Value index, ValueRange carried) {
    Tile next(carried.begin(), carried.end());
    for (int64_t i = 0; i < together; ++i)
      addUnitMinima(panelPointer, row0, isRecord ? first : k.add(k.add(first, index), i), isRecord ? index : k.i64(0),
                    next);
    return next;
  });
}

void DotPanel::addUnitMinima(Value panelPointer, Value row0, Value number, Value inRecord, Tile &sums) {
  Value record = recordAt(panelPointer, number);
  Value column = k.add(k.mul(number, panel.recordSpan()), k.mul(inRecord, panel.unitSpan()));
  Unit unit = unitAt(record, inRecord, column, row0);
  if (mma.pairs != MinimaPairs::None) { // of a block that was unpacked ahead
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Unit at = unit;
      addStripMinima({minimumAt(record, 0, v), minimumAt(record, minimumSpan(), v)}, at, 0, v, sums);
    }
    return;
  }
  for (int64_t from = 0; from < panel.unitSpan(); from += span()) {
    Tile da;
    for (int64_t strip = 0; strip < strips(); ++strip)
      da.push_back(activations.scale(unit.x, strip, from));
    if (countsMinima)
      countMinima(record, unit, from, da, MutableArrayRef(sums));
    else
      addMinima(record, unit, from, da, sums);
  }
}

/// Adds a span's integer minima times the scaled sums of activations: looked up where products go on meanwhile.
void DotPanel::countMinima(Value record, const Unit &unit, int64_t column, ArrayRef<Value> da,
                           MutableArrayRef<Value> counts) {
  for (int64_t first = column; first < column + span(); first += minimumSpan())
    for (int64_t v = 0; v < mma.vectors; ++v) {
      Value minima = mma.range ? k.load(k.vec(k.i32(), dot.lanes), minimumAt(record, first, v), 4)
                               : reader.subMinimum(unit.subMinima, first / panel.group, mma.firstVector + v);
      for (int64_t strip = 0; strip < strips(); ++strip) {
        Value &count = counts[strip * mma.vectors + v];
        Value scaled = scaledSum(unit, strip, first, da[strip]);
        Value product = countsInSpans() ? emitter->timesSmall(k, minima, scaled)
                                        : k.mulf(k.intToFloat(minima, k.f32()), scaled);
        count = k.addf(count, product);
      }
    }
}

/// Minus the float scale of a super block's minima.
Value DotPanel::minusMinimum(Value record, int64_t v) {
  if (mma.range)
    return k.load(k.vec(k.f32(), dot.lanes), scaleAt(record, panel.group, v), 4);
  return k.negf(reader.minimum(record, 0, mma.firstVector + v));
}

} // namespace nibble
