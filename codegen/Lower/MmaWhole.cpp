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

/// Whether tiles of pairs of rows may follow each other, and there is something to do once for them.
bool WholePanel::suits(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile) {
  auto block = dyn_cast<lowbit::BlockType>(mma.layout.getElement());
  if (!block || isUnpacked(block) || mma.row->kind != RowKind::Dot || mma.row->strip == 1 || mma.interleaved == 1 ||
      mma.row->tileVectors > 1 || rows < 2 * tile || !dotEmitter(*mma.row).unpacksAhead())
    return false;
  return PanelUnpacker(k, mma.layout, mma.row, &dotEmitter(*mma.row), /*wholePanel=*/true, fitSignedBytes(mma.layout))
             .blockBytes() <= kMostUnpackedBytes;
}

/// Whether what integer sums of small groups meet takes registers of so many sums: integer scales, or two float scales.
bool WholePanel::takesHalfTiles() const {
  bool addsGroups = addsGroupsInFloat(cast<lowbit::BlockType>(mma.layout.getElement()), *mma.row);
  return unpacker.levels().groups || (addsGroups && dotEmitter(*mma.row).ordersScales());
}

/// Numbers that scaled sums of activations take.
int64_t WholePanel::scaledNumbers(int64_t rows) const {
  return activations().blocks(rows) * activations().numbersOfBlock(scaledGroup()) / (pairsMinima() ? 2 : 1);
}

/// Whether two groups of 16 columns meet their sums of activations together.
bool WholePanel::pairsMinima() const {
  return mma.layout.getPanelLayout().hasMin && dotEmitter(*mma.row).pairsMinima() &&
         scaledGroup() * 2 == kUnpackedRecord && fitSignedBytes(mma.layout);
}

WholePanel::WholePanel(KernelBuilder &k, const MmaOperands &mma, int64_t rows, int64_t tile)
    : k(k), mma(mma), tile(tile),
      unpacker(k, mma.layout, mma.row, &dotEmitter(*mma.row), /*wholePanel=*/true, fitSignedBytes(mma.layout),
               /*joinsHalves=*/false, pairsMinima() && scaledNumbers(rows) * 4 <= kTableBytes),
      tokens(takesHalfTiles() ? tile / 2 : tile) {
  unpacked = k.stack(k.i8(), unpacker.blockBytes());
  if (unpacker.levels().groups)
    levels = k.stack(k.i8(), unpacker.levelBytes());
  if (!unpacker.source().hasMin)
    return;
  int64_t numbers = scaledNumbers(rows);
  if (numbers * 4 <= kTableBytes)
    scaledSums = k.stack(k.f32(), numbers);
  if (unpacker.range().offset && numbers * 8 <= kTableBytes)
    offsetSums = k.stack(k.i32(), numbers);
}
void WholePanel::prepare(Value rows) {
  if (scaledSums)
    k.loop(k.i64(0), k.divu(rowsOfTiles(rows), mma.interleaved), 1, [&](Value block) { emitSums(block); });
}

/// Of a block of rows of activations, in the order of its sums; of two groups together in that of
/// DotEmitter::pairedMinima.
void WholePanel::emitSums(Value block) {
  int64_t together = pairsMinima() ? 2 : 1, group = scaledGroup() * together;
  mpgemm::ActivationLayout layout = activations();
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < layout.numbersOfGroup(); ++lane)
    mask.push_back(lane % 2 * layout.numbersOfGroup() + lane / 2 * 2);
  k.loop(k.i64(0), k.i64(layout.columns / group), 1, [&](Value index) {
    Value scaled = scaledSum(block, k.mul(index, together));
    if (together == 2)
      scaled = k.shuffle(scaled, scaledSum(block, k.add(k.mul(index, together), 1)), mask);
    k.store(scaled, numbersAt(scaledSums, k.f32(), group, block, index), 4);
  });
}

/// The numbers of a group of so many columns.
Value WholePanel::numbersAt(Value base, Type type, int64_t group, Value block, Value index) {
  mpgemm::ActivationLayout layout = activations();
  return k.at(base, type, k.add(k.mul(block, layout.numbersOfBlock(group)), k.mul(index, layout.numbersOfGroup())));
}

/// A group's sums of activations times their scale. What unsigned bytes add to them is stored.
Value WholePanel::scaledSum(Value block, Value index) {
  int64_t lanes = activations().numbersOfGroup(), parts = scaledGroup() / mma.sumGroup;
  Value total, from = numbersAt(mma.sums.pointer, k.i32(), mma.sumGroup, block, k.mul(index, parts));
  for (int64_t part = 0; part < parts; ++part) {
    Value some = k.load(k.vec(k.i32(), lanes), k.at(from, k.i32(), part * lanes), 4);
    total = total ? k.add(total, some) : some;
  }
  if (offsetSums)
    k.store(k.mul(total, -unpacker.range().offset), numbersAt(offsetSums, k.i32(), scaledGroup(), block, index), 4);
  Value ofScale = k.divu(index, mma.activationGroup / scaledGroup());
  Value scale = k.load(k.vec(k.f32(), lanes),
                       numbersAt(mma.scales.pointer, k.f32(), mma.activationGroup, block, ofScale), 4);
  return k.mulf(scale, k.intToFloat(total, k.f32()));
}

Value WholePanel::emit(Value panel, Value rows, const SumPlace &waiting, Store store) {
  Value end = rowsOfTiles(rows);
  k.ifThen(k.slt(k.i64(0), end), [&] {
    const mpgemm::PanelLayout &source = unpacker.source();
    // Its distance from the frame would be part of each offset, too long for a store of two registers.
    Value place = DotEmitter::apartFromFrame(k, unpacked);
    unpacker.emit(panel, k.i64(0), k.i64(source.k / source.unitSpan()), place, levels);
    MmaOperands of = mma;
    of.layout = unpacker.layout(), of.range = unpacker.range(), of.height = unpacker.height(), of.ahead = std::nullopt;
    of.run = unpacker.runColumns(), of.scaledSums.pointer = scaledSums;
    of.recordsOfBlock = unpacker.recordsOfBlock(), of.countsMinima = unpacker.countsMinima();
    of.pairsMinima = scaledSums && pairsMinima();
    if (offsetSums) {
      of.sumForm = SumForm::Offsets, of.sumGroup = scaledGroup();
      of.sums = {offsetSums, activations().numbersOfBlock(scaledGroup())};
    }
    of.vectors = 1;
    k.loop(k.i64(0), end, tokens, [&](Value row0) {
      k.loop(k.i64(0), k.i64(mma.row->vectors), 1, [&](Value vector) {
        if (levels)
          of.levels = k.offset(levels, k.mul(vector, unpacker.levelsOfPart()));
        Value part = k.offset(unpacked, k.mul(vector, unpacker.partBytes()));
        store(sumTile(k, of, waiting, part, row0, tokens), row0, tokens, vector);
      });
    });
  });
  return end;
}

} // namespace nibble
