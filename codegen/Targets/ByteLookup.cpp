//===- ByteLookup.cpp - looking up bytes in small tables ------------------===//
//
// See ByteLookup.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/ByteLookup.h"

#include "codegen/Targets/AArch64/ByteShuffle.h"
#include "codegen/Targets/X86/ByteShuffle.h"

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

/// A lookup in 16 entries of all bytes, in pieces of the machine's registers.
static Value emitShuffles(KernelBuilder &k, const InstructionRow &row, Value codes, ArrayRef<int8_t> table) {
  bool isX86 = row.isa == Isa::X86;
  int64_t width = isX86 ? x86ShuffleBytes(row) : kAArch64ShuffleBytes, count = KernelBuilder::lanes(codes);
  while (width > count && width > 16)
    width /= 2;
  SmallVector<int64_t> filled; // a part of a register: the upper bytes are of no interest
  for (int64_t byte = 0; byte < width; ++byte)
    filled.push_back(byte % count);
  if (count < width)
    codes = k.shuffle(codes, codes, filled);
  SmallVector<int8_t> repeated;
  while (int64_t(repeated.size()) < width)
    repeated.push_back(table[repeated.size() % 16 % table.size()]);
  Value entries = k.vectorI8(repeated), result;
  for (int64_t first = 0; first < KernelBuilder::lanes(codes); first += width) {
    Value piece = width == KernelBuilder::lanes(codes) ? codes : k.slice(codes, first, width);
    piece = isX86 ? emitX86Shuffle(k, entries, piece) : emitAArch64Shuffle(k, entries, piece);
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

Value emitByteLookup(KernelBuilder &k, const InstructionRow *row, Value codes, ArrayRef<int8_t> table) {
  if (!hasShuffle(row, KernelBuilder::lanes(codes)))
    return emitPortable(k, codes, table);
  if (table.size() <= 16)
    return emitShuffles(k, *row, codes, table);
  if (row->isa == Isa::X86 && x86PermutesBytes(*row) && KernelBuilder::lanes(codes) % 64 == 0)
    return emitPermutes(k, codes, table);
  Value low = k.bitAnd(codes, 15);
  SmallVector<Value> parts;
  for (size_t first = 0; first < table.size(); first += 16)
    parts.push_back(emitShuffles(k, *row, low, table.slice(first, 16)));
  return emitChoice(k, k.shru(codes, 4), parts);
}

} // namespace nibble
