//===- ByteShuffle.cpp - tbl ----------------------------------------------===//
//
// See ByteShuffle.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/AArch64/ByteShuffle.h"

#include "codegen/Targets/AArch64/Scalable.h"

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

Value emitAArch64Lookup(KernelBuilder &k, ArrayRef<int8_t> table, Value codes) {
  int64_t width = KernelBuilder::lanes(codes), size = int64_t(table.size());
  int64_t most = width > kNeonBytes ? 1 : 4, together = std::clamp<int64_t>(size / width, 1, most);
  Value result;
  for (int64_t first = 0; first < size; first += together * width) {
    SmallVector<Value> registers;
    for (int64_t start = first; start < first + together * width; start += width) {
      SmallVector<int8_t> entries;
      for (int64_t i = start; i < start + width; ++i)
        entries.push_back(table[i % size]);
      registers.push_back(k.vectorI8(entries));
    }
    // Codes below `first` wrap around to more than a table has.
    Value found = lookUpOnce(k, registers, first ? k.sub(codes, first) : codes);
    result = result ? k.bitOr(result, found) : found;
  }
  return result;
}

} // namespace nibble
