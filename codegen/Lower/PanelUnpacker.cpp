//===- PanelUnpacker.cpp - columns of a panel, unpacked -------------------===//
//
// See PanelUnpacker.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/PanelUnpacker.h"

#include "codegen/Intrinsics/RowCost.h"
#include "codegen/Lower/FoldedScales.h"
#include "codegen/Targets/ByteLookup.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace nibble {

/// Columns of a block: of 16 rows 4 KiB of codes, which stay in the first-level cache beside the activations that they
/// are multiplied with; as many bytes of floats.
static int64_t columnsOfBlock(const InstructionRow &row) { return row.kind == RowKind::Float ? 64 : 256; }

bool isUnpacked(lowbit::BlockType block) {
  return block.getCode().isInteger() && block.getCode().width == 8 && !block.hasMin();
}

bool fitSignedBytes(mpgemm::LayoutAttr layout) {
  auto block = dyn_cast<lowbit::BlockType>(layout.getElement());
  return !block || !block.getCode().isInteger() || block.getCode().width < 8 || block.getCode().isSigned;
}

/// The type of unpacked numbers: bytes with scales in f32 for groups of up to 32 columns; of folded numbers for 32,
/// unless there are minima of fewer, and for 16 where minima are packed.
static Type elementOf(lowbit::BlockType block, int64_t group, bool folded, bool packsMinima) {
  lowbit::ScaleKind scale = {.floatKind = FloatKind::F32};
  lowbit::ZeroKind zero;
  if (block.hasMin())
    zero = {.form = lowbit::ZeroKind::Min, .min = scale};
  int64_t columns = folded && !block.hasMin() ? kUnpackedRecord : std::min(group, kUnpackedRecord);
  if (packsMinima)
    columns = kUnpackedRecord / 2;
  return lowbit::BlockType::get(block.getContext(), lowbit::CodeKind(8, false), columns, scale, zero);
}

PanelUnpacker::PanelUnpacker(KernelBuilder &k, mpgemm::LayoutAttr layout, const InstructionRow *row,
                             const DotEmitter *emitter, int64_t columns, bool takesOffsets, bool joinsHalves,
                             MinimaPairs pairs)
    : k(k), row(row), emitter(emitter), reader(k, layout, row->lanes, row, emitter), panel(reader.layout()),
      lanes(row->lanes), vectors(row->vectors),
      units(std::max<int64_t>(1, (columns ? columns : columnsOfBlock(*row)) / panel.unitSpan())),
      takesOffsets(takesOffsets), joinsHalves(joinsHalves), pairs(pairs) {
  auto block = dyn_cast<lowbit::BlockType>(layout.getElement());
  int64_t rowsOfPart = columns && emitter->ordersScales() ? lanes : panel.nr;
  bool meetsIntegers = emitter && panel.isTwoLevel() && panel.group < kUnpackedRecord;
  if (std::optional<FoldedScales> fold = emitter ? foldedScales(block, *row) : std::nullopt)
    folded = fold->factor, foldedRange = rangeOfNumbers(fold->low, fold->high, row), findProducts(block);
  // Of codes in several planes the kernel of a last row spilled beside a second table (IQ2_XXS, smmla: 27 accesses).
  if (takesOffsets && panel.planes().size() == 1)
    reader.findNumbers();
  if (emitter && scalesSuperBlocks(block, *row)) // blocks of columns are whole super blocks
    scalesBlocks = true, units = llvm::alignTo(units, panel.unitsPerRecord());
  minimaCount = emitter && looksUpMinima(block, *row);
  if (meetsIntegers && !folded && !addsGroupsInFloat(block, *row)) {
    levelPlace = {rowsOfPart, kUnpackedRecord / runColumns(), row->strip};
    levelPlace.pairs = levelPlace.groups == 2 && range().offset && emitter->pairsOffsets() && !runPart().quads;
    levelPlace.differences = !range().offset && emitter->sumsGoOn();
  }
  Type element = emitter ? elementOf(block, panel.group, folded != 0, pairs != MinimaPairs::None) : Type(k.f32());
  unpacked =
      mpgemm::LayoutAttr::get(layout.getContext(), element, panel.nr, units * panel.unitSpan(), rowsOfPart, panel.kr,
                              /*bias=*/0);
  place = unpacked.getPanelLayout();
}

SumForm PanelUnpacker::sumForm() const {
  if (!emitter || !range().offset || runPart().quads)
    return SumForm::Codes;
  if (levelPlace.groups && emitter->pairsOffsets())
    return levelPlace.pairs ? SumForm::Pairs : SumForm::Codes;
  return SumForm::Offsets;
}

/// Of a block's columns, as its kernel multiplies them.
DotRun PanelUnpacker::run() const {
  DotRun run;
  run.lanes = lanes, run.quads = runColumns() / panel.kr;
  run.codes = {range().bits, range().isSigned, range().offset, range().largest};
  return run;
}

