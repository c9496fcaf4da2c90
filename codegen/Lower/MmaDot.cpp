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
// Orders of a unit or span, which change no sum. The usual one: all integer sums of a span and
// tile first, so that a vector of weights is read once for all rows, then the scales.
// Strips of two rows, of which a tile has up to eight: a vector's weights of the whole span
// are unpacked and stay in registers, and pair after pair passes by (emitStrips). A single
// row: vector after vector, where codes would wait in registers for several runs
// (emitVectors), and codes of one and two bits where they lie in their bytes (in that order where a run is a bit field,
// else emitInPlace).
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/DotPanel.h"
#include "codegen/Lower/FoldedScales.h"

using namespace mlir;

namespace nibble {

/// From so many strips on it is cheaper to take the offset of codes from the weights' bytes, once for all strips, than
/// to start each strip's sums with what it adds up to.
constexpr int64_t kSignedStrips = 4;

/// Bytes of weights that a row alone fetches ahead at once. A longer record's are fetched span by span: its lines at
/// once would hold up its own.
constexpr int64_t kFetchedTogether = 4096;

/// Registers for tables of a row alone with codebooks of weight rows: those of as many vectors as it takes at once.
constexpr int64_t kTableRegisters = 8;

/// Bytes that a tile of a few rows fetches ahead into the second level of the cache. (Four rows on a Zen 4, GB/s of
/// weights from memory, without it, 4096, 8192 and 16384 bytes ahead: Q4_0 14, 18, 19, 18; Q5_0 16, 17, 18, 18; Q6_K 9,
/// 13, 15. Into the first level Q4_0 14 to 18, Q5_0 10. Not so where the core does well alone: Q8_0 20 without, 17 with
/// 8192; Q4_K 15 and 10.)
constexpr int64_t kTileAhead = 8192;
constexpr int kSecondLevel = 2; ///< llvm.prefetch's locality

DotPanel::DotPanel(KernelBuilder &k, const MmaOperands &mma, int64_t tokens)
    : k(k), mma(mma), emitter(isLookup() ? nullptr : &dotEmitter(*mma.row)),
      reader(k, mma.layout, mma.row->lanes, mma.row, emitter), panel(reader.layout()), tokens(tokens),
      run(mma.run ? mma.run : std::min<int64_t>(panel.group, mpgemm::kActivationGroup)),
      runs(panel.isTwoLevel() || mma.levels ? mpgemm::kActivationGroup / run : 1), activations(k, mma, dot, emitter) {
  auto block = cast<lowbit::BlockType>(mma.layout.getElement());
  if (run < mpgemm::kActivationGroup && !mma.levels && addsGroupsInFloat(block, *mma.row))
    runs = 1, groups = mpgemm::kActivationGroup / run;
  countsMinima = mma.range ? mma.countsMinima : looksUpMinima(block, *mma.row);
  scalesBlocks = mma.range ? mma.recordsOfBlock > 0 : scalesSuperBlocks(block, *mma.row);
  dot.lanes = mma.row->lanes, dot.strip = tokens > 1 ? mma.row->strip : 1, dot.quads = run / panel.kr;
  dot.stepBytes = panel.kr * (mma.interleaved > 1 ? 2 : 1);
  if (mma.range)
    reader.assume(*mma.range), shift = mma.height;
  else
    reader.lookUpIn(mma.tables);
  // Emitters multiply the sums of activations by minus the offset: by one, where they were multiplied ahead.
  bool isTimesOffset = mma.sumForm == SumForm::Offsets || mma.sumForm == SumForm::Pairs;
  dot.codes = {reader.range().bits, reader.range().isSigned, isTimesOffset ? -1 : reader.range().offset};
  if (mma.starts.numbers.pointer) {
    dot.codes.offset -= mma.starts.offset;
    dot.hasStarts = mma.starts.columns == run, startQuads = dot.hasStarts ? 0 : mma.starts.columns / panel.kr;
  }
  if (mma.levels)
    levels = {panel.nr, runs, mma.row->strip, mma.sumForm == SumForm::Pairs,
              emitter->sumsGoOn() && !reader.range().offset};
  bool fits = dot.codes.bits < 8 || !dot.codes.isSigned; // a byte, without its offset
  if (passesStrips() && fits && strips() >= kSignedStrips) {
    shift = emitter->scalesSums() && reader.hasSignedNibbles() ? 4 : 0;
    subtracted = std::exchange(dot.codes.offset, 0);
  }
}

Value DotPanel::spread(Value rows) { return dot.strip == 1 ? rows : DotEmitter::spread(k, rows); }

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
  if (mma.range && emitter->loadsEachQuad()) // long registers are loaded at small distances only
    panelPointer = DotEmitter::apartFromFrame(k, panelPointer);
  reader.openPanel(panelStart = panelPointer);
  bool isTile = emitter && (emitter->registers() || emitter->loadsEachQuad()) && strips() > 1;
  bool isOrdered = staysInPlace() && emitter->ordersScales();
  if (mma.range || isTile || isOrdered || scalesBlocks) // constants of loops around this one shall not stay
    emitter->freeRegisters(k);
  if (isTile && isShort() && !mma.range) // a copy for its loop alone: what lives through all tiles' waits on the stack
    panelPointer = emitter->afterSums(k, panelPointer, {});
  // LLVM shall not know that these are places of the stack; beside a tile of pairs it had better add to the frame's
  // pointer.
  bool isPlain = mma.range && passesStrips() && !emitter->ordersScales();
  memory = mma.memory;
  if (memory.sums && !isPlain)
    for (Value SumPlace::*place : {&SumPlace::sums, &SumPlace::totals, &SumPlace::blockSums})
      memory.*place = memory.*place ? emitter->afterSums(k, memory.*place, {}) : Value();
  if (!memory.sums && sums.empty())
    sums.assign(strips() * mma.vectors, k.zero(k.vec(k.f32(), dot.sums())));
  Value records = mma.records ? mma.records : k.i64(panel.records());
  if (walksStrips() && !scalesBlocks)
    return walkRecords(panelPointer, row0, records, sums);
  return scalesBlocks ? emitBlocks(panelPointer, row0, records, sums)
                      : emitRecords(panelPointer, row0, k.i64(0), records, sums);
}

