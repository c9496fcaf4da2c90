//===- RowTables.cpp - a codebook of each weight row by vpshufb -----------===//
//
// See RowTables.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/RowTables.h"

#include "codegen/Targets/X86/ByteShuffle.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nibble {

/// Bytes of a table, of 128 bits; weight rows whose quads these hold; numbers of a table.
constexpr int64_t kSegment = 16, kRows = 4, kEntries = 16;

/// A code's top bit would make vpshufb give 0. Of 256 bytes there is nothing to choose by a table.
constexpr int64_t kMostEntries = 128;

int64_t x86TableBytes(const InstructionRow &row, int64_t lanes, int64_t entries) {
  constexpr int64_t kQuad = kSegment / kRows;
  int64_t chosen = x86ShuffleBytes(row) > 32 ? 4 : 2; // without spilling in as many instructions
  bool suits =
      row.kr() == kQuad && lanes * kQuad == x86ShuffleBytes(row) && entries > chosen && entries <= kMostEntries;
  return suits ? lanes * llvm::divideCeil(entries, kEntries) * kEntries : 0;
}

void storeX86Tables(KernelBuilder &k, ArrayRef<Value> entries, Value tables) {
  int64_t rows = KernelBuilder::lanes(entries[0]);
  for (int64_t first = 0; first < int64_t(entries.size()); first += kEntries) {
    Value all;
    for (int64_t code = 0; code < kEntries; ++code) { // a smaller codebook repeats
      Value entry = entries[size_t(first + code) % entries.size()];
      all = all ? k.concat(all, entry) : entry;
    }
    for (int64_t row = 0; row < kRows; ++row) {
      SmallVector<int64_t> mask;
      for (int64_t byte = 0; byte < rows * kRows; ++byte)
        mask.push_back(byte % kSegment * rows + byte / kSegment * kRows + row);
      int64_t number = first / kEntries * kRows + row;
      k.store(k.shuffle(all, all, mask), k.offset(tables, number * rows * kRows), 1);
    }
  }
}

/// In every 128 bits words (or pairs of them) of the lower or the upper half of `a` and `b` in turns.
static Value interleave(KernelBuilder &k, Value a, Value b, int64_t words, bool upper) {
  SmallVector<int64_t> mask;
  int64_t lanes = KernelBuilder::lanes(a);
  for (int64_t first = upper ? kRows / 2 : 0; first < lanes; first += kRows)
    for (int64_t pair = first; pair < first + kRows / 2; pair += words)
      for (int64_t from : {pair, lanes + pair})
        for (int64_t word = 0; word < words; ++word)
          mask.push_back(from + word);
  return k.shuffle(a, b, mask);
}

/// Rows and columns of the 4 × 4 words of 32 bits in every 128 bits of four registers change places.
static KernelBuilder::Values transpose(KernelBuilder &k, ValueRange bytes) {
  Type words = k.vec(k.i32(), KernelBuilder::lanes(bytes[0]) / kRows), type = bytes[0].getType();
  SmallVector<Value> halves, result;
  for (int64_t first = 0; first < kRows; first += 2)
    for (bool upper : {false, true})
      halves.push_back(interleave(k, k.bitcast(bytes[first], words), k.bitcast(bytes[first + 1], words), 1, upper));
  for (int64_t half : {0, 1})
    for (bool upper : {false, true})
      result.push_back(k.bitcast(interleave(k, halves[half], halves[half + 2], 2, upper), type));
  return result;
}

Value emitX86Choice(KernelBuilder &k, Value codes, int64_t first, int64_t count,
                    function_ref<Value(int64_t part)> part) {
  if (count == 1)
    return part(first);
  Value lower = emitX86Choice(k, codes, first, count / 2, part);
  Value upper = emitX86Choice(k, codes, first + count / 2, count / 2, part);
  // The bit that says which is brought to the top of its byte.
  int64_t up = 4 - llvm::Log2_64(uint64_t(count));
  Value words = k.bitcast(codes, k.vec(k.i16(), KernelBuilder::lanes(codes) / 2));
  Value moved = up > 0 ? k.bitcast(k.shl(words, up), codes.getType()) : codes;
  return k.select(k.cmp(KernelBuilder::ICmp::slt, moved, k.zero(codes.getType())), upper, lower);
}

KernelBuilder::Values emitX86TableLookup(KernelBuilder &k, Value tables, int64_t entries, ValueRange codes,
                                         function_ref<Value(Value pointer, ValueRange done)> after) {
  Type type = codes[0].getType();
  int64_t bytes = KernelBuilder::lanes(codes[0]);
  KernelBuilder::Values ofRows = transpose(k, codes), found;
  tables = after(tables, ofRows); // so that quads and halves of them take no registers any more
  for (auto [row, ofRow] : llvm::enumerate(ofRows)) {
    found.push_back(emitX86Choice(k, ofRow, 0, llvm::divideCeil(entries, kEntries), [&](int64_t part) {
      Value table = k.loadAgain(type, k.offset(tables, (part * kRows + int64_t(row)) * bytes), 1);
      return emitX86Shuffle(k, table, ofRow);
    }));
    tables = after(tables, found.back());
  }
  return transpose(k, found);
}

} // namespace nibble