DotRun PanelUnpacker::runPart() const {
  DotRun part = emitter ? emitter->partOf(run()) : DotRun();
  if (levelPlace.groups && part.codes.offset != range().offset)
    part.quads = 0;
  return part;
}

PanelUnpacker::Unit PanelUnpacker::unitAt(Value panelPointer, Value number) {
  if (panel.isFloat()) {
    Unit columns;
    columns.codes = k.offset(panelPointer, k.mul(number, panel.elementOffset(panel.unitSpan(), 0)));
    return columns;
  }
  int64_t perRecord = panel.unitsPerRecord();
  Value records = k.offset(panelPointer, panel.recordOffset(0));
  Value record = k.offset(records, k.mul(k.divu(number, perRecord), panel.recordBytes()));
  return {reader.unitAt(record, k.remu(number, perRecord)), record};
}

Value PanelUnpacker::packedAt(Value panelPointer, Value unit) { return unitAt(panelPointer, unit).codes; }

int64_t PanelUnpacker::packedBytes() const {
  int64_t perRecord = panel.unitsPerRecord();
  if (panel.isFloat())
    return panel.elementOffset(blockColumns(), 0);
  return units < perRecord ? units * panel.unitBytes() : units / perRecord * panel.recordBytes();
}

void PanelUnpacker::emit(Value panelPointer, Value first, Value count, Value out, Value levelsOut) {
  reader.openPanel(panelPointer);
  int64_t bytes = place.isFloat() ? place.elementOffset(panel.unitSpan(), 0)
                                  : panel.unitSpan() / kUnpackedRecord * place.recordBytes();
  k.loop(k.i64(0), count, 1, [&](Value index) {
    Unit unit = unitAt(panelPointer, k.add(first, index));
    Value at = k.mul(index, bytes), to = k.offset(out, place.panels() > 1 ? emitter->step(k, at) : at);
    if (panel.isFloat())
      emitFloats(unit.codes, to);
    else if (place.isFloat())
      emitValues(unit, to);
    else
      emitUnit(unit, to);
    int64_t records = panel.unitSpan() / kUnpackedRecord;
    for (int64_t record = 0; record < records && levelPlace.groups; ++record)
      emitLevels(unit, record,
                 k.offset(levelsOut, k.mul(k.add(k.mul(index, records), record), levelPlace.recordBytes())));
  });
}

/// Where a vector's part of a block is whose first one is at `out`. LLVM shall not know how far apart they are: that
/// would be part of each offset, too long for a store of two registers.
Value PanelUnpacker::partOf(Value out, int64_t v, int64_t bytes) const {
  int64_t part = v * lanes / place.nr;
  return part ? k.offset(out, emitter->step(k, k.i64(part * bytes))) : out;
}

/// Records whose codes lie in one bit field of all planes, and in one group: a loop unpacks them.
int64_t PanelUnpacker::recordsOfField() const {
  int64_t columns = panel.runSpan();
  for (mpgemm::BitPlane plane : panel.planes())
    columns = std::min(columns, panel.vectorsOf(plane) * panel.kr);
  return std::max<int64_t>(1, columns / kUnpackedRecord);
}

void PanelUnpacker::emitUnit(const Unit &unit, Value out) {
  int64_t field = recordsOfField();
  if (field == 1 && !height() && !joinsHalves)
    return emitFields(unit, out);
  for (int64_t column = 0; column < panel.unitSpan(); column += field * kUnpackedRecord) {
    Value first = k.offset(out, column / kUnpackedRecord * place.recordBytes());
    if (field == 1) {
      emitRecord(unit, column, first);
      continue;
    }
    k.loop(k.i64(0), k.i64(field), 1, [&](Value index) {
      Unit moved = unit;
      moved.codes = k.offset(unit.codes, k.mul(index, kUnpackedRecord / panel.kr * panel.stepBytes()));
      emitRecord(moved, column, k.offset(first, k.mul(index, place.recordBytes())));
    });
  }
}

/// Records whose codes lie in the same bytes: all of a byte's codes before the next byte's, so that it does not wait in
/// a register from record to record.
void PanelUnpacker::emitFields(const Unit &unit, Value out) {
  int64_t records = panel.unitSpan() / kUnpackedRecord, quads = kUnpackedRecord / panel.kr;
  for (int64_t v = 0; v < vectors; ++v) {
    Value part = partOf(out, v, partBytes());
    auto at = [&](int64_t record) { return k.offset(part, record * place.recordBytes()); };
    for (int64_t record = 0; record < records; ++record)
      emitScales(unit, record * kUnpackedRecord, v, at(record));
    for (int64_t first = 0; first < quads; first += reader.quadsTogether())
      for (int64_t record = 0; record < records; ++record)
        for (auto [i, bytes] : llvm::enumerate(bytesOf(unit, record * quads + first, v))) {
          int64_t to = place.locate(place.planes()[0], (first + int64_t(i)) * panel.kr, rowOf(v)).offset;
          k.store(bytes, k.offset(at(record), place.codesOffset() + to), 1);
        }
  }
}

