//===- MmaAhead.cpp - many rows with a panel that is unpacked ahead -------===//
//
// See MmaAhead.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaAhead.h"

#include "codegen/Intrinsics/RowCost.h"
#include "codegen/Lower/ActivationReader.h"
#include "codegen/Lower/SharedFetch.h"
#include "codegen/Targets/DotEmitter.h"

using namespace mlir;

namespace nibble {

/// Rows of activations for which a block is unpacked: with 128 the unpacking is a thirty-second of what it is with the
/// four of a tile, and the sums of 16 weight rows take 8 KiB. (docs/decisions/2026-11-22-chunks-of-128.md)
constexpr int64_t kRowsTogether = 128;

/// What a block, sums and tables of sums of activations may take of a thread's stack (runtime/threads/Team.h): there is
/// room for a number of each 32 columns of 128 rows of 12288 columns.
constexpr int64_t kStackBytes = 208 << 10;

/// Records of a row whose sums are made side by side.
constexpr int64_t kRecordsTogether = 8;

static const DotEmitter *emitterOf(const InstructionRow &row) {
  return row.kind == RowKind::Dot ? &dotEmitter(row) : nullptr;
}

/// Integers in one plane whose sums meet no scale within a run. (Four rows on Zen 3, G multiply-adds/s as it is and
/// unpacked ahead: Q4_0 92 and 77, Q2_0 89 and 81, MXFP4 65 and 74, Q5_0 60 and 69, Q6_K 44 and 63, IQ2_XS 46 and 52.)
static bool isCheapPacked(mpgemm::LayoutAttr layout) {
  mpgemm::PanelLayout source = layout.getPanelLayout();
  bool isIntegers = cast<lowbit::BlockType>(layout.getElement()).getCode().isInteger();
  return isIntegers && source.planes().size() == 1 && source.group >= kUnpackedRecord;
}

/// Numbers that are looked up, of each row in a table of its own, or while a span has several integer sums: a tile that
/// unpacks them wants many registers.
static bool isCrowded(mpgemm::LayoutAttr layout) {
  mpgemm::PanelLayout source = layout.getPanelLayout();
  bool looksUp = !cast<lowbit::BlockType>(layout.getElement()).getCode().isInteger();
  return looksUp && (source.bookPerRow || (source.isTwoLevel() && source.group < kUnpackedRecord));
}

/// Floats in whole units: those of 16 bits are widened, and those of 32 copied to where all tiles of rows read them
/// from the first level of the cache.
static bool isCopied(const MmaOperands &mma) {
  mpgemm::PanelLayout source = mma.layout.getPanelLayout();
  return source.isFloat() && !mma.row->narrow && source.k % source.unitSpan() == 0;
}

bool AheadPanel::suits(const MmaOperands &mma, int64_t rows) {
  auto block = dyn_cast<lowbit::BlockType>(mma.layout.getElement());
  int64_t tile = mma.row->tile;
  if (!block && !isCopied(mma))
    return false;
  if (mma.row->kind == RowKind::Float)
    return rows > 2 * tile;
  if (isUnpacked(block) || mma.row->strip != 1 || mma.row->kind != RowKind::Dot)
    return false;
  const DotEmitter &emitter = dotEmitter(*mma.row);
  if (!emitter.unpacksAhead() || isCheapPacked(mma.layout))
    return emitter.unpacksAhead() && rows > 2 * tile;
  return rows >= emitter.rowsAhead(tile, isCrowded(mma.layout));
}

bool AheadPanel::leavesOneTile() const { return mma.row->isInteger() && isCheapPacked(mma.layout); }

int64_t AheadPanel::rowsTogether() const {
  int64_t tile = mma.row->tile, most = std::min(kRowsTogether, (mostRows + tile - 1) / tile * tile);
  return std::max<int64_t>(1, most / tile) * tile;
}

/// Whether the numbers themselves, less their zero point, are multiplied at no further cost.
static bool takesOffsets(const MmaOperands &mma) {
  return mma.row->signedBytes && widthIsFree(*mma.row) && fitSignedBytes(mma.layout);
}

AheadPanel::AheadPanel(KernelBuilder &k, const MmaOperands &mma, int64_t rows)
    : k(k), mma(mma), mostRows(rows), unpacker(k, mma.layout, mma.row, emitterOf(*mma.row), /*columns=*/0,
                                              takesOffsets(mma), mma.joinsHalves) {
  unpacker.lookUpIn(mma.tables);
  block = k.stack(k.i8(), unpacker.blockBytes());
  sums = k.stack(k.f32(), rowsTogether() * unpacker.source().nr);
  if (!mma.row->isInteger())
    return;
  waiting = placeOfSums(k, *mma.row);
  if (unpacker.levels().groups)
    levels = k.stack(k.i8(), unpacker.levelBytes());
  allocateTables();
}

void AheadPanel::allocateTables() {
  int64_t offsets = columnsOfPart() || unpacker.sumForm() != SumForm::Codes ? offsetSumsOfRecord() : 0;
  int64_t scaled = unpacker.source().hasMin ? groupsOfRecord() : 0;
  int64_t others = unpacker.blockBytes() + unpacker.levelBytes() + rowsTogether() * unpacker.source().nr * 4;
  int64_t numbers = mostRows * (unpacker.source().k / kUnpackedRecord) * (offsets + scaled);
  prepared = others + numbers * 4 <= kStackBytes;
  int64_t records = (prepared ? mostRows : rowsTogether()) * recordsOfTables();
  if (offsets)
    offsetSums = k.stack(k.i32(), records * offsets);
  int64_t together = scaledTogether();
  if (scaled) // whole groups of rows, and what a tile of fewer reads behind the last
    scaledSums = k.stack(k.f32(), (records + (together - 1) * recordsOfTables()) * scaled + together - 1);
}

/// Rows whose scaled sums of activations are loaded at once.
int64_t AheadPanel::scaledTogether() const { return dotEmitter(*mma.row).takesLanes() ? mma.row->tile : 1; }

/// Of a row.
int64_t AheadPanel::recordsOfTables() const {
  return (prepared ? unpacker.source().k : unpacker.blockColumns()) / kUnpackedRecord;
}

/// Groups of 32 columns, whose sums of activations minima meet.
int64_t AheadPanel::groupsOfRecord() const {
  return kUnpackedRecord / std::min<int64_t>(unpacker.source().group, kUnpackedRecord);
}

/// Runs of 32 columns, and the numbers that become of the sums of their activations.
int64_t AheadPanel::runsOfRecord() const { return kUnpackedRecord / unpacker.runColumns(); }
int64_t AheadPanel::offsetSumsOfRecord() const {
  if (int64_t columns = columnsOfPart())
    return kUnpackedRecord / columns;
  return unpacker.sumForm() == SumForm::Pairs ? 1 : runsOfRecord();
}

void AheadPanel::prepare(Value rows) {
  if (prepared && (offsetSums || scaledSums))
    emitTables(k.i64(0), rows, k.i64(0), k.i64(recordsOfTables()));
}

void AheadPanel::emit(Value panel, Value rows, Store store) {
  k.loop(k.i64(0), rows, rowsTogether(), [&](Value row0) {
    Value count = k.mins(k.sub(rows, row0), rowsTogether());
    int64_t lanes = mma.row->lanes;
    k.loop(k.i64(0), k.mul(count, unpacker.source().nr), lanes, [&](Value at) {
      k.store(k.zero(k.vec(k.f32(), lanes)), k.at(sums, k.f32(), at));
    });
    emitBlocks(panel, row0, count);
    emitStores(row0, count, store);
  });
}

/// Tiles of the row's size, of half of it, and so on, each with `mma.tileVectors` vectors of the panel.
void AheadPanel::forEachTile(Value count, const MmaOperands &from, Tile visit) {
  Value done = k.i64(0);
  for (int64_t tile = mma.row->tile; tile > 0; tile /= 2) {
    Value end = tile == 1 ? count : k.add(done, k.mul(k.divu(k.sub(count, done), tile), tile));
    k.loop(done, end, tile, [&](Value row) {
      MmaOperands operands = from;
      operands.vectors = mma.row->kind == RowKind::Float || tile == 1 ? mma.row->vectors : mma.row->tileVectors;
      for (int64_t first = 0; first < mma.row->vectors; first += operands.vectors) {
        operands.firstVector = first;
        Value place = k.add(k.mul(row, unpacker.source().nr), first * mma.row->lanes * tile);
        visit(operands, row, tile, k.at(sums, k.f32(), place));
      }
    });
    done = end;
  }
}

/// The block's operands, rows counted from row0 on.
MmaOperands AheadPanel::blockAt(Value row0, Value column, Value records) const {
  MmaOperands at = mma;
  at.layout = unpacker.layout();
  at.records = records;
  at.ahead = std::nullopt; // the block is in the cache
  bool isInteger = mma.row->isInteger();
  if (isInteger) {
    at.range = unpacker.range(), at.run = unpacker.runColumns(), at.height = unpacker.height();
    at.recordsOfBlock = unpacker.recordsOfBlock(), at.countsMinima = unpacker.countsMinima();
  }
  at.x.pointer = k.at(mma.x.pointer, isInteger ? k.i8() : k.f32(), k.add(k.mul(row0, mma.x.stride), column));
  if (!isInteger)
    return at;
  Value scale = k.mul(row0, mma.scales.stride), sum = k.mul(row0, mma.sums.stride);
  if (mma.activationGroup == mpgemm::kActivationGroup)
    scale = k.add(scale, k.divu(column, mma.activationGroup));
  at.scales.pointer = k.at(mma.scales.pointer, k.f32(), scale);
  at.sums.pointer = k.at(mma.sums.pointer, k.i32(), k.add(sum, k.divu(column, mma.sumGroup)));
  at.levels = levels;
  if (int64_t columns = columnsOfPart()) {
    RowMatrix numbers = tableAt(offsetSums, offsetSumsOfRecord(), k.i32(), row0, column);
    at.starts = {numbers, columns, unpacker.runPart().codes.offset};
  } else if (offsetSums) {
    at.sumForm = unpacker.sumForm();
    at.sumGroup = kUnpackedRecord / offsetSumsOfRecord();
    at.sums = tableAt(offsetSums, offsetSumsOfRecord(), k.i32(), row0, column);
  }
  if (!scaledSums)
    return at;
  int64_t together = at.scaledTogether = scaledTogether(), perRow = recordsOfTables() * groupsOfRecord();
  at.scaledSums = {scaledSums, perRow};
  if (prepared)
    at.scaledSums.pointer = placeAmong(k, at.scaledSums, row0, k.mul(k.divu(column, kUnpackedRecord), groupsOfRecord()),
                                       together);
  return at;
}

/// A table's rows from row0 and `column` on.
RowMatrix AheadPanel::tableAt(Value table, int64_t perRecord, Type type, Value row0, Value column) const {
  int64_t perRow = recordsOfTables() * perRecord;
  if (!prepared)
    return {table, perRow};
  Value first = k.add(k.mul(row0, perRow), k.mul(k.divu(column, kUnpackedRecord), perRecord));
  return {k.at(table, type, first), perRow};
}

PanelSums AheadPanel::loadSums(const MmaOperands &operands, int64_t tokens, Value from) {
  PanelSums loaded;
  int64_t lanes = mma.row->lanes;
  for (int64_t at = 0; at < tokens * operands.vectors * lanes; at += lanes)
    loaded.push_back(k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), at)));
  return loaded;
}

