//===- PanelReader.cpp - reading a packed weight in a kernel --------------===//
//
// See PanelReader.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/PanelReader.h"

#include "codegen/Targets/ByteLookup.h"
#include "codegen/Targets/DotEmitter.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace nibble {

PanelReader::PanelReader(KernelBuilder &k, mpgemm::LayoutAttr attr, int64_t lanes, const InstructionRow *row,
                         const DotEmitter *emitter)
    : k(k), panel(attr.getPanelLayout()), block(dyn_cast<lowbit::BlockType>(attr.getElement())), lanes(lanes),
      row(row), emitter(emitter) {
  if (block)
    chooseRange(row);
}

CodeRange rangeOfNumbers(int64_t low, int64_t high, const InstructionRow *row) {
  unsigned bits = llvm::Log2_64_Ceil(uint64_t(high - low) + 1);
  if (!row || row->kind == RowKind::Float || (bits > row->unsignedBits && row->signedBytes))
    return {8, true, 0};
  if (bits > row->unsignedBits)
    return {8, false, 128};
  return {std::max(bits, 1u), false, -low, high - low};
}

CodeRange rangeOfBook(const lowbit::CodeKind &code, const InstructionRow *row) {
  if (code.stored != lowbit::CodeKind::None)
    return rangeOfNumbers(-128, 127, row);
  auto [low, high] = std::minmax_element(code.book->integers.begin(), code.book->integers.end());
  return rangeOfNumbers(*low, *high, row);
}

void PanelReader::chooseRange(const InstructionRow *row) {
  const lowbit::CodeKind &code = block.getCode();
  if (code.stored != lowbit::CodeKind::None) {
    codeRange = rangeOfBook(code, row);
    return;
  }
  if (code.book) {
    if (!code.book->isInteger())
      return;
    codeRange = rangeOfBook(code, row);
    for (int8_t integer : code.book->integers)
      table.push_back(int8_t(integer + codeRange.offset));
    return;
  }
  codeRange.bits = panel.codeBits;
  codeRange.offset = block.getZeroPoint();
  if (panel.codeBits == 8) {
    // Stored xor 128, signed bytes are unsigned ones that are 128 larger, and the other way round.
    codeRange.isSigned = panel.codeSigned != (panel.bias != 0);
    if (panel.bias)
      codeRange.offset += panel.codeSigned ? 128 : -128;
  } else if (panel.codeSigned) {
    codeRange.offset += int64_t(1) << (panel.codeBits - 1);
  } else if (joinsSigns()) {
    codeRange.isSigned = true;
    codeRange.offset -= int64_t(1) << (panel.codeBits - 1);
  }
}

void PanelReader::findNumbers() {
  if (!looksUp())
    return;
  for (int8_t &entry : table)
    entry = int8_t(entry - codeRange.offset);
  codeRange = {8, true, 0};
}

bool PanelReader::joinsSigns() const {
  mpgemm::BitPlanes planes = panel.planes();
  return emitter && emitter->joinsSigns() && block.getCode().isInteger() && !panel.codeSigned && planes.size() == 2 &&
         planes[0].width == 4 && planes[1].width == 1;
}

/// A plane's bits of a quad, brought to where the code wants them from bit `toBit` on; eight bits come as they are.
/// `moves`: they will be moved again, which shall be one shift.
Value PanelReader::field(Value unit, mpgemm::BitPlane plane, int64_t quad, int64_t v, int64_t toBit, bool moves) {
  mpgemm::CodeLocation location = panel.locate(plane, quad * panel.kr, v * lanes);
  Value bits = k.load(k.vec(k.i8(), lanes * panel.kr), k.offset(unit, location.offset), 1);
  if (plane.width == 8)
    return bits;
  // One shift brings the field to its place, one mask drops its neighbours, if it leaves any.
  int64_t left = toBit - int64_t(location.shift);
  bool leavesNone = left > 0 ? location.shift == 0 && toBit + plane.width == 8
                             : toBit == 0 && location.shift + plane.width == 8;
  if (emitter && (moves || !leavesNone))
    bits = emitter->moveBits(k, bits, left);
  else
    bits = left > 0 ? k.shl(bits, left) : k.shru(bits, -left);
  return k.bitAnd(bits, ((int64_t(1) << plane.width) - 1) << toBit);
}