void PanelUnpacker::emitRecord(const Unit &unit, int64_t column, Value out) {
  for (int64_t v = 0; v < vectors; ++v) {
    Value part = partOf(out, v, partBytes());
    emitScales(unit, column, v, part);
    storeQuads(unit, column, v, k.offset(part, place.codesOffset()));
  }
}

void PanelUnpacker::storeQuads(const Unit &unit, int64_t column, int64_t v, Value codes) {
  auto store = [&](Value bytes, int64_t index) {
    k.store(bytes, k.offset(codes, place.locate(place.planes()[0], index * panel.kr, rowOf(v)).offset), 1);
  };
  // What a store may change is read again, so both nibbles of a byte come first; codes that are joined need more
  // registers.
  bool together = height() != 0 || joinsHalves;
  KernelBuilder::Values bytes;
  for (int64_t index = 0; index < kUnpackedRecord / panel.kr; ++index) {
    if (bytes.size() == size_t(index))
      bytes.append(bytesOf(unit, column / panel.kr + index, v));
    if (!together)
      store(bytes[index], index);
  }
  if (joinsHalves)
    joinQuads(bytes);
  for (size_t index = 0; together && index < bytes.size(); ++index)
    store(bytes[index], int64_t(index));
}

/// Brings a record's quads to the order of ActivationLayout::joinsHalves: words of both halves take turns.
void PanelUnpacker::joinQuads(KernelBuilder::Values &quads) {
  Type type = quads[0].getType(), words = k.vec(k.i32(), KernelBuilder::lanes(quads[0]) / panel.kr);
  size_t half = quads.size() / 2;
  KernelBuilder::Values joined;
  for (size_t quad = 0; quad < half; ++quad) {
    Value first = k.bitcast(quads[quad], words), second = k.bitcast(quads[half + quad], words);
    joined.push_back(k.bitcast(k.bitOr(k.bitAnd(first, 0xffff), k.shl(second, 16)), type));
    joined.push_back(k.bitcast(k.bitOr(k.shru(first, 16), k.bitAnd(second, -0x10000)), type));
  }
  quads = joined;
}

/// A quad as range() says, and those behind it that share its lookups.
KernelBuilder::Values PanelUnpacker::bytesOf(const Unit &unit, int64_t quad, int64_t v) {
  if (height())
    return {reader.signedNibbles(unit.codes, quad, v)};
  SmallVector<int64_t> numbers(reader.quadsTogether());
  std::iota(numbers.begin(), numbers.end(), quad);
  KernelBuilder::Values all = reader.quads(unit.codes, numbers, v);
  for (auto [number, bytes] : llvm::zip_equal(numbers, all)) {
    if (folded)
      bytes = foldedBytes(unit, bytes, number, v);
    else
      bytes = k.sub(bytes, takesOffsets ? reader.range().offset : 0);
  }
  return all;
}

/// Makes the table of products, where the machine looks them up faster than it multiplies bytes.
void PanelUnpacker::findProducts(lowbit::BlockType block) {
  const lowbit::IntegerKind &scale = block.getScale().sub;
  bool isCode = block.getCode().isInteger() && !panel.codeSigned && !scale.isSigned;
  if (!isCode || int64_t(1) << (panel.codeBits + scale.width) > longestLookup(*row))
    return;
  for (int64_t factor = 0; factor <= scale.max(); ++factor)
    for (int64_t code = 0; code < int64_t(1) << panel.codeBits; ++code)
      products.push_back(int8_t(folded * factor * (code - reader.range().offset) + foldedRange.offset));
}

/// A quad's numbers times their integer scales.
Value PanelUnpacker::foldedBytes(const Unit &unit, Value bytes, int64_t quad, int64_t v) {
  Value scale = reader.subScaleBytes(unit.subScales, quad * panel.kr / panel.group, v);
  if (!products.empty())
    return emitByteLookup(k, row, k.bitOr(bytes, k.shl(scale, panel.codeBits)), products);
  if (folded < 0)
    scale = k.sub(k.zero(scale.getType()), scale);
  return k.add(k.mul(k.sub(bytes, reader.range().offset), scale), range().offset); // modulo 256
}

