//===- Packings.cpp - where a method of quantization puts its codes -------===//
//
// Expands Packings.def.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Packings.h"

using namespace nibble;
using namespace nibble::lowbit;

static constexpr Packing table[] = {
#define NIBBLE_PACKING(name_, ...) Packing{.name = #name_, __VA_ARGS__},
#include "dialects/LowBit/Packings.def"
#undef NIBBLE_PACKING
};

llvm::ArrayRef<Packing> lowbit::packings() { return table; }

const Packing *lowbit::findPacking(llvm::StringRef name) {
  for (const Packing &packing : table)
    if (name == packing.name)
      return &packing;
  return nullptr;
}

CodePlace Packing::placeOf(int64_t index, int64_t count, unsigned width) const {
  if (spans) {
    int64_t bit = index * width;
    return {bit / wordBits, unsigned(bit % wordBits)};
  }
  int64_t perWord = wordBits / width, words = wordsFor(count, width);
  int64_t word = planar ? index % words : index / perWord;
  int64_t slot = planar ? index / words : index % perWord;
  if (order == HighFirst)
    slot = perWord - 1 - slot;
  else if (order == EvenFirst)
    slot = slot % 2 * (perWord / 2) + slot / 2;
  return {word, unsigned(slot) * width};
}
