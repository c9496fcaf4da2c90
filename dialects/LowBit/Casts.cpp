//===- Casts.cpp - other types for the same numbers -----------------------===//
//
// What: which types hold all numbers of another one, and the re-encodings that follow
// from it.
//
//===----------------------------------------------------------------------===//

#include "dialects/LowBit/Casts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;
using namespace nibble;
using namespace nibble::lowbit;

static bool holds(FloatKind wide, FloatKind narrow) {
  if (wide == narrow)
    return true;
  // 2^128 is an e8m0, and no other kind holds it.
  if (narrow == FloatKind::E8M0)
    return false;
  return wide == FloatKind::F32 ||
         (wide == FloatKind::F16 && narrow == FloatKind::UE4M3);
}

static bool holds(IntegerKind wide, IntegerKind narrow) {
  return wide.contains(narrow.min()) && wide.contains(narrow.max());
}

/// Whether an f32 holds each product of a float of that kind and an integer,
/// which is what two levels mean: the bits of both numbers fit its 24.
static bool foldsExactly(FloatKind kind, IntegerKind sub) {
  unsigned precision = kind == FloatKind::F16     ? 11
                       : kind == FloatKind::BF16  ? 8
                       : kind == FloatKind::UE4M3 ? 4
                                                  : 24;
  return kind != FloatKind::E8M0 && precision + sub.width <= 24;
}

static bool holds(const ScaleKind &wide, const ScaleKind &narrow) {
  if (narrow.isTwoLevel() && !wide.isTwoLevel())
    return wide.floatKind == FloatKind::F32 &&
           foldsExactly(narrow.floatKind, narrow.sub);
  if (wide.isTwoLevel() != narrow.isTwoLevel() ||
      !holds(wide.floatKind, narrow.floatKind))
    return false;
  // A smaller super block repeats the float of the larger one.
  return !wide.isTwoLevel() || (narrow.superGroup % wide.superGroup == 0 &&
                                holds(wide.sub, narrow.sub));
}

/// Whether every number that `from` can stand for is one that `to` can.
static bool codesHold(BlockType to, BlockType from) {
  const CodeKind &wide = to.getCode(), &narrow = from.getCode();
  if (wide.grid) // not every sequence of its numbers is one of its vectors
    return wide == narrow;
  if (wide.stored != CodeKind::None || narrow.stored != CodeKind::None)
    return wide == narrow;
  if (wide.book && narrow.book)
    return wide.book->contains(*narrow.book);
  if (!wide.book && !narrow.book) {
    int64_t shift = to.getZeroPoint() - from.getZeroPoint();
    return wide.contains(narrow.min() + shift) &&
           wide.contains(narrow.max() + shift);
  }
  if (wide.book)
    return llvm::all_of(
        llvm::seq_inclusive(narrow.min(), narrow.max()), [&](int64_t code) {
          return llvm::is_contained(wide.book->levels,
                                    float(code - from.getZeroPoint()));
        });
  return llvm::all_of(narrow.book->levels, [&](float level) {
    return level == std::trunc(level) && std::abs(level) <= 512 &&
           wide.contains(int64_t(level) + to.getZeroPoint());
  });
}

/// Whether groups of `from` are made of whole groups of `to`.
static bool groupDivides(int64_t to, int64_t from) {
  if (to < 0) // a row is part of a tensor, and nothing else is known
    return from == to || (to == kRowGroup && from == kTensorGroup);
  return from > 0 && from % to == 0;
}

const char *lowbit::whyCastIsInexact(BlockType from, BlockType to) {
  if (!groupDivides(to.getGroup(), from.getGroup()))
    return "the result's group does not divide the operand's";
  if (!holds(to.getScale(), from.getScale()))
    return "the result's scale cannot hold the operand's";
  if (from.hasMin() != to.hasMin())
    return "only one of the types has a minimum";
  if (from.hasMin() && !holds(to.getZero().min, from.getZero().min))
    return "the result's minimum cannot hold the operand's";
  if (!codesHold(to, from))
    return "the result's codes cannot hold all of the operand's";
  return nullptr;
}

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
