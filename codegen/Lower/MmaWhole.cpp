//===- MmaWhole.cpp - tiles of pairs of rows with an unpacked panel -------===//
//
// See MmaWhole.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaWhole.h"

#include "codegen/Lower/FoldedScales.h"
#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {

/// Of an unpacked panel, a part of a thread's stack: 32 rows of 1536 columns with scales and minima for each 16. A tile
/// reads a vector's part of it at a time, a quarter or a half, which stays in the first-level cache.
constexpr int64_t kMostUnpackedBytes = 72 << 10;

/// Of the codes of a block where the whole panel takes more, and of all rows' sums, which wait there then.
constexpr int64_t kBlockBytes = 32 << 10, kMostSumBytes = 32 << 10;

/// What tables of sums of activations may take beside that: there is room for a number of each 32 columns of 128 rows
/// of 6144 columns.
constexpr int64_t kTableBytes = 96 << 10;

/// Columns that a number of the scaled sums of activations is made of.
static int64_t scaledGroup(mpgemm::LayoutAttr layout) {
  return std::min(layout.getPanelLayout().group, kUnpackedRecord);
}

/// Whose minima meet these two by two. Sums with offsets are of groups of their own.
static MinimaPairs pairsOf(const MmaOperands &mma) {
  if (!mma.layout.getPanelLayout().hasMin)
    return MinimaPairs::None;
  int64_t group = scaledGroup(mma.layout);
  MinimaPairs pairs = dotEmitter(*mma.row).pairsMinima(group);
  bool suits = pairs != MinimaPairs::Groups || (group * 2 == kUnpackedRecord && fitSignedBytes(mma.layout));
  return suits ? pairs : MinimaPairs::None;
}

/// Columns that are unpacked at once.
static int64_t columnsOfBlock(KernelBuilder &k, const MmaOperands &mma) {
  int64_t columns = mma.layout.getK();
  PanelUnpacker whole(k, mma.layout, mma.row, &dotEmitter(*mma.row), columns, fitSignedBytes(mma.layout),
                      /*joinsHalves=*/false, pairsOf(mma));
  return whole.blockBytes() <= kMostUnpackedBytes ? columns : kBlockBytes / mma.layout.getNr();
}

/// Whether tiles of pairs of rows may follow each other, and there is something to do once for them. Where the sums of
/// very many rows would have to wait beside a block, each tile unpacks for itself.
bool WholePanel::suits(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile) {
  auto block = dyn_cast<lowbit::BlockType>(mma.layout.getElement());
  if (!block || isUnpacked(block) || mma.row->kind != RowKind::Dot || mma.row->strip == 1 || mma.interleaved == 1 ||
      mma.row->tileVectors > 1 || rows < 2 * tile || !dotEmitter(*mma.row).unpacksAhead())
    return false;
  return columnsOfBlock(k, mma) == mma.layout.getK() || rows * mma.layout.getNr() * 4 <= kMostSumBytes;
}

/// Whether what integer sums of small groups meet takes registers of so many sums: integer scales, or two float scales.
bool WholePanel::takesHalfTiles() const {
  bool addsGroups = addsGroupsInFloat(cast<lowbit::BlockType>(mma.layout.getElement()), *mma.row);
  return unpacker.levels().groups || (addsGroups && dotEmitter(*mma.row).ordersScales());
}

/// Numbers that scaled sums of activations take.
static int64_t scaledNumbers(const mpgemm::ActivationLayout &tables, int64_t rows, int64_t group) {
  return tables.blocks(rows) * tables.numbersOfBlock(group);
}


WholePanel::WholePanel(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile)
    : k(k), mma(mma), tile(tile), columns(columnsOfBlock(k, mma)),
      pairs(pairsOf(mma)), tableGroup(scaledGroup(mma.layout) * (pairs == MinimaPairs::Groups ? 2 : 1)),
      hasTables(mma.layout.getPanelLayout().hasMin &&
                scaledNumbers({columns, mma.interleaved}, rows, tableGroup) * 4 <= kTableBytes),
      unpacker(k, mma.layout, mma.row, &dotEmitter(*mma.row), columns, fitSignedBytes(mma.layout),
               /*joinsHalves=*/false, hasTables ? pairs : MinimaPairs::None),
      tokens(takesHalfTiles() ? tile / 2 : tile) {
  unpacked = k.stack(k.i8(), unpacker.blockBytes());
  if (unpacker.levels().groups)
    levels = k.stack(k.i8(), unpacker.levelBytes());
  if (isSplit())
    sums = k.stack(k.f32(), (rows + tile - 1) / tile * tile * unpacker.source().nr);
  int64_t numbers = scaledNumbers(tables(), rows, tableGroup);
  if (hasTables)
    scaledSums = k.stack(k.f32(), numbers);
  if (hasTables && unpacker.range().offset && !isSplit() && numbers * 8 <= kTableBytes)
    offsetSums = k.stack(k.i32(), numbers);
}

