//===- ByteLookup.cpp - looking up bytes in small tables ------------------===//
//
// See ByteLookup.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/ByteLookup.h"

#include "codegen/Targets/AArch64/ByteShuffle.h"
#include "codegen/Targets/X86/ByteShuffle.h"
#include "codegen/Targets/X86/RowTables.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nibble {

Value emitChoice(KernelBuilder &k, Value codes, ArrayRef<Value> entries) {
  SmallVector<Value> left(entries);
  // Bit 0 chooses between neighbours, bit 1 between the pairs that are left, …
  for (int64_t bit = 1; left.size() > 1; bit *= 2) {
    Value isSet = k.cmp(KernelBuilder::ICmp::ne, k.bitAnd(codes, bit), k.zero(codes.getType()));
    SmallVector<Value> chosen;
    for (size_t i = 0; i < left.size(); i += 2)
      chosen.push_back(left[i] == left[i + 1] ? left[i] : k.select(isSet, left[i + 1], left[i]));
    left = chosen;
  }
  return left.front();
}

/// Choices among splats.
static Value emitPortable(KernelBuilder &k, Value codes, ArrayRef<int8_t> table) {
  SmallVector<Value> entries;
  for (auto [index, entry] : llvm::enumerate(table)) {
    auto first = llvm::find(table, entry) - table.begin();
    entries.push_back(size_t(first) < index ? entries[first] : k.constant(codes.getType(), int64_t(entry)));
  }
  return emitChoice(k, codes, entries);
}

int64_t longestLookup(const InstructionRow &row) {
  return row.isa == Isa::X86 && x86PermutesBytes(row) ? x86ShuffleBytes(row) : 0;
}

/// Of a register of the row's machines.
static int64_t shuffleBytes(const InstructionRow &row) {
  return row.isa == Isa::X86 ? x86ShuffleBytes(row) : aarch64ShuffleBytes(row);
}

/// A lookup of all bytes, in pieces of the machine's registers: in 16 entries, or with tbl in any number.
static Value emitShuffles(KernelBuilder &k, const InstructionRow &row, Value codes, ArrayRef<int8_t> table) {
  int64_t width = shuffleBytes(row), count = KernelBuilder::lanes(codes);
  while (row.isa == Isa::X86 && width > count && width > 16) // has them of several lengths
    width /= 2;
  SmallVector<int64_t> filled; // a part of a register: the upper bytes are of no interest
  for (int64_t byte = 0; byte < width; ++byte)
    filled.push_back(byte % count);
  if (count < width)
    codes = k.shuffle(codes, codes, filled);
  SmallVector<int8_t> repeated;
  while (int64_t(repeated.size()) < width)
    repeated.push_back(table[repeated.size() % 16 % table.size()]);
  Value result;
  for (int64_t first = 0; first < KernelBuilder::lanes(codes); first += width) {
    Value piece = width == KernelBuilder::lanes(codes) ? codes : k.slice(codes, first, width);
    piece = row.isa == Isa::X86 ? emitX86Shuffle(k, k.vectorI8(repeated), piece) : emitAArch64Lookup(k, table, piece);
    result = result ? k.concat(result, piece) : piece;
  }
  return count < width ? k.slice(result, 0, count) : result;
}

/// A lookup in tables of 64 or 128 bytes; of 256 the top bit of a code chooses between two of these.
static Value emitPermutes(KernelBuilder &k, Value codes, ArrayRef<int8_t> table) {
  constexpr int64_t kBytes = 64;
  auto entries = [&](size_t first) {
    SmallVector<int8_t> bytes(table.slice(first, std::min<size_t>(kBytes, table.size() - first)));
    bytes.resize(kBytes, 0);
    return k.vectorI8(bytes);
  };
  SmallVector<Value> tables;
  for (size_t first = 0; first < table.size(); first += 2 * kBytes) {
    Value low = entries(first), high = table.size() > first + kBytes ? entries(first + kBytes) : Value(), result;
    for (int64_t lane = 0; lane < KernelBuilder::lanes(codes); lane += kBytes) {
      Value piece = emitX86Permute(k, low, high, k.slice(codes, lane, kBytes));
      result = result ? k.concat(result, piece) : piece;
    }
    tables.push_back(result);
  }
  return tables.size() == 1 ? tables[0] : emitChoice(k, k.shru(codes, 7), tables);
}

