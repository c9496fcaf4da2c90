//===- Casts.cpp - other types for the same numbers -----------------------===//

#include "dialects/LowBit/Casts.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::lowbit;

BlockType lowbit::withFoldedScales(BlockType type) {
  if (!type.isTwoLevel())
    return BlockType();
  ScaleKind scale{FloatKind::F32};
  ZeroKind zero = type.getZero();
  if (type.hasMin())
    zero.min = scale;
  BlockType folded = BlockType::get(type.getContext(), type.getCode(), type.getGroup(), scale, zero);
  return whyCastIsInexact(type, folded) ? BlockType() : folded;
}

Value lowbit::throughCasts(Value value) {
  while (auto spelled = value.getDefiningOp<CastOp>())
    value = spelled.getInput();
  return value;
}