/// `count` records from `first` on.
DotPanel::Tile DotPanel::emitRecords(Value panelPointer, Value row0, Value first, Value count, Tile sums) {
  return loop(count, sums, [&](Value index, Tile carried) {
    return emitRecord(panelPointer, row0, k.add(first, index), carried);
  });
}

Value DotPanel::recordAt(Value panelPointer, Value index) const {
  return k.offset(k.offset(panelPointer, panel.recordOffset(0)), k.mul(index, panel.recordBytes()));
}

/// A loop that carries the tile's sums, unless they are in memory.
DotPanel::Tile DotPanel::loop(Value count, ArrayRef<Value> sums, function_ref<Tile(Value, Tile)> body) {
  bool carries = !spanSums();
  return k.loop(k.i64(0), count, 1, carries ? sums : ArrayRef<Value>(), [&](Value index, ValueRange carried) {
    Tile next = body(index, Tile(carried.begin(), carried.end()));
    return carries ? next : Tile();
  });
}

DotPanel::Tile DotPanel::emitRecord(Value panelPointer, Value row0, Value index, Tile sums) {
  Value record = recordAt(panelPointer, index), column = k.mul(index, panel.recordSpan());
  bool isOneUnit = panel.unitsPerRecord() == 1;
  if (isOneUnit ? !fetchesBySpan() : tokens > 1 && !fetchesToUnpack())
    fetchAhead(record, panel.recordBytes(), row0);
  if (isOneUnit && panel.planes().size() > 1 && !fetchesBySpan() && !fetchesToUnpack())
    record = fetchInOrder(record, record, panel.recordBytes());
  if (isOneUnit) {
    Unit unit = unitAt(record, k.i64(0), column, row0);
    if (mma.levels)
      unit.subScales = k.offset(mma.levels, k.mul(index, levels.recordBytes()));
    return emitUnit(record, unit, sums);
  }
  return loop(k.i64(panel.unitsPerRecord()), sums, [&](Value unit, Tile carried) {
    Value first = k.add(column, k.mul(unit, panel.unitSpan()));
    Value at = record;
    if (tokens == 1 || mma.ahead == 0) { // a record's lines at once would hold up its own
      // An even part, or the unit itself, whose place is known anyway where integer scales stand there.
      bool isUnit = panel.isTwoLevel() || mma.ahead == 0;
      int64_t bytes = isUnit ? panel.unitBytes() : llvm::divideCeil(panel.recordBytes(), panel.unitsPerRecord());
      Value from = k.offset(isUnit ? k.offset(record, panel.unitsOffset()) : record, k.mul(unit, bytes));
      if (tokens == 1 || fetchesToUnpack())
        fetchAhead(from, bytes, row0);
      at = fetchInOrder(record, from, bytes);
    }
    return emitUnit(at, unitAt(at, unit, first, row0), carried);
  });
}