Value PanelReader::codes(Value unit, int64_t quad, int64_t v) {
  mpgemm::BitPlanes planes = panel.planes();
  mpgemm::CodeLocation low = panel.locate(planes[0], quad * panel.kr, v * lanes);
  // A nibble under other planes: the emitter joins them.
  bool joins = emitter && planes[0].width == 4 && planes.size() > 1, upper = low.shift == 4;
  if (joinsSigns()) {
    mpgemm::CodeLocation bit = panel.locate(planes[1], quad * panel.kr, v * lanes);
    Type bytes = k.vec(k.i8(), lanes * panel.kr);
    Value bits = k.load(bytes, k.offset(unit, bit.offset), 1), packed = k.load(bytes, k.offset(unit, low.offset), 1);
    return emitter->joinSign(k, bits, bit.shift, packed, upper);
  }
  Value codes;
  for (unsigned i = joins; i < planes.size(); ++i) {
    Value bits = field(unit, planes[i], quad, v, planes[i].firstBit - (joins && !upper ? 4 : 0), /*moves=*/joins);
    codes = codes ? k.bitOr(codes, bits) : bits;
  }
  if (joins)
    codes =
        emitter->joinNibble(k, codes, k.load(k.vec(k.i8(), lanes * panel.kr), k.offset(unit, low.offset), 1), upper);
  // Two's complement becomes offset binary.
  return panel.codeSigned && panel.codeBits < 8 ? k.bitXor(codes, int64_t(1) << (panel.codeBits - 1)) : codes;
}

/// Of a vector of a panel's rows.
static int64_t tableBytes(const InstructionRow &row, const mpgemm::PanelLayout &panel, int64_t lanes) {
  return rowTableBytes(row, lanes, int64_t(1) << panel.codeBits);
}

Value placeOfTables(KernelBuilder &k, mpgemm::LayoutAttr layout, const InstructionRow &row) {
  mpgemm::PanelLayout panel = layout.getPanelLayout();
  if (row.kind != RowKind::Dot || !panel.bookPerRow || panel.bookEntryBytes != 1)
    return Value();
  int64_t bytes = panel.nr / row.lanes * tableBytes(row, panel, row.lanes);
  return bytes ? k.stack(k.i8(), bytes) : Value();
}

void PanelReader::openPanel(Value panelPointer) {
  storedBook = panel.bookEntryBytes ? panelPointer : Value();
  if (!tableMemory)
    return;
  tables = emitter->afterSums(k, tableMemory, {}); // LLVM shall not know that this is a place of the stack
  for (int64_t v = 0; v < panel.nr / lanes; ++v) {
    KernelBuilder::Values entries = bookEntries(v);
    for (Value &numbers : entries)
      numbers = k.add(numbers, codeRange.offset);
    storeRowTables(k, entries, k.offset(tables, v * tableBytes(*row, panel, lanes)));
  }
}

Value PanelReader::ofQuads(Value rows) const {
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < KernelBuilder::lanes(rows) * panel.kr; ++lane)
    mask.push_back(lane / panel.kr);
  return panel.kr == 1 ? rows : k.shuffle(rows, rows, mask);
}

/// The numbers of a stored codebook by code, one for each row.
KernelBuilder::Values PanelReader::bookEntries(int64_t v) {
  lowbit::CodeKind::Entry entry = block.getCode().entry;
  Type type = entry == lowbit::CodeKind::I8 ? k.i8() : entry == lowbit::CodeKind::F16 ? k.f16() : k.f32();
  KernelBuilder::Values entries;
  for (int64_t code = 0; code < int64_t(1) << panel.codeBits; ++code) {
    Value at = k.offset(storedBook, panel.bookOffset(code, v * lanes));
    entries.push_back(panel.bookPerRow ? k.load(k.vec(type, lanes), at, 1) : k.splat(k.load(type, at, 1), lanes));
  }
  return entries;
}

/// Chooses among the numbers of a stored codebook, of the codebook's type.
Value PanelReader::storedNumbers(Value codes, int64_t v) {
  KernelBuilder::Values entries = bookEntries(v);
  if (row && block.getCode().entry == lowbit::CodeKind::I8)
    if (Value found = emitRowLookup(k, *row, codes, entries))
      return found;
  for (Value &numbers : entries)
    numbers = ofQuads(numbers);
  return emitChoice(k, codes, entries);
}

