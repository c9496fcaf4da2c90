//===- ShuffleBytes.cpp - vpshufb -----------------------------------------===//
//
// See ShuffleBytes.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Targets/X86/ShuffleBytes.h"

#include "codegen/Targets/X86/ByteShuffle.h"
#include "dialects/MPGEMM/LookupLayout.h"

using namespace mlir;

namespace nibble {

Value X86ShuffleBytes::lookUp(KernelBuilder &k, Value table, Value indices) const {
  return emitX86Shuffle(k, table, indices);
}

/// Rows first … first+7 of each 128 bits, low and high parts side by side.
static Value interleave(KernelBuilder &k, const LookupSums &sums, int64_t first) {
  int64_t lanes = KernelBuilder::lanes(sums.low);
  SmallVector<int64_t> mask;
  for (int64_t cell = 0; cell < lanes; cell += mpgemm::kCellRows)
    for (int64_t row = first; row < first + mpgemm::kCellRows / 2; ++row)
      mask.append({cell + row, lanes + cell + row});
  return k.shuffle(sums.low, sums.high, mask);
}

/// 1, 32, 1, 32, …
static Value weights(KernelBuilder &k, int64_t lanes) {
  Value pair = k.constant(k.vec(k.i16(), lanes / 2), int64_t(1 | 1 << (8 + mpgemm::kLowEntryBits)));
  return k.bitcast(pair, k.vec(k.i8(), lanes));
}

/// low + 32 · high is one vpmaddubsw of the interleaved parts, which are unsigned bytes; the next bit of the codes
/// weighs twice as much.
Value X86ShuffleBytes::combine(KernelBuilder &k, ArrayRef<LookupSums> bits) const {
  int64_t lanes = KernelBuilder::lanes(bits[0].low), words = lanes / 2;
  StringRef madd = lanes == 64 ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
  Value halves[2];
  for (int64_t half : {0, 1})
    for (const LookupSums &sums : llvm::reverse(bits)) {
      Value sum = k.intrinsic(madd, k.vec(k.i16(), words),
                              {interleave(k, sums, half * mpgemm::kCellRows / 2), weights(k, lanes)});
      halves[half] = halves[half] ? k.add(k.shl(halves[half], int64_t(1)), sum) : sum;
    }
  // A half holds 8 rows of each quad of the vector: the quads together, then the rows side by side.
  Value total;
  for (int64_t cell = 0; cell < words; cell += mpgemm::kCellRows / 2) {
    SmallVector<int64_t> mask;
    for (Value half : halves)
      for (int64_t row = 0; row < mpgemm::kCellRows / 2; ++row)
        mask.push_back((half == halves[1] ? words : 0) + cell + row);
    Value part = k.shuffle(halves[0], halves[1], mask);
    total = total ? k.add(total, part) : part;
  }
  return total;
}

} // namespace nibble