/// What becomes of the sums of activations, row by row; rows and columns of the tables count from row0 and `column` on.
void AheadPanel::emitTables(Value row0, Value rows, Value column, Value records) {
  Value whole = k.mul(k.divu(records, kRecordsTogether), kRecordsTogether);
  k.loop(k.i64(0), rows, 1, [&](Value row) {
    Value from = k.add(row0, row), at = k.mul(row, recordsOfTables());
    ActivationRow x;
    x.codes = k.offset(mma.x.pointer, k.add(k.mul(from, mma.x.stride), column));
    x.sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(from, mma.sums.stride), k.divu(column, mma.sumGroup)));
    x.scales = k.at(mma.scales.pointer, k.f32(), k.mul(from, mma.scales.stride));
    if (mma.activationGroup == mpgemm::kActivationGroup)
      x.scales = k.at(x.scales, k.f32(), k.divu(column, mma.activationGroup));
    if (scaledSums)
      x.scaledSums = placeAmong(k, {scaledSums, recordsOfTables() * groupsOfRecord()}, row, k.i64(0), scaledTogether());
    k.loop(k.i64(0), whole, kRecordsTogether,
           [&](Value record) { emitTable(x, record, kRecordsTogether, k.add(at, record)); });
    k.loop(whole, records, 1, [&](Value record) { emitTable(x, record, 1, k.add(at, record)); });
  });
}

