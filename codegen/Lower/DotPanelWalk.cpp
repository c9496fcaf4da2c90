//===- DotPanelWalk.cpp - pairs of rows with an unpacked panel ------------===//
//
// See DotPanel.h. A tile of pairs of rows walks a panel that was unpacked as a whole, a vector's rows by themselves
// (PanelUnpacker.h), so that what it reads lies in the order in which it is read: weights, integer scales, float scales
// with minima, and of the activations codes, scales and sums. Each of these has a pointer, which its loads move on in
// place of additions. A super block whose float scale meets its sum is straight code, and its sums start with the
// products of the first record.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"

using namespace mlir;

namespace nibble {

/// Quads of weights by one load.
constexpr int64_t kLoadedQuads = 2;

/// Whether the tile is walked so. Without a table of scaled sums, minima of a span would be made of sums of activations
/// that the walk does not pass.
bool DotPanel::walksStrips() const {
  bool readsSums = addsSpanMinima() && !mma.scaledSums.pointer;
  return mma.range && passesStrips() && emitter->ordersScales() && !readsSums && loadsSpans() &&
         panel.unitsPerRecord() == 1 && panel.unitSpan() == span();
}

DotPanel::Walk DotPanel::startWalk(Value panelPointer, Value row0) {
  Walk walk;
  walk.record = recordAt(panelPointer, k.i64(0));
  walk.unit = unitAt(walk.record, k.i64(0), k.i64(0), row0);
  walk.unit.codes = k.offset(walk.record, panel.codesOffset());
  walk.unit.subScales = mma.levels;
  // A constant, where that is what was loaded: by that a load moves its pointer in any case.
  auto step = [&](int64_t loaded, int64_t bytes) {
    return loaded == bytes ? k.i64(bytes) : emitter->step(k, k.i64(bytes));
  };
  int64_t columns = panel.unitSpan(), quads = columns / panel.kr;
  int64_t loaded = std::min(dot.quads, kLoadedQuads) * panel.vectorBytes();
  walk.unit.toWeights = step(loaded, panel.recordBytes() - quads * panel.vectorBytes() + loaded);
  loaded = activations.behindStrips(0, columns) - activations.behindStrips(1, columns);
  walk.unit.toCodes = step(loaded, activations.behindStrips(strips(), columns) + loaded);
  if (int64_t together = scalesTogether(); together == strips() || together == 1) {
    loaded = activations.scalesOf(together);
    walk.unit.toScales = step(loaded, activations.scalesBehind(columns) - activations.scalesOf(strips()) + loaded);
  }
  int64_t behind = addsSpanMinima() ? panel.minOffset(minimaOfRecord() - 1, 0) : 0; // of what is read last
  walk.toRecord =
      scalesBlocks ? k.i64(mma.recordsOfBlock * panel.recordBytes()) : step(0, panel.recordBytes() - behind);
  if (panel.hasMin && scalesBlocks) {
    int64_t toGroup = panel.minOffset(1, 0) - panel.minOffset(0, 0);
    walk.toMinima = step(0, toGroup);
    walk.toMinimaOfNext = step(0, panel.recordBytes() - (minimaOfRecord() - 1) * toGroup);
  }
  return walk;
}

SmallVector<Value *> DotPanel::pointersOf(Walk &walk) const {
  Unit &unit = walk.unit;
  SmallVector<Value *> pointers = {&walk.record, &unit.codes, &unit.x.codes, &unit.x.scales};
  if (mma.levels)
    pointers.push_back(&unit.subScales);
  if (mma.scaledSums.pointer)
    pointers.push_back(&unit.x.scaledSums);
  if (dot.codes.offset)
    pointers.push_back(&unit.x.sums);
  return pointers;
}

/// What `step` does, `count` times, with the sums in registers, or in memory.
PanelSums DotPanel::walkPanel(Walk start, Value count, ValueRange sums,
                              function_ref<void(Value index, Walk &, Tile &)> step) {
  PanelSums carried(sums);
  for (Value *pointer : pointersOf(start))
    carried.push_back(*pointer);
  PanelSums last = k.loop(k.i64(0), count, 1, carried, [&](Value index, ValueRange before) {
    Walk walk = start;
    for (auto [pointer, value] : llvm::zip_equal(pointersOf(walk), before.drop_front(sums.size())))
      *pointer = value;
    Tile next(before.take_front(sums.size()));
    step(index, walk, next);
    for (Value *pointer : pointersOf(walk))
      next.push_back(*pointer);
    return PanelSums(next);
  });
  last.truncate(sums.size());
  return last;
}

PanelSums DotPanel::walkRecords(Value panelPointer, Value row0, Value records, ValueRange sums) {
  return walkPanel(startWalk(panelPointer, row0), records, sums, [&](Value, Walk &walk, Tile &next) {
    walkRecord(walk, next);
    Value last = std::exchange(walk.unit.minima, {});
    walk.record = afterStrip(k.offset(last ? last : walk.record, walk.toRecord), next.back());
    moveScales(walk.unit);
  });
}

/// Adds a record's products to `sums`, which are null of none. Pointers stand at the next record then, and are read
/// through once the last sum is there; that of the float scales stays.
void DotPanel::walkRecord(Walk &walk, Tile &sums) {
  Unit &unit = walk.unit;
  emitStrips(walk.record, unit, 0, sums);
  unit.codes = afterStrip(unit.codes, sums.back());
  if (mma.levels)
    unit.subScales = afterStrip(unit.subScales, sums.back());
  if (dot.codes.offset)
    unit.x.sums = activations.sumsBehind(unit.x, panel.unitSpan());
  if (!unit.toScales)
    unit.x.scaleColumns += panel.unitSpan();
}

/// A record's weights and integer scales; the pointers move on.
void DotPanel::walkWeights(Unit &at, SmallVector<Tile> &w, MutableArrayRef<DotRun> of) {
  for (int64_t i = 0; i < runs * groups; ++i) {
    Tile &quads = w.emplace_back();
    while (int64_t count = std::min(dot.quads - int64_t(quads.size()), kLoadedQuads)) {
      for (Value bytes : emitter->loadWeights(k, dot, at.codes, panel.vectorBytes(), count))
        quads.push_back(k.sub(bytes, subtracted));
      bool isLast = i + 1 == runs * groups && int64_t(quads.size()) == dot.quads;
      at.codes = k.offset(at.codes, isLast ? at.toWeights : k.i64(count * panel.vectorBytes()));
      at.codes = afterStrip(at.codes, quads.back());
    }
  }
  if (!mma.levels)
    return;
  int64_t parts = dot.sums() / 4;
  Tile fours;
  for (int64_t loaded = 0; loaded < runs * parts; loaded += 4)
    fours.append(
        emitter->loadFours(k, k.offset(at.subScales, loaded * 16), std::min<int64_t>(runs * parts - loaded, 4)));
  for (auto [i, run] : llvm::enumerate(of)) {
    Value scales = fours[i * parts];
    for (int64_t part = 1; part < parts; ++part)
      scales = k.concat(scales, fours[i * parts + part]);
    run.scale = k.bitcast(scales, emitter->scaleType(k, dot));
  }
  at.subScales = k.offset(at.subScales, levels.recordBytes());
}

PanelSums DotPanel::walkBlocks(Value panelPointer, Value row0, Value blocks, ValueRange sums) {
  bool waits = bool(memory.sums);
  auto step = [&](Value index, Walk &walk, Tile &next) {
    Tile ofBlock(strips());
    for (int64_t record = 0; record < mma.recordsOfBlock; ++record)
      walkRecord(walk, ofBlock);
    walk.record = afterStrip(walk.record, ofBlock.back());
    scaleWalked(walk.record, ofBlock, next);
    if (panel.hasMin && mma.scaledSums.pointer)
      walkMinima(walk, next);
    else if (panel.hasMin)
      next = addBlockMinima(panelPointer, row0, k.mul(index, mma.recordsOfBlock), next);
    if (waits)
      storeTile(std::exchange(next, {}), memory.sums);
    walk.record = k.offset(walk.record, walk.toRecord);
    moveScales(walk.unit);
  };
  return walkPanel(startWalk(panelPointer, row0), blocks, waits ? Tile() : Tile(sums), step);
}

/// A super block's sums, times its float scale, are added to the panel's: each of these is loaded when a register has
/// become free.
void DotPanel::scaleWalked(Value record, ArrayRef<Value> ofBlock, Tile &sums) {
  Value d = emitter->loadSpread(k, dot, record), at = memory.sums;
  for (int64_t strip = 0; strip < strips(); ++strip) {
    if (at) {
      at = afterStrip(at, strip ? sums.back() : ofBlock[0]);
      sums.push_back(k.load(d.getType(), k.offset(at, strip * dot.sums() * 4)));
    }
    sums[strip] = k.fma(d, ofBlock[strip], sums[strip]);
  }
}

/// The minima of a super block.
void DotPanel::walkMinima(Walk &walk, Tile &sums) {
  Value at = k.offset(walk.record, panel.minOffset(0, 0));
  Tile minima;
  for (int64_t group = 1; group <= mma.recordsOfBlock * minimaOfRecord(); ++group) {
    at = afterStrip(at, sums.back());
    minima.push_back(loadMinima(at));
    at = k.offset(at, group % minimaOfRecord() ? walk.toMinima : walk.toMinimaOfNext);
    if (int64_t(minima.size()) == minimaTogether())
      addGroupMinima(std::exchange(minima, {}), walk.unit, 0, sums);
  }
}

/// Brings activation scales that were read at their distance from the first to where the rest is.
void DotPanel::moveScales(Unit &unit) {
  unit.x.scales = k.offset(unit.x.scales, activations.scalesBehind(std::exchange(unit.x.scaleColumns, 0)));
}

} // namespace nibble