/// The machine has a byte shuffle, and the codes are a whole number of its registers, or part of one.
static bool hasShuffle(const InstructionRow *row, int64_t count) {
  return row && row->isa != Isa::Generic && llvm::isPowerOf2_64(count);
}

/// A register of floats from bytes 0, 1, 2 and 3 of each, of 128-bit segments on their own: machines interleave within
/// these. `part` is the quarter of each segment.
static Value interleaveBytes(KernelBuilder &k, ArrayRef<Value> bytes, int64_t part) {
  constexpr int64_t kSegment = 16;
  int64_t width = KernelBuilder::lanes(bytes[0]);
  auto interleave = [&](Value a, Value b, int64_t half) {
    SmallVector<int64_t> mask;
    int64_t lanes = KernelBuilder::lanes(a), perSegment = kSegment * lanes / width;
    for (int64_t first = half * perSegment / 2; first < lanes; first += perSegment)
      for (int64_t i = first; i < first + perSegment / 2; ++i)
        mask.append({i, lanes + i});
    return k.shuffle(a, b, mask);
  };
  Type words = k.vec(k.i16(), width / 2);
  Value low = k.bitcast(interleave(bytes[0], bytes[1], part / 2), words);
  Value high = k.bitcast(interleave(bytes[2], bytes[3], part / 2), words);
  return k.bitcast(interleave(low, high, part % 2), k.vec(k.f32(), width / 4));
}

/// Byte by byte: four lookups for a register's worth of codes, whose bytes interleave to four registers of floats.
static SmallVector<Value> emitFloatShuffles(KernelBuilder &k, const InstructionRow &row, Value codes,
                                            ArrayRef<float> table) {
  // Quarter j of segment s becomes segment s of register j.
  int64_t width = KernelBuilder::lanes(codes), segments = width / 16;
  SmallVector<int64_t> quarters;
  for (int64_t segment = 0; segment < segments; ++segment)
    for (int64_t j = 0; j < 4; ++j)
      quarters.push_back(j * segments + segment);
  Value moved = k.bitcast(codes, k.vec(k.i32(), width / 4));
  if (segments > 1)
    codes = k.bitcast(k.shuffle(moved, moved, quarters), codes.getType());
  SmallVector<Value> bytes, floats;
  for (unsigned byte = 0; byte < 4; ++byte) {
    SmallVector<int8_t> entries;
    for (float level : table)
      entries.push_back(int8_t(llvm::bit_cast<uint32_t>(level) >> (8 * byte)));
    bool isZero = llvm::all_of(entries, [](int8_t entry) { return entry == 0; });
    bytes.push_back(isZero ? k.zero(codes.getType()) : emitShuffles(k, row, codes, entries));
  }
  for (int64_t part = 0; part < 4; ++part)
    floats.push_back(interleaveBytes(k, bytes, part));
  return floats;
}

SmallVector<Value> emitFloatLookup(KernelBuilder &k, const InstructionRow &row, Value codes, ArrayRef<float> table) {
  int64_t width = shuffleBytes(row), count = KernelBuilder::lanes(codes);
  if (row.isa == Isa::Generic || table.size() > 16 || count != width)
    return {};
  if (!x86PermutesFloats(row))
    return emitFloatShuffles(k, row, codes, table);
  constexpr int64_t kLanes = 16; // of a register of 512 bits, which has room for the table
  SmallVector<int32_t> bits;
  for (int64_t lane = 0; lane < kLanes; ++lane)
    bits.push_back(llvm::bit_cast<int32_t>(table[lane % table.size()]));
  Value entries = k.bitcast(k.vectorI32(bits), k.vec(k.f32(), kLanes));
  SmallVector<Value> floats;
  for (int64_t first = 0; first < count; first += kLanes)
    floats.push_back(emitX86PermuteFloats(k, entries, k.zext(k.slice(codes, first, kLanes), k.i32())));
  return floats;
}