void PanelUnpacker::emitScales(const Unit &unit, int64_t column, int64_t v, Value out) {
  KernelBuilder::Values minima;
  for (int64_t s = 0; s < place.scalesPerRecord(); ++s) {
    int64_t group = (column + s * place.scaleSpan()) / panel.runSpan();
    Value scale = minimaCount && s == 1 ? k.negf(reader.minimum(unit.record, 0, v)) : scaleOf(unit, group, v);
    if (s == 0 || pairs != MinimaPairs::Strips) // in the place of a second group is nothing that is read
      k.store(scale, k.offset(out, place.scaleOffset(s, rowOf(v))), 4);
    if (!panel.hasMin)
      continue;
    minima.push_back(minimumOf(unit, group, v));
  }
  if (pairs != MinimaPairs::None)
    minima = emitter->packMinima(k, minima[0], minima[1]);
  for (auto [s, minimum] : llvm::enumerate(minima))
    k.store(minimum, k.offset(out, place.minOffset(s, rowOf(v))), 4);
}

/// A record's integer scales as the instruction takes them.
void PanelUnpacker::emitLevels(const Unit &unit, int64_t record, Value out) {
  DotRun of = run();
  for (int64_t v = 0; v < vectors; ++v) {
    SmallVector<Value> scales;
    Value part = partOf(out, v, levelsOfPart());
    int64_t groups = kUnpackedRecord / panel.group;
    for (int64_t group = 0; group < groups; ++group)
      scales.push_back(reader.subScale(unit.subScales, record * groups + group, v));
    if (joinsHalves) {
      Value both = emitter->joinedScales(k, of, scales[0], scales[1]);
      k.store(both, k.offset(part, levelPlace.scale(0, rowOf(v))), 4);
      continue;
    }
    for (int64_t group = 0; group < levelPlace.groups; ++group) {
      bool isLess = levelPlace.differences && group + 1 < levelPlace.groups;
      Value each = isLess ? k.sub(scales[group], scales[group + 1]) : scales[group];
      if (levelPlace.strip == 2)
        each = DotEmitter::spread(k, each);
      k.store(emitter->integerScale(k, of, each), k.offset(part, levelPlace.scale(group, rowOf(v))), 4);
    }
    if (levelPlace.pairs)
      k.store(emitter->pairedOffsets(k, of, scales[0], scales[1]), k.offset(part, levelPlace.offsets(rowOf(v))), 4);
  }
}

/// d of a group, times its sub-scale where no integer sum is to meet that first.
Value PanelUnpacker::scaleOf(const Unit &unit, int64_t group, int64_t v) {
  bool meetsSums = levelPlace.groups || folded;
  Value scale = reader.groupScale(unit.record, meetsSums ? Value() : unit.subScales, group, v);
  return folded < 0 ? k.negf(scale) : scale;
}

/// The minimum of a group as it is added, or its integer; of values dmin · subMin.
Value PanelUnpacker::minimumOf(const Unit &unit, int64_t group, int64_t v) {
  if (minimaCount)
    return reader.subMinimum(unit.subMinima, group, v);
  Value minimum = reader.groupMinimum(unit.record, unit.subMinima, group, v);
  return panel.isTwoLevel() && !place.isFloat() ? k.negf(minimum) : minimum;
}

/// A unit of floats, column by column.
void PanelUnpacker::emitFloats(Value columns, Value out) {
  k.loop(k.i64(0), k.i64(panel.unitSpan()), 1, [&](Value column) {
    Value from = k.offset(columns, k.mul(column, panel.elementOffset(1, 0)));
    Value to = k.offset(out, k.mul(column, place.elementOffset(1, 0)));
    for (int64_t v = 0; v < vectors; ++v)
      k.store(reader.element(from, 0, v), k.offset(to, place.elementOffset(0, v * lanes)), 4);
  });
}

/// The values of a unit, column by column, in the arithmetic of lowbit.decode.
void PanelUnpacker::emitValues(const Unit &unit, Value out) {
  int64_t field = panel.runSpan();
  for (mpgemm::BitPlane plane : panel.planes())
    field = std::min(field, panel.vectorsOf(plane));
  for (int64_t group = 0; group < panel.runsPerUnit(); ++group) {
    SmallVector<Value> scale, minimum;
    for (int64_t v = 0; v < vectors; ++v) {
      scale.push_back(scaleOf(unit, group, v));
      minimum.push_back(panel.hasMin ? minimumOf(unit, group, v) : Value());
    }
    for (int64_t first = group * panel.runSpan(); first < (group + 1) * panel.runSpan(); first += field)
      k.loop(k.i64(0), k.i64(field), 1, [&](Value column) {
        Value codes = k.offset(unit.codes, k.mul(column, panel.vectorBytes()));
        for (auto [v, numbers] : llvm::enumerate(reader.numbersOfRows(codes, first, vectors))) {
          Value value = reader.decode(numbers, scale[v], minimum[v]);
          Value to = k.offset(out, place.elementOffset(first, int64_t(v) * lanes));
          k.store(value, k.offset(to, k.mul(column, place.elementOffset(1, 0))), 4);
        }
      });
  }
}

} // namespace nibble
