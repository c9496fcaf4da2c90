//===- LowerNorm.cpp - lm.rms_norm → kernel -------------------------------===//
//
// y[m] = x[m] · (1 / sqrt(mean(x[m]²) + epsilon)) · w, rows split over the team.
//
// The sum of squares runs in four vectors of 16 lanes that take turns, and ends in a
// fixed tree: the same order for every target and thread count.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

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

/// Σ x[i]² over a row.
static Value sumOfSquares(KernelBuilder &k, Value row, int64_t width) {
  KernelBuilder::Values sums(kChains, k.zero(k.vec(k.f32(), kLanes)));
  auto accumulate = [&](Value sum, Value offset, int64_t lanes) {
    Value x = widen(k, k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), offset)));
    return k.fma(x, x, sum);
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

LogicalResult lowerRMSNorm(Operation *op, KernelLibrary &library) {
  auto norm = cast<lm::RMSNormOp>(op);
  Value out = norm.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, norm.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y) || failed(requireContiguous(op, norm.getWeight(), "weight")))
    return failure();
  Type element = cast<MemRefType>(norm.getWeight().getType()).getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return op->emitOpError() << "takes weights of f32, f16 or bf16, but found " << element;
  double epsilon = norm.getEpsilon().convertToDouble();
  int64_t width = x->width;

  std::string name = llvm::formatv("rms_norm_{0}_x{1}_y{2}_{3}_e{4}", width, x->stride, y->stride, typeName(element),
                                   floatName(epsilon));
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(scalars[0], tid, nthreads);
    k.loop(low, high, 1, [&](Value m) {
      Value in = x->row(k, pointers[0], m), result = y->row(k, pointers[2], m);
      Value mean = k.divf(sumOfSquares(k, in, width), k.f32(static_cast<float>(width)));
      Value root = k.sqrt(k.addf(mean, k.f32(static_cast<float>(epsilon))));
      Value factor = k.divf(k.f32(1.0f), root);
      forEachPiece(k, width, [&](Value offset, int64_t lanes) {
        Value value = k.load(k.vec(k.f32(), lanes), k.at(in, k.f32(), offset));
        Value weight = loadAsF32(k, library.target(), element, lanes, k.at(pointers[1], element, offset));
        value = k.mulf(k.mulf(value, k.splat(factor, lanes)), weight);
        k.store(value, k.at(result, k.f32(), offset));
      });
    });
  };
  return library.call(op, name, {norm.getX(), norm.getWeight(), out}, {norm.getN()}, body);
}

} // namespace nibble
