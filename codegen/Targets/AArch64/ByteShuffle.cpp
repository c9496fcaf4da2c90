//===- ByteShuffle.cpp - tbl ----------------------------------------------===//
//
// See ByteShuffle.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/ByteShuffle.h"

#include "codegen/Targets/AArch64/Scalable.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <string>

using namespace mlir;

namespace nibble {

constexpr int64_t kNeonBytes = 16;

int64_t aarch64ShuffleBytes(const InstructionRow &row) {
  return std::max(kNeonBytes, row.scalableBits() / 8);
}

Value emitAArch64Shuffle(KernelBuilder &k, Value table, Value codes) {
  return k.intrinsic("llvm.aarch64.neon.tbl1.v16i8", codes.getType(), {table, codes});
}

/// One instruction: Arm ARM, TBL of one, two or four registers, or of SVE.
static Value lookUpOnce(KernelBuilder &k, ArrayRef<Value> registers, Value codes) {
  SmallVector<Value> operands(registers);
  operands.push_back(codes);
  if (KernelBuilder::lanes(codes) > kNeonBytes)
    return callScalable(k, "llvm.aarch64.sve.tbl", codes.getType(), operands);
  std::string name = "llvm.aarch64.neon.tbl" + std::to_string(registers.size()) + ".v16i8";
  return k.intrinsic(name, codes.getType(), operands);
}

/// In a table of all `registers`, one behind the other.
static Value lookUpAll(KernelBuilder &k, ArrayRef<Value> registers, Value codes) {
  int64_t width = KernelBuilder::lanes(codes), most = width > kNeonBytes ? 1 : 4, first = 0;
  Value result;
  for (ArrayRef<Value> left = registers; !left.empty(); first += most * width) {
    ArrayRef<Value> some = left.take_front(most);
    // Codes below `first` wrap around to more than a table has.
    Value found = lookUpOnce(k, some, first ? k.sub(codes, first) : codes);
    result = result ? k.bitOr(result, found) : found;
    left = left.drop_front(some.size());
  }
  return result;
}

Value emitAArch64Lookup(KernelBuilder &k, ArrayRef<int8_t> table, Value codes) {
  int64_t width = KernelBuilder::lanes(codes), size = int64_t(table.size());
  SmallVector<Value> registers;
  for (int64_t first = 0; first < size; first += width) {
    SmallVector<int8_t> entries;
    for (int64_t i = first; i < first + width; ++i)
      entries.push_back(table[i % size]);
    registers.push_back(k.vectorI8(entries));
  }
  return lookUpAll(k, registers, codes);
}

Value emitAArch64RowLookup(KernelBuilder &k, ArrayRef<Value> entries, Value codes) {
  int64_t width = KernelBuilder::lanes(codes), rows = KernelBuilder::lanes(entries[0]);
  SmallVector<Value> registers;
  for (size_t first = 0; first < entries.size(); first += width / rows) {
    Value bytes = entries[first];
    for (size_t i = first + 1; i < first + width / rows; ++i)
      bytes = k.concat(bytes, entries[i % entries.size()]);
    registers.push_back(bytes);
  }
  SmallVector<int8_t> rowOf;
  for (int64_t i = 0; i < width; ++i)
    rowOf.push_back(int8_t(i * rows / width));
  return lookUpAll(k, registers, k.bitOr(k.shl(codes, llvm::Log2_64(rows)), k.vectorI8(rowOf)));
}

} // namespace nibble
