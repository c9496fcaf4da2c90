//===- MmaAhead.cpp - many rows with a panel that is unpacked ahead -------===//
//
// See MmaAhead.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/MmaAhead.h"

#include "codegen/Targets/DotEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nibble {

/// Rows of activations for which a block is unpacked: with 64 the unpacking is a sixteenth of what it is with the four of a
/// tile, and the sums of 16 weight rows take 4 KiB. (nf4, G multiply-adds/s on Zen 3: 33 with 32 rows, 39 with 64.)
constexpr int64_t kRowsTogether = 64;

static const DotEmitter *emitterOf(const InstructionRow &row) {
  return row.kind == RowKind::Dot4 ? &dotEmitter(row) : nullptr;
}

bool AheadPanel::suits(const MmaOperands &mma, int64_t rows) {
  auto block = dyn_cast<lowbit::BlockType>(mma.layout.getElement());
  if (!block || rows <= 2 * mma.row->tile)
    return false;
  if (mma.row->kind == RowKind::Float)
    return true;
  bool isByte = block.getCode().isInteger() && block.getCode().width == 8; // nothing to unpack
  return !isByte && mma.row->strip == 1 && mma.row->kind == RowKind::Dot4 && dotEmitter(*mma.row).unpacksAhead();
}

int64_t AheadPanel::rowsTogether() const {
  return std::max<int64_t>(1, kRowsTogether / mma.row->tile) * mma.row->tile;
}

AheadPanel::AheadPanel(KernelBuilder &k, const MmaOperands &mma)
    : k(k), mma(mma), unpacker(k, mma.layout, mma.row, emitterOf(*mma.row)) {
  auto allocate = [&](int64_t bytes) -> Value {
    return LLVM::AllocaOp::create(k.builder(), k.location(), k.ptr(), k.i8(), k.i64(bytes), /*alignment=*/64);
  };
  block = allocate(unpacker.blockBytes());
  sums = allocate(rowsTogether() * unpacker.source().nr * 4);
  if (!unpacker.pairsGroups() && !prepares())
    return;
  if (unpacker.pairsGroups())
    pairedCodes = allocate(rowsTogether() * blockColumns());
  if (unpacker.pairsGroups() || unpacker.range().offset)
    preparedSums = allocate(rowsTogether() * blockColumns() / kUnpackedRecord * 4);
  if (unpacker.source().hasMin)
    scaledSums = allocate(rowsTogether() * blockColumns() / scaledColumns() * 4);
}

/// Columns of a scaled sum.
int64_t AheadPanel::scaledColumns() const { return std::min(kUnpackedRecord, unpacker.layout().getPanelLayout().group); }

/// Groups below 32 that are not paired meet their integer scales before the offset is taken away.
bool AheadPanel::prepares() const {
  if (!mma.row->isInteger() || unpacker.layout().getPanelLayout().group < kUnpackedRecord)
    return false;
  CodeRange range = unpacker.range();
  return range.offset <= int64_t(1) << range.bits && (range.offset != 0 || unpacker.source().hasMin);
}

bool AheadPanel::keepsSumsInMemory(int64_t tokens) const {
  return tokens > 1 && mma.row->isInteger() && emitterOf(*mma.row)->keepsSumsInMemory();
}

int64_t AheadPanel::blockColumns() const { return unpacker.unitsPerBlock() * unpacker.source().unitSpan(); }

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
  at.ahead = 0; // the block is in the cache
  bool isInteger = mma.row->isInteger();
  if (isInteger)
    at.range = unpacker.range();
  at.x.pointer = k.at(mma.x.pointer, isInteger ? k.i8() : k.f32(), k.add(k.mul(row0, mma.x.stride), column));
  if (!isInteger)
    return at;
  Value scale = k.mul(row0, mma.scales.stride), sum = k.mul(row0, mma.sums.stride);
  if (mma.activationGroup == mpgemm::kActivationGroup)
    scale = k.add(scale, k.divu(column, mma.activationGroup));
  at.scales.pointer = k.at(mma.scales.pointer, k.f32(), scale);
  at.sums.pointer = k.at(mma.sums.pointer, k.i32(), k.add(sum, k.divu(column, mma.sumGroup)));
  at.paired = bool(pairedCodes), at.prepared = preparedSums && !pairedCodes;
  if (pairedCodes)
    at.x = {pairedCodes, blockColumns()};
  if (preparedSums)
    at.sumGroup = kUnpackedRecord, at.sums = {preparedSums, blockColumns() / kUnpackedRecord};
  if (scaledSums)
    at.scaledSums = {scaledSums, blockColumns() / scaledColumns()};
  return at;
}

PanelSums AheadPanel::loadSums(const MmaOperands &operands, int64_t tokens, Value from) {
  PanelSums loaded;
  int64_t lanes = mma.row->lanes;
  for (int64_t at = 0; at < tokens * operands.vectors * lanes; at += lanes)
    loaded.push_back(k.load(k.vec(k.f32(), lanes), k.at(from, k.f32(), at)));
  return loaded;
}