void WholePanel::prepare(Value rows) {
  if (scaledSums && !isSplit())
    emitTables(unpackedAs(k.i64(0)), rowsOfTiles(rows), k.i64(mma.layout.getK()));
}

/// What a block from `column` on is multiplied with.
MmaOperands WholePanel::unpackedAs(Value column) const {
  MmaOperands of = mma;
  of.layout = unpacker.layout(), of.range = unpacker.range(), of.height = unpacker.height(), of.ahead = std::nullopt;
  of.run = unpacker.runColumns(), of.recordsOfBlock = unpacker.recordsOfBlock();
  of.countsMinima = unpacker.countsMinima(), of.levels = levels, of.vectors = 1;
  of.columns = mma.layout.getK();
  auto move = [&](RowMatrix &numbers, Type type, int64_t group) {
    numbers.pointer = k.at(numbers.pointer, type, k.mul(k.divu(column, group), activations().numbersOfGroup()));
  };
  of.x.pointer = k.offset(mma.x.pointer, k.mul(column, mma.interleaved));
  move(of.scales, k.f32(), mma.activationGroup), move(of.sums, k.i32(), mma.sumGroup);
  of.scaledSums.pointer = scaledSums, of.pairs = scaledSums ? pairs : MinimaPairs::None;
  return of;
}

/// What becomes of the sums of activations, of `rows` rows and `columns` columns from those of the operands on: blocks
/// of rows in the order of their sums.
void WholePanel::emitTables(const MmaOperands &of, Value rows, Value columns) {
  int64_t numbers = tables().numbersOfGroup();
  k.loop(k.i64(0), k.divu(rows, mma.interleaved), 1, [&](Value block) {
    k.loop(k.i64(0), k.divu(columns, tableGroup), 1, [&](Value index) {
      Value to = numbersAt(tables(), scaledSums, k.f32(), tableGroup, block, index);
      if (pairs == MinimaPairs::None)
        k.store(scaledSum(of, block, index, 0, numbers), to, 4);
      else
        emitPairs(of, block, index, to);
    });
  });
}

/// The same in the order of DotEmitter::addPaired. Of a strip's four numbers, which are a pair's twice each, and those
/// of its second group, or of the next strip, become four; of strips in the first half of the place. (Shuffles of
/// longer vectors would go through memory on SVE.)
void WholePanel::emitPairs(const MmaOperands &of, Value block, Value index, Value to) {
  constexpr int64_t kStrip = 4;
  bool areStrips = pairs == MinimaPairs::Strips;
  int64_t numbers = tables().numbersOfGroup(), step = areStrips ? 2 * kStrip : kStrip;
  Value group = areStrips ? index : k.mul(index, 2);
  for (int64_t at = 0; at < numbers; at += step) {
    Value first = scaledSum(of, block, group, at, kStrip);
    Value second = areStrips ? scaledSum(of, block, group, at + kStrip, kStrip)
                             : scaledSum(of, block, k.add(group, 1), at, kStrip);
    k.store(k.shuffle(first, second, {0, 4, 2, 6}), k.at(to, k.f32(), at / step * kStrip), 4);
  }
}

/// The numbers of a group of so many columns.
Value WholePanel::numbersAt(const mpgemm::ActivationLayout &layout, Value base, Type type, int64_t group, Value block,
                            Value index) const {
  return k.at(base, type, k.add(k.mul(block, layout.numbersOfBlock(group)), k.mul(index, layout.numbersOfGroup())));
}

/// A group's sums of activations times their scale, `lanes` numbers of a block's from `first` on. What unsigned bytes
/// add to them is stored.
Value WholePanel::scaledSum(const MmaOperands &of, Value block, Value index, int64_t first, int64_t lanes) {
  mpgemm::ActivationLayout layout = activations();
  int64_t parts = scaledGroup(mma.layout) / mma.sumGroup;
  Value total, from = numbersAt(layout, of.sums.pointer, k.i32(), mma.sumGroup, block, k.mul(index, parts));
  for (int64_t part = 0; part < parts; ++part) {
    Value some = k.load(k.vec(k.i32(), lanes), k.at(from, k.i32(), part * layout.numbersOfGroup() + first), 4);
    total = total ? k.add(total, some) : some;
  }
  if (offsetSums)
    k.store(
        k.mul(total, -unpacker.range().offset),
        k.at(numbersAt(tables(), offsetSums, k.i32(), scaledGroup(mma.layout), block, index), k.i32(), first), 4);
  Value ofScale = k.divu(index, mma.activationGroup / scaledGroup(mma.layout));
  Value scales = numbersAt(layout, of.scales.pointer, k.f32(), mma.activationGroup, block, ofScale);
  return k.mulf(k.load(k.vec(k.f32(), lanes), k.at(scales, k.f32(), first), 4), k.intToFloat(total, k.f32()));
}