/// Of `count` records of a row from `record` on; `at` is the number of the first in the tables.
void AheadPanel::emitTable(const ActivationRow &x, Value record, int64_t count, Value at) {
  bool isStarts = columnsOfPart() > 0;
  Value offsetsAt = offsetSums ? k.at(offsetSums, k.i32(), k.mul(at, offsetSumsOfRecord())) : Value();
  if (isStarts) {
    Value codes = k.load(k.vec(k.i8(), count * kUnpackedRecord), k.offset(x.codes, k.mul(record, kUnpackedRecord)), 1);
    k.store(unpacker.starts(codes), offsetsAt, 4);
  }
  if (offsetSums && !isStarts) { // of a run of 16 they fit 16 bits
    bool isPairs = unpacker.sumForm() == SumForm::Pairs;
    Value total = sumsOfRuns(x.sums, record, count, runsOfRecord());
    k.store(isPairs ? k.trunc(total, k.i16()) : k.mul(total, -unpacker.range().offset), offsetsAt, 4);
  }
  if (scaledSums)
    emitScaledSums(x, record, count);
}

void AheadPanel::emitScaledSums(const ActivationRow &x, Value record, int64_t count) {
  Value total = k.intToFloat(sumsOfRuns(x.sums, record, count, groupsOfRecord()), k.f32());
  Value scaled = k.mulf(scalesOfGroups(x.scales, record, count), total);
  int64_t together = scaledTogether();
  Value to = k.at(x.scaledSums, k.f32(), k.mul(record, groupsOfRecord() * together));
  if (together == 1)
    return k.store(scaled, to, 4);
  for (int64_t index = 0; index < count * groupsOfRecord(); ++index)
    k.store(k.extract(scaled, index), k.at(to, k.f32(), index * together));
}