std::optional<unsigned> PanelReader::step() const {
  if (block && block.getCode().isInteger())
    return 0;
  if (table.empty() || panel.planes().size() > 1 || panel.codeBits == 8)
    return std::nullopt;
  for (unsigned step = 0; step + panel.codeBits < 8; ++step)
    if (llvm::all_of(llvm::enumerate(table),
                     [&](auto entry) { return entry.value() == int64_t(entry.index()) << step; }))
      return step;
  return std::nullopt;
}

Value PanelReader::quad(Value unit, int64_t quad, int64_t v) {
  if (std::optional<unsigned> moved = step(); moved && *moved)
    return field(unit, panel.planes()[0], quad, v, *moved);
  Value read = codes(unit, quad, v);
  if (!table.empty())
    return emitByteLookup(k, row, read, table);
  if (!storedBook)
    return read;
  return k.add(storedNumbers(read, v), codeRange.offset);
}

int64_t PanelReader::quadsTogether() const { return tableMemory ? kTableQuads : 1; }

KernelBuilder::Values PanelReader::quads(Value unit, ArrayRef<int64_t> numbers, int64_t v) {
  KernelBuilder::Values result;
  if (!tables) {
    for (int64_t number : numbers)
      result.push_back(quad(unit, number, v));
    return result;
  }
  Value ofVector = k.offset(tables, v * tableBytes(*row, panel, lanes));
  for (; !numbers.empty(); numbers = numbers.drop_front(std::min<size_t>(kTableQuads, numbers.size()))) {
    KernelBuilder::Values some;
    for (size_t i = 0; i < kTableQuads; ++i) // what is missing is the last one again
      some.push_back(i < numbers.size() ? codes(unit, numbers[i], v) : some.back());
    some = emitRowTableLookup(k, ofVector, int64_t(1) << panel.codeBits, some,
                              [&](Value pointer, ValueRange done) { return emitter->afterSums(k, pointer, done); });
    for (Value found : ArrayRef(some).take_front(numbers.size()))
      result.push_back(found);
  }
  return result;
}

bool PanelReader::hasSignedNibbles() const {
  return block && block.getCode().isInteger() && panel.codeBits == 4 && !panel.codeSigned && codeRange.offset == 8;
}

Value PanelReader::signedNibbles(Value unit, int64_t quad, int64_t v) {
  mpgemm::CodeLocation location = panel.locate(panel.planes()[0], quad * panel.kr, v * lanes);
  Value bits = k.load(k.vec(k.i8(), lanes * panel.kr), k.offset(unit, location.offset), 1);
  bits = k.bitXor(bits, 0x88); // of both nibbles at once; LLVM would do it behind the masks, for each
  if (emitter)
    bits = emitter->hidden(k, bits);
  return location.shift ? k.bitAnd(bits, 0xf0) : k.shl(bits, 4);
}

Value PanelReader::codesInPlace(Value unit, int64_t quad, int64_t v) {
  mpgemm::BitPlane plane = panel.planes()[0];
  return field(unit, plane, quad, v, int64_t(panel.locate(plane, quad * panel.kr, v * lanes).shift));
}

/// f32 numbers by their bytes. Most lists need two or three of the four: the others are 0 in all levels.
Value PanelReader::lookUpFloats(Value codes, ArrayRef<float> levels) {
  Value bits;
  for (unsigned byte = 0; byte < 4; ++byte) {
    SmallVector<int8_t> bytes;
    for (float level : levels)
      bytes.push_back(int8_t(llvm::bit_cast<uint32_t>(level) >> (8 * byte)));
    if (llvm::all_of(bytes, [](int8_t entry) { return entry == 0; }))
      continue;
    Value part = k.shl(k.zext(emitByteLookup(k, row, codes, bytes), k.i32()), 8 * byte);
    bits = bits ? k.bitOr(bits, part) : part;
  }
  Type type = k.vec(k.f32(), KernelBuilder::lanes(codes));
  return bits ? k.bitcast(bits, type) : k.zero(type);
}