Value WholePanel::emit(Value panel, Value rows, const SumPlace &waiting, Store store) {
  Value end = rowsOfTiles(rows);
  k.ifThen(k.slt(k.i64(0), end), [&] {
    if (isSplit()) {
      emitBlocks(panel, end, waiting);
      forEachTile(end, [&](Value row0, Value vector, int64_t first) {
        store(dotRows(k, unpackedAs(k.i64(0)), tokens, loadSums(placeOf(row0, vector))), row0, tokens, vector);
      });
      return;
    }
    const mpgemm::PanelLayout &source = unpacker.source();
    unpacker.emit(panel, k.i64(0), k.i64(source.k / source.unitSpan()), apart(), levels);
    MmaOperands whole = unpackedAs(k.i64(0));
    if (offsetSums) {
      whole.sumForm = SumForm::Offsets, whole.sumGroup = scaledGroup(mma.layout);
      whole.sums = {offsetSums, tables().numbersOfBlock(scaledGroup(mma.layout))};
    }
    forEachTile(end, [&](Value row0, Value vector, int64_t first) {
      MmaOperands of = whole;
      Value part = takeVector(of, vector, first);
      store(sumTile(k, of, waiting, part, row0, tokens), row0, tokens, vector);
    });
  });
  return end;
}

/// Where the panel is unpacked: its distance from the frame would be part of each offset, too long for a store of two
/// registers.
Value WholePanel::apart() const { return DotEmitter::apartFromFrame(k, unpacked); }

/// A loop passes vectors by that are panels of their own.
void WholePanel::forEachTile(Value end, Visit visit) {
  int64_t vectors = mma.row->vectors;
  k.loop(k.i64(0), end, tokens, [&](Value row0) {
    if (unpacker.isInParts())
      return k.loop(k.i64(0), k.i64(vectors), 1, [&](Value vector) { visit(row0, vector, 0); });
    for (int64_t first = 0; first < vectors; ++first)
      visit(row0, k.i64(first), first);
  });
}

/// The unpacked rows of a vector, and their integer scales.
Value WholePanel::takeVector(MmaOperands &of, Value vector, int64_t first) const {
  of.firstVector = first;
  if (!unpacker.isInParts())
    return unpacked;
  if (levels)
    of.levels = k.offset(levels, k.mul(vector, unpacker.levelsOfPart()));
  return k.offset(unpacked, k.mul(vector, unpacker.partBytes()));
}

/// Block after block of the panel, all tiles with each.
void WholePanel::emitBlocks(Value panel, Value end, const SumPlace &waiting) {
  int64_t lanes = mma.row->lanes, span = unpacker.source().unitSpan(), units = unpacker.source().k / span;
  k.loop(k.i64(0), k.mul(end, unpacker.source().nr), lanes,
         [&](Value at) { k.store(k.zero(k.vec(k.f32(), lanes)), k.at(sums, k.f32(), at)); });
  k.loop(k.i64(0), k.i64(units), unpacker.unitsPerBlock(), [&](Value unit) {
    Value count = k.mins(k.sub(k.i64(units), unit), unpacker.unitsPerBlock()), columns = k.mul(count, span);
    unpacker.emit(panel, unit, count, apart(), levels);
    MmaOperands block = unpackedAs(k.mul(unit, span));
    block.records = k.divu(columns, kUnpackedRecord);
    if (scaledSums)
      emitTables(block, end, columns);
    forEachTile(end, [&](Value row0, Value vector, int64_t first) {
      MmaOperands of = block;
      Value part = takeVector(of, vector, first), place = placeOf(row0, vector);
      of.memory = waitingSums(k, of, tokens, {place, waiting.totals, waiting.blockSums});
      PanelSums before = of.memory.sums ? PanelSums() : loadSums(place);
      PanelSums after = accumulateDot(k, of, part, row0, tokens, before);
      for (auto [strip, value] : llvm::enumerate(after))
        k.store(value, k.at(place, k.f32(), int64_t(strip) * mma.row->strip * lanes));
    });
  });
}

/// Where a tile's sums with a vector are, strip by strip.
Value WholePanel::placeOf(Value row0, Value vector) const {
  return k.at(sums, k.f32(), k.mul(k.add(k.mul(row0, mma.row->vectors), k.mul(vector, tokens)), mma.row->lanes));
}

PanelSums WholePanel::loadSums(Value place) const {
  int64_t numbers = mma.row->strip * mma.row->lanes;
  PanelSums loaded;
  for (int64_t at = 0; at < tokens * mma.row->lanes; at += numbers)
    loaded.push_back(k.load(k.vec(k.f32(), numbers), k.at(place, k.f32(), at)));
  return loaded;
}

} // namespace nibble