bool DotPanel::fetchesBySpan() const {
  return tokens == 1 && panel.unitsPerRecord() == 1 && panel.recordBytes() > kFetchedTogether && !staysInPlace();
}

/// Whether a tile of a few rows, on a core that is left to prefetch for itself, fetches its records: to unpack a line
/// and multiply it takes so long that the core reads too few lines ahead. Products with one and two bits take longer
/// than any memory.
bool DotPanel::fetchesToUnpack() const {
  bool readsApart = panel.unitsPerRecord() == 1 || panel.planes().size() > 1;
  return mma.ahead == 0 && tokens > 1 && readsApart && panel.codeBits > 2 && panel.planes()[0].width < 8;
}

/// Fetches what the stream of weights brings after the bytes at `from`: a row of activations walks straight through the
/// panels; the first tile of several comes to the same place of the next panel, or, where that is left to the core,
/// soon to what follows.
void DotPanel::fetchAhead(Value from, int64_t bytes, Value row0) {
  bool isLeft = mma.ahead == 0 && !fetchesToUnpack();
  if (!mma.ahead || isLeft || mma.firstVector != 0)
    return;
  if (tokens == 1)
    return fetchLines(from, *mma.ahead, bytes);
  k.ifThen(k.eq(row0, k.i64(0)), [&] {
    if (fetchesToUnpack())
      fetchLines(from, kTileAhead, bytes, kSecondLevel);
    else
      fetchLines(from, panel.panelBytes(), bytes);
  });
}

/// Where nothing is fetched ahead, asks for the lines of a unit in ascending order: it is read by vectors of several
/// planes in turn. Gives `record`, to be read through behind that.
Value DotPanel::fetchInOrder(Value record, Value from, int64_t bytes) {
  if (mma.ahead != 0 || isLookup())
    return record;
  fetchLines(from, 0, bytes);
  return DotEmitter::afterFetches(k, record);
}

void DotPanel::fetchLines(Value from, int64_t distance, int64_t bytes, int locality) {
  constexpr int64_t kLineBytes = 64;
  for (int64_t byte = 0; byte < bytes; byte += kLineBytes)
    k.prefetch(k.offset(from, distance + byte), locality);
}

DotPanel::Unit DotPanel::unitAt(Value record, Value index, Value column, Value row0) {
  return {reader.unitAt(record, index), activations.open(row0, column)};
}

/// Spans that lie in one bit field of all planes and in one group are a loop, so that code does not grow with the
/// group.
DotPanel::Tile DotPanel::emitUnit(Value record, const Unit &unit, Tile sums) {
  if (takesVectorsApart())
    return emitVectors(record, unit, sums);
  if (staysInPlace() && tokens == 1)
    return emitInPlace(record, unit, sums);
  int64_t span = this->span(), field = panel.runSpan() / span;
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane) * panel.kr / span);
  if (field <= 1) {
    Unit read = unit;
    for (int64_t column = 0; column < panel.unitSpan(); column += span) {
      sums = emitSpan(record, read, column, sums);
      read = after(read, sums);
      if (!emitter || goesInOrder())
        continue;
      if (tokens > 1) { // what the next span's fields share is read again, and not spilled
        read.codes = emitter->after(k, unit.codes, sums.back());
        if (emitter->loadsEachQuad())
          read.x.codes = emitter->afterSums(k, read.x.codes, sums);
      } else if (emitter->readsAgain())
        read.codes = emitter->afterSums(k, read.codes, sums);
    }
    return sums;
  }
  for (int64_t column = 0; column < panel.unitSpan(); column += field * span)
    sums = loop(k.i64(field), sums, [&](Value index, Tile carried) {
      Unit moved = unit;
      if (fetchesBySpan()) {
        int64_t spans = panel.unitSpan() / span, bytes = llvm::divideCeil(panel.recordBytes(), spans);
        fetchAhead(k.offset(record, k.mul(k.add(index, column / span), bytes)), bytes, /*row0=*/Value());
      }
      moved.codes = k.offset(unit.codes, k.mul(index, span / panel.kr * panel.stepBytes()));
      moved.x = activations.move(unit.x, index, span);
      return emitSpan(record, moved, column, carried);
    });
  return sums;
}