/// Sign, exponent and mantissa of codes at their places in an f16, whose exponent has another bias; the machine widens
/// that to f32. Exact, denormals of both included.
static Value smallFloatsByHalves(KernelBuilder &k, Value codes, const lowbit::Codebook &book) {
  constexpr unsigned kExponentBits = 5, kMantissaBits = 10, kBias = 15;
  unsigned spread = kExponentBits - book.exponentBits; // bits between sign and exponent, which shrs fills with signs
  int64_t magnitude = ((int64_t(1) << (book.width - 1)) - 1) << (kMantissaBits - book.mantissaBits);
  Value words = k.zext(codes, k.i16());
  Value bits = k.shrs(k.shl(words, 16 - int64_t(book.width)), int64_t(spread));
  if (spread)
    bits = k.bitAnd(bits, 0x8000 | magnitude);
  for (int64_t special = 0; special < int64_t(1) << (book.width - 1); ++special) {
    // With all bits of the exponent an f16 is no number, either.
    bool isSpecial = !std::isfinite(book.levels[special]),
         stays = special >> book.mantissaBits == (1 << kExponentBits) - 1;
    if (!isSpecial || stays)
      continue;
    Value equal = k.eq(k.bitAnd(words, (int64_t(1) << (book.width - 1)) - 1), k.constant(words.getType(), special));
    bits = k.bitOr(bits, k.select(equal, k.constant(words.getType(), int64_t(0x7e00)), k.zero(words.getType())));
  }
  Value value = k.toFloat(k.bitcast(bits, KernelBuilder::withElement(bits.getType(), k.f16())), k.f32());
  int bias = (1 << (book.exponentBits - 1)) - 1;
  return int(kBias) == bias ? value : k.mulf(value, k.constant(value.getType(), std::ldexp(1.0, int(kBias) - bias)));
}

/// The same by places in an f32, for machines without f16.
static Value smallFloatsToFloats(KernelBuilder &k, Value codes, const lowbit::Codebook &book) {
  Value code = k.zext(codes, k.i32());
  Value magnitude = k.bitAnd(code, (int64_t(1) << (book.width - 1)) - 1);
  Value bits = k.shl(magnitude, 23 - book.mantissaBits);
  Type type = KernelBuilder::withElement(bits.getType(), k.f32());
  int bias = (1 << (book.exponentBits - 1)) - 1;
  Value value = k.mulf(k.bitcast(bits, type), k.constant(type, std::ldexp(1.0, 127 - bias)));
  bits = k.bitcast(value, bits.getType());
  for (int64_t special = 0; special < int64_t(1) << (book.width - 1); ++special) {
    float level = book.levels[special];
    if (std::isfinite(level))
      continue;
    Value isSpecial = k.eq(magnitude, k.constant(bits.getType(), special));
    bits = k.select(isSpecial, k.constant(bits.getType(), int64_t(llvm::bit_cast<uint32_t>(level))), bits);
  }
  Value sign = k.shl(k.shru(code, int64_t(book.width) - 1), 31);
  return k.bitcast(k.bitOr(bits, sign), type);
}

/// Every row but the portable ones has machines that widen f16.
bool PanelReader::widensHalves(const lowbit::Codebook &book) const {
  return row && row->isa != Isa::Generic && book.exponentBits <= 5 && book.mantissaBits <= 10;
}

Value PanelReader::numbers(Value unit, int64_t quad, int64_t v) {
  const lowbit::CodeKind &code = block.getCode();
  if (storedBook && code.entry != lowbit::CodeKind::I8)
    return k.toFloat(storedNumbers(codes(unit, quad, v), v), k.f32());
  if (code.book && !code.book->isInteger() && code.book->mantissaBits)
    return widensHalves(*code.book) ? smallFloatsByHalves(k, codes(unit, quad, v), *code.book)
                                  : smallFloatsToFloats(k, codes(unit, quad, v), *code.book);
  if (code.book && !code.book->isInteger())
    return lookUpFloats(codes(unit, quad, v), code.book->levels);
  Value bytes = this->quad(unit, quad, v);
  Value integers = codeRange.isSigned ? k.sext(bytes, k.i32()) : k.zext(bytes, k.i32());
  return k.intToFloat(k.sub(integers, codeRange.offset), k.f32());
}

SmallVector<Value> PanelReader::numbersOfRows(Value unit, int64_t quad, int64_t vectors) {
  SmallVector<Value> all;
  if (const lowbit::Codebook *book = block.getCode().book; book && !book->isInteger() && !book->mantissaBits && row) {
    PanelReader wide = *this;
    wide.lanes = vectors * lanes;
    all = emitFloatLookup(k, *row, wide.codes(unit, quad, 0), book->levels);
  }
  for (int64_t v = all.size(); v < vectors; ++v)
    all.push_back(numbers(unit, quad, v));
  return all;
}

} // namespace nibble