/// The sums of activations of each of a record's `runs` (i32).
Value AheadPanel::sumsOfRuns(Value sums, Value record, int64_t count, int64_t runs) {
  int64_t parts = kUnpackedRecord / runs / mma.sumGroup;
  Value loaded = k.load(k.vec(k.i32(), count * runs * parts), k.at(sums, k.i32(), k.mul(record, runs * parts)));
  Value total;
  for (int64_t part = 0; part < parts; ++part) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < count * runs; ++lane)
      mask.push_back(lane * parts + part);
    Value some = parts == 1 ? loaded : k.shuffle(loaded, loaded, mask);
    total = total ? k.add(total, some) : some;
  }
  return total;
}

/// The scale of the activations of each group.
Value AheadPanel::scalesOfGroups(Value scales, Value record, int64_t count) {
  int64_t groups = groupsOfRecord();
  if (mma.activationGroup != mpgemm::kActivationGroup)
    return k.splat(k.load(k.f32(), scales), count * groups);
  Value scale = k.load(k.vec(k.f32(), count), k.at(scales, k.f32(), record));
  if (groups == 1)
    return scale;
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < count * groups; ++lane)
    mask.push_back(lane / groups);
  return k.shuffle(scale, scale, mask);
}

void AheadPanel::emitBlocks(Value panel, Value row0, Value count) {
  const mpgemm::PanelLayout &source = unpacker.source();
  int64_t units = source.k / source.unitSpan(), span = source.unitSpan();
  k.loop(k.i64(0), k.i64(units), unpacker.unitsPerBlock(), [&](Value unit) {
    Value inBlock = k.mins(k.sub(k.i64(units), unit), unpacker.unitsPerBlock());
    unpacker.emit(panel, unit, inBlock, block, levels);
    Value records = k.mul(inBlock, mma.row->isInteger() ? span / kUnpackedRecord : span);
    if (!prepared && (offsetSums || scaledSums))
      emitTables(row0, count, k.mul(unit, span), records);
    std::optional<SharedFetch> fetch; // of the next block, which may be the next panel's first
    if (mma.ahead)
      fetch.emplace(k, unpacker.packedAt(panel, k.add(unit, inBlock)), unpacker.packedBytes(), count, mma.row->tile);
    forEachTile(count, blockAt(row0, k.mul(unit, span), records),
                [&](MmaOperands &operands, Value row, int64_t tokens, Value place) {
                  if (fetch && tokens == mma.row->tile && operands.firstVector == 0)
                    fetch->emit(row);
                  if (mma.row->isInteger())
                    operands.memory = waitingSums(k, operands, tokens, {place, waiting.totals, waiting.blockSums});
                  if (operands.memory.sums) {
                    accumulateDot(k, operands, block, row, tokens);
                    return;
                  }
                  PanelSums before = loadSums(operands, tokens, place);
                  PanelSums after = mma.row->isInteger() ? accumulateDot(k, operands, block, row, tokens, before)
                                                         : accumulateFloat(k, operands, block, row, tokens, before);
                  for (auto [index, value] : llvm::enumerate(after))
                    k.store(value, k.at(place, k.f32(), int64_t(index) * mma.row->lanes));
                });
  });
}

void AheadPanel::emitStores(Value row0, Value count, Store store) {
  forEachTile(count, mma, [&](MmaOperands &operands, Value row, int64_t tokens, Value place) {
    PanelSums loaded = loadSums(operands, tokens, place);
    store(loaded, k.add(row0, row), tokens, operands.firstVector, operands.vectors);
  });
}

} // namespace nibble