DotPanel::Tile DotPanel::emitSpan(Value record, const Unit &unit, int64_t column, Tile sums) {
  if (passesStrips()) {
    Unit passed = unit;
    emitStrips(record, passed, column, sums);
    return sums;
  }
  if (groups > 1)
    return addGroups(record, unit, column, std::move(sums));
  Tile integers = integerSums(unit, column);
  bool ordered = loadsScalesLast();
  Unit later = unit; // all integers, and then the scales
  if (emitter && emitter->ordersScales() && unit.subMinima && !passesPairs() &&
      (ordered || (runs == 1 && !emitter->walksInLoop())))
    later.subMinima = emitter->afterSums(k, unit.subMinima, integers);
  if (isCrowded() && runs == 1) // the scales are read for each span
    record = emitter->afterSums(k, record, integers);
  if (!ordered && !goesInOrder())
    return scaleSpan(record, later, column, integers, sums);
  later.x.scales = emitter->afterSums(k, unit.x.scales, integers);
  if (tokens > 1 && isShort() && panel.hasMin && dot.codes.offset) // were read for the offset, and do not stay
    later.x.sums = emitter->afterSums(k, unit.x.sums, integers);
  if (ordered && unit.subScales)
    later.subScales = emitter->afterSums(k, unit.subScales, integers);
  bool own = panel.isTwoLevel() || panel.group <= run; // a span's float scale is no other's
  if (tokens == 1 || (ordered && own))
    record = emitter->afterSums(k, record, integers);
  return scaleSpan(record, later, column, integers, sums);
}

/// Whether a tile's scales, or a row's, are loaded once its integers are there. Counted on AArch64: where a row alone
/// has integer scales, or sums of 16 bits meet several runs' minima, it costs more than it saves.
bool DotPanel::loadsScalesLast() const {
  if (!emitter || !emitter->ordersScales() || passesPairs())
    return false;
  if (tokens == 1)
    return emitter->walksInLoop() && !panel.isTwoLevel() && !staysInPlace();
  return !emitter->walksInLoop() || runs == 1 || !panel.hasMin;
}

/// Whether weights are bytes of the numbers that are multiplied: unpacked ahead, or stored so.
bool DotPanel::readsBytes() const {
  return mma.range || (reader.step() == 0u && panel.planes()[0].width == 8);
}

/// Where registers are short: tiles of such bytes, and a row alone with numbers that are looked up or codes in several
/// planes, of which it takes vector after vector then.
bool DotPanel::goesInOrder() const {
  if (!emitter || tokens > 1)
    return emitter && readsBytes() && strips() > 1;
  bool isJoined = panel.planes().size() > 1;
  if (emitter->registers() > kShortRegisters)
    return false;
  return isJoined ? mma.vectors == 1 && emitter->readsAgain() : reader.looksUp() && runs == 1;
}

/// A unit whose codes and activations are loaded after sums are there.
DotPanel::Unit DotPanel::after(const Unit &unit, ArrayRef<Value> sums) {
  Unit later = unit;
  if (!goesInOrder())
    return later;
  later.codes = emitter->afterSums(k, unit.codes, sums);
  later.x.codes = emitter->afterSums(k, unit.x.codes, sums);
  return later;
}

int64_t vectorsTogether(const MmaOperands &mma, int64_t tokens) {
  if (tokens > 1 || !mma.row->isInteger())
    return mma.row->tileVectors;
  mpgemm::PanelLayout panel = mma.layout.getPanelLayout();
  if (!panel.bookPerRow)
    return mma.row->vectors;
  constexpr int64_t kNumbers = 4; // bytes of a lane
  int64_t tables = llvm::divideCeil(int64_t(1) << panel.codeBits, kNumbers);
  return std::clamp<int64_t>(kTableRegisters / (tables * dotEmitter(*mma.row).registersOfSum()), 1, mma.row->vectors);
}

PanelSums accumulateDot(KernelBuilder &k, const MmaOperands &mma, Value panel, Value row0, int64_t tokens,
                        PanelSums sums) {
  return DotPanel(k, mma, tokens).emit(panel, row0, std::move(sums));
}

PanelSums dotRows(KernelBuilder &k, const MmaOperands &mma, int64_t tokens, ArrayRef<Value> sums) {
  return DotPanel(k, mma, tokens).rowsOf(sums);
}

} // namespace nibble
