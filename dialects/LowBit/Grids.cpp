//===- Grids.cpp - vector codebooks --------------------------------------===//
//
// See Grids.h.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Grids.h"

using namespace nibble::lowbit;

static const uint16_t iq2xxs[] = {
#include "dialects/LowBit/Grids/iq2xxs.inc"
};
static const uint16_t iq2xs[] = {
#include "dialects/LowBit/Grids/iq2xs.inc"
};
static const uint16_t iq2s[] = {
#include "dialects/LowBit/Grids/iq2s.inc"
};
static const uint16_t iq3xxs[] = {
#include "dialects/LowBit/Grids/iq3xxs.inc"
};
static const uint16_t iq3s[] = {
#include "dialects/LowBit/Grids/iq3s.inc"
};
static const uint16_t iq1s[] = {
#include "dialects/LowBit/Grids/iq1s.inc"
};

const Grid *nibble::lowbit::findGrid(llvm::StringRef name) {
  static const Grid table[] = {
#define NIBBLE_GRID(name, dimension, digitBits, codebook)                      \
  {#name, dimension, digitBits, findCodebook(codebook), name},
#include "dialects/LowBit/Grids.def"
  };
  for (const Grid &grid : table)
    if (name == grid.name)
      return &grid;
  return nullptr;
}
