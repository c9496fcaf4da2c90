//===- RowNorm.cpp - the numbers of a normed row --------------------------===//
//
// See RowNorm.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/RowNorm.h"

#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

using namespace mlir;

namespace nibble {

/// Independent chains of multiply-adds; four hide the latency of one on two units of 8 lanes.
constexpr int64_t kChains = 4;

/// Extends a short vector with zeros to 16 lanes.
static Value widen(KernelBuilder &k, Value vector) {
  int64_t count = KernelBuilder::lanes(vector);
  if (count == kLanes)
    return vector;
  // Lane `count` of the pair is the first one of the zeros.
  SmallVector<int64_t> mask(kLanes, count);
  for (int64_t lane = 0; lane < count; ++lane)
    mask[lane] = lane;
  return k.shuffle(vector, k.zero(vector.getType()), mask);
}

/// What an element adds to a sum over a row.
using Accumulate = llvm::function_ref<Value(Value sum, Value x)>;

/// The sum of what each element adds, less `centre` if there is one; lanes past the end of the row add zeros.
static Value sumOver(KernelBuilder &k, Value row, int64_t width, Value centre, Accumulate add) {
  KernelBuilder::Values sums(kChains, k.zero(k.vec(k.f32(), kLanes)));
  auto accumulate = [&](Value sum, Value offset, int64_t lanes) {
    Value x = k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), offset));
    if (centre)
      x = k.subf(x, k.splat(centre, lanes));
    return add(sum, widen(k, x));
  };
  int64_t step = kChains * kLanes, full = width / step * step;
  if (full > 0)
    sums = k.loop(k.i64(0), k.i64(full), step, sums, [&](Value offset, ValueRange carried) {
      KernelBuilder::Values next;
      for (auto [chain, sum] : llvm::enumerate(carried))
        next.push_back(accumulate(sum, k.add(offset, int64_t(chain) * kLanes), kLanes));
      return next;
    });
  for (auto [index, piece] : llvm::enumerate(piecesOf(width - full, full))) {
    Value &sum = sums[index % kChains];
    sum = accumulate(sum, k.i64(piece.offset), piece.lanes);
  }
  return k.reduceAddf(k.addf(k.addf(sums[0], sums[1]), k.addf(sums[2], sums[3])));
}

static Value mean(KernelBuilder &k, Value sum, int64_t width) {
  return k.divf(sum, k.f32(static_cast<float>(width)));
}

/// 1 / sqrt(mean((x - centre)²) + epsilon)
static Value inverseDeviation(KernelBuilder &k, Value row, int64_t width, Value centre, double epsilon) {
  Value squares = sumOver(k, row, width, centre, [&](Value sum, Value x) { return k.fma(x, x, sum); });
  Value root = k.sqrt(k.addf(mean(k, squares, width), k.f32(static_cast<float>(epsilon))));
  return k.divf(k.f32(1.0f), root);
}

static LogicalResult requireFloat(Operation *op, Value vector, StringRef name) {
  if (failed(requireContiguous(op, vector, name)))
    return failure();
  Type element = cast<MemRefType>(vector.getType()).getElementType();
  if (element.isF32() || element.isF16() || element.isBF16())
    return success();
  return op->emitOpError() << "takes a " << name << " of f32, f16 or bf16, but found " << element;
}

FailureOr<NormKind> NormKind::get(Operation *op, bool centred, Value weight, Value bias, double epsilon) {
  if (failed(requireFloat(op, weight, "weight")) || (bias && failed(requireFloat(op, bias, "bias"))))
    return failure();
  auto type = cast<MemRefType>(weight.getType());
  return NormKind{type.getDimSize(0), centred, epsilon, type.getElementType(),
                  bias ? cast<MemRefType>(bias.getType()).getElementType() : Type()};
}

NormedRow::NormedRow(KernelBuilder &k, const TargetInfo &target, const NormKind &kind, Value row, Value weight,
                     Value bias)
    : k(k), target(target), kind(kind), row(row), weight(weight), bias(bias) {
  if (kind.centred)
    centre =
        mean(k, sumOver(k, row, kind.width, Value(), [&](Value sum, Value x) { return k.addf(sum, x); }), kind.width);
  factor = inverseDeviation(k, row, kind.width, centre, kind.epsilon);
}

Value NormedRow::load(Value offset, int64_t lanes) const {
  auto parameter = [&](Value pointer, Type element) {
    return loadAsF32(k, target, element, lanes, k.at(pointer, element, offset));
  };
  Value value = k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), offset));
  if (centre)
    value = k.subf(value, k.splat(centre, lanes));
  value = k.mulf(k.mulf(value, k.splat(factor, lanes)), parameter(weight, kind.weight));
  return kind.bias ? k.addf(value, parameter(bias, kind.bias)) : value;
}

} // namespace nibble