/// A shuffle of 16 bytes on their own for each of the rows that these are of; a code with its top bit set gives 0.
static Value emitRowShuffles(KernelBuilder &k, ArrayRef<Value> entries, Value codes) {
  constexpr int64_t kSegment = 16, kOther = 0x80;
  int64_t width = KernelBuilder::lanes(codes), rows = KernelBuilder::lanes(entries[0]), neighbours = width / rows;
  Value all = entries[0], result;
  for (Value entry : entries.drop_front())
    all = k.concat(all, entry);
  for (int64_t row = 0; row < kSegment / neighbours; ++row) {
    SmallVector<int64_t> mask;
    SmallVector<int8_t> isOther;
    for (int64_t byte = 0; byte < width; ++byte) {
      int64_t segment = byte / kSegment, code = byte % kSegment % int64_t(entries.size());
      mask.push_back(code * rows + segment * (kSegment / neighbours) + row);
      isOther.push_back(byte % kSegment / neighbours == row ? 0 : int8_t(kOther));
    }
    Value found = emitX86Shuffle(k, k.shuffle(all, all, mask), k.bitOr(codes, k.vectorI8(isOther)));
    result = result ? k.bitOr(result, found) : found;
  }
  return result;
}

Value emitRowLookup(KernelBuilder &k, const InstructionRow &row, Value codes, ArrayRef<Value> entries) {
  bool isX86 = row.isa == Isa::X86;
  int64_t width = shuffleBytes(row), count = KernelBuilder::lanes(codes);
  int64_t neighbours = count / KernelBuilder::lanes(entries[0]), rows = width / neighbours; // of a register
  // Of eight there are seven choices. Counted with AVX2, 32 columns: 423 instructions by them and 661 by shuffles, of
  // whose tables too many are made again in the loop; of sixteen 685 and 389.
  int64_t size = int64_t(entries.size());
  bool suits = isX86 ? size == 16 : row.isa == Isa::AArch64 && size * rows <= 256;
  if (!suits || count % width != 0)
    return Value();
  Value result;
  for (int64_t first = 0; first < count; first += width) {
    SmallVector<Value> bytes;
    for (Value entry : entries)
      bytes.push_back(k.slice(entry, first / neighbours, rows));
    Value piece = k.slice(codes, first, width);
    piece = isX86 ? emitRowShuffles(k, bytes, piece) : emitAArch64RowLookup(k, bytes, piece);
    result = result ? k.concat(result, piece) : piece;
  }
  return result;
}

int64_t rowTableBytes(const InstructionRow &row, int64_t lanes, int64_t entries) {
  return row.isa == Isa::X86 ? x86TableBytes(row, lanes, entries) : 0;
}

void storeRowTables(KernelBuilder &k, ArrayRef<Value> entries, Value tables) { storeX86Tables(k, entries, tables); }

KernelBuilder::Values emitRowTableLookup(KernelBuilder &k, Value tables, int64_t entries, ValueRange codes,
                                         function_ref<Value(Value pointer, ValueRange done)> after) {
  return emitX86TableLookup(k, tables, entries, codes, after);
}

Value emitByteLookup(KernelBuilder &k, const InstructionRow *row, Value codes, ArrayRef<int8_t> table) {
  if (!hasShuffle(row, KernelBuilder::lanes(codes)))
    return emitPortable(k, codes, table);
  if (table.size() <= 16 || row->isa == Isa::AArch64)
    return emitShuffles(k, *row, codes, table);
  if (row->isa == Isa::X86 && x86PermutesBytes(*row) && KernelBuilder::lanes(codes) % 64 == 0)
    return emitPermutes(k, codes, table);
  Value low = table.size() > 128 ? k.bitAnd(codes, 15) : codes; // a byte with its top bit set gives 0
  auto part = [&](int64_t number) { return emitShuffles(k, *row, low, table.slice(size_t(number) * 16, 16)); };
  int64_t count = int64_t(table.size() / 16);
  if (shuffleBytes(*row) < 64)
    return emitX86Choice(k, codes, 0, count, part);
  SmallVector<Value> parts; // there are masks, which any bit makes
  for (int64_t number = 0; number < count; ++number)
    parts.push_back(part(number));
  return emitChoice(k, k.shru(codes, 4), parts);
}

} // namespace nibble