/// The columns of a block in pairs of groups, as MmaOperands::paired says; sums of codes fit 16 bits, since a group has 16.
void AheadPanel::pairRows(Value row0, Value rows, Value column, Value records) {
  SmallVector<int64_t> turns;
  int64_t group = unpacker.source().group;
  for (int64_t at = 0; at < group; at += 2)
    turns.append({at, at + 1, group + at, group + at + 1});
  k.loop(k.i64(0), rows, 1, [&](Value row) {
    Value from = k.add(row0, row);
    Value codes = k.at(mma.x.pointer, k.i8(), k.add(k.mul(from, mma.x.stride), column));
    Value sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(from, mma.sums.stride), k.divu(column, mma.sumGroup)));
    Value scales = k.at(mma.scales.pointer, k.f32(), k.mul(from, mma.scales.stride));
    k.loop(k.i64(0), records, 1, [&](Value record) {
      Value at = k.add(k.mul(row, blockColumns() / kUnpackedRecord), record);
      Value bytes = k.load(k.vec(k.i8(), kUnpackedRecord), k.offset(codes, k.mul(record, kUnpackedRecord)), 1);
      k.store(k.shuffle(bytes, bytes, turns), k.offset(pairedCodes, k.mul(at, kUnpackedRecord)));
      Value first = k.at(sums, k.i32(), k.mul(record, kUnpackedRecord / mma.sumGroup));
      auto sumOf = [&](int64_t part) {
        Value total;
        for (int64_t i = 0; i < group / mma.sumGroup; ++i) {
          Value sum = k.load(k.i32(), k.at(first, k.i32(), part * group / mma.sumGroup + i));
          total = total ? k.add(total, sum) : sum;
        }
        return total;
      };
      Value low = sumOf(0), high = sumOf(1);
      k.store(k.bitOr(k.bitAnd(low, 0xffff), k.shl(high, 16)), k.at(preparedSums, k.i32(), at));
      if (!scaledSums)
        return;
      Value index = k.divu(k.add(column, k.mul(record, kUnpackedRecord)), mma.activationGroup);
      Value scale = k.load(k.f32(), k.at(scales, k.f32(), index)), to = k.at(scaledSums, k.f32(), k.mul(at, 2));
      k.store(k.mulf(scale, k.intToFloat(low, k.f32())), to);
      k.store(k.mulf(scale, k.intToFloat(high, k.f32())), k.at(to, k.f32(), 1));
    });
  });
}

/// What prepareSum() makes of the block's sums, and these times their activation scale, a vector at a time.
void AheadPanel::prepareRows(Value row0, Value rows, Value column, Value records) {
  int64_t lanes = mma.row->lanes;
  Value whole = k.mul(k.divu(records, lanes), lanes);
  k.loop(k.i64(0), rows, 1, [&](Value row) {
    Value from = k.add(row0, row), out = k.mul(row, blockColumns() / kUnpackedRecord);
    Value sums = k.at(mma.sums.pointer, k.i32(), k.add(k.mul(from, mma.sums.stride), k.divu(column, mma.sumGroup)));
    Value scales = k.at(mma.scales.pointer, k.f32(), k.mul(from, mma.scales.stride));
    bool grouped = mma.activationGroup == kUnpackedRecord;
    if (grouped)
      scales = k.at(scales, k.f32(), k.divu(column, kUnpackedRecord));
    auto prepare = [&](Value record, int64_t count) {
      prepareRecords(k.at(sums, k.i32(), k.mul(record, kUnpackedRecord / mma.sumGroup)),
                     grouped ? k.at(scales, k.f32(), record) : scales, k.add(out, record), count);
    };
    k.loop(k.i64(0), whole, lanes, [&](Value record) { prepare(record, lanes); });
    k.loop(whole, records, 1, [&](Value record) { prepare(record, 1); });
  });
}

void AheadPanel::prepareRecords(Value sums, Value scales, Value to, int64_t lanes) {
  auto shaped = [&](Type element) -> Type { return lanes == 1 ? element : k.vec(element, lanes); };
  auto at = [&](int64_t part) { // sums of parts of a record stand side by side
    int64_t parts = kUnpackedRecord / mma.sumGroup;
    if (parts == 1 || lanes == 1)
      return k.load(shaped(k.i32()), k.at(sums, k.i32(), part));
    SmallVector<int64_t> mask;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back(lane * parts + part);
    Value all = k.load(k.vec(k.i32(), lanes * parts), sums);
    return k.shuffle(all, all, mask);
  };
  Value total = at(0);
  for (int64_t part = 1; part < kUnpackedRecord / mma.sumGroup; ++part)
    total = k.add(total, at(part));
  if (preparedSums) {
    DotRun run;
    run.lanes = mma.row->lanes, run.quads = kUnpackedRecord / unpacker.source().kr;
    run.codes = {unpacker.range().bits, unpacker.range().isSigned, unpacker.range().offset};
    k.store(emitterOf(*mma.row)->prepareSum(k, run, total), k.at(preparedSums, k.i32(), to));
  }
  if (!scaledSums)
    return;
  bool grouped = mma.activationGroup == kUnpackedRecord;
  Value scale = k.load(grouped ? shaped(k.f32()) : k.f32(), scales);
  if (!grouped && lanes > 1)
    scale = k.splat(scale, lanes);
  k.store(k.mulf(scale, k.intToFloat(total, k.f32())), k.at(scaledSums, k.f32(), to));
}

void AheadPanel::emitBlocks(Value panel, Value row0, Value count) {
  const mpgemm::PanelLayout &source = unpacker.source();
  int64_t units = source.k / source.unitSpan(), span = source.unitSpan();
  k.loop(k.i64(0), k.i64(units), unpacker.unitsPerBlock(), [&](Value unit) {
    Value inBlock = k.mins(k.sub(k.i64(units), unit), unpacker.unitsPerBlock());
    unpacker.emit(panel, unit, inBlock, block, /*fetchesNext=*/mma.ahead != 0);
    Value records = k.mul(inBlock, mma.row->isInteger() ? span / kUnpackedRecord : span);
    if (pairedCodes)
      pairRows(row0, count, k.mul(unit, span), records);
    else if (preparedSums || scaledSums)
      prepareRows(row0, count, k.mul(unit, span), records);
    forEachTile(count, blockAt(row0, k.mul(unit, span), records),
                [&](MmaOperands &operands, Value row, int64_t tokens, Value place) {
                  if (keepsSumsInMemory(tokens)) {
                    operands.place = place;
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
