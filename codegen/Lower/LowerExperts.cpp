//===- LowerExperts.cpp - lm.top_k, lm.expert_reorder, lm.expert_sum → kernels -===//
//
// Which experts a row goes to, in which order these have their columns, and the sum of what they give for it.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

#include <limits>

using namespace mlir;

namespace nibble {

//===--- top_k --------------------------------------------------------------===//

/// The greatest value of a row behind (bound, column) in the order "greater first, of equal ones the lower column". In
/// a row of NaNs it is column 0, so that a column is always one of the row.
static std::pair<Value, Value> nextGreatest(KernelBuilder &k, Value row, int64_t columns, Value bound, Value column) {
  Value lowest = k.f32(-std::numeric_limits<float>::infinity());
  auto found = k.loop(k.i64(0), k.i64(columns), 1, {lowest, k.i64(0)}, [&](Value i, ValueRange best) {
    Value value = k.load(k.f32(), k.at(row, k.f32(), i));
    Value isLess = k.cmp(KernelBuilder::FCmp::OLT, value, bound);
    Value isLater = k.bitAnd(k.cmp(KernelBuilder::FCmp::OEQ, value, bound), k.slt(column, i));
    Value isBetter = k.bitAnd(k.bitOr(isLess, isLater), k.cmp(KernelBuilder::FCmp::OGT, value, best[0]));
    return KernelBuilder::Values{k.select(isBetter, value, best[0]), k.select(isBetter, i, best[1])};
  });
  return {found[0], found[1]};
}

/// Σ exp(x - greatest) over a whole row, in ascending order of columns.
static Value sumOfPowers(KernelBuilder &k, Value row, int64_t columns, Value greatest) {
  return k.loop(k.i64(0), k.i64(columns), 1, {k.f32(0)}, [&](Value i, ValueRange carried) {
    Value power = emitExp(k, k.subf(k.load(k.f32(), k.at(row, k.f32(), i)), greatest));
    return KernelBuilder::Values{k.addf(carried[0], power)};
  })[0];
}

LogicalResult lowerTopK(Operation *op, KernelLibrary &library) {
  auto top = cast<lm::TopKOp>(op);
  if (top.getOuts().size() != 2)
    return op->emitOpError("has no buffers to fill; kernels are emitted for the buffer form");
  Value chosen = top.getOuts()[0], weights = top.getOuts()[1];
  FailureOr<RowBuffer> x = RowBuffer::get(op, top.getX(), "x");
  if (failed(x) || failed(requireContiguous(op, chosen, "chosen")) || failed(requireContiguous(op, weights, "weights")))
    return failure();
  int64_t count = top.getK();
  bool normalizes = top.getNormalize();
  std::string name =
      llvm::formatv("top_{0}_of_{1}_x{2}{3}", count, x->width, x->stride, normalizes ? "_normalized" : "");
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    auto [low, high] = k.share(scalars[0], tid, nthreads);
    k.loop(low, high, 1, [&](Value m) {
      Value row = x->row(k, pointers[0], m), place = k.mul(m, count);
      Value bound = k.f32(std::numeric_limits<float>::infinity()), column = k.i64(-1);
      KernelBuilder::Values powers;
      Value greatest, sum = k.f32(0);
      for (int64_t slot = 0; slot < count; ++slot) {
        std::tie(bound, column) = nextGreatest(k, row, x->width, bound, column);
        greatest = greatest ? greatest : bound;
        powers.push_back(emitExp(k, k.subf(bound, greatest)));
        sum = k.addf(sum, powers.back());
        k.store(k.trunc(column, k.i32()), k.at(pointers[1], k.i32(), k.add(place, slot)));
      }
      if (!normalizes)
        sum = sumOfPowers(k, row, x->width, greatest);
      for (int64_t slot = 0; slot < count; ++slot)
        k.store(k.divf(powers[slot], sum), k.at(pointers[2], k.f32(), k.add(place, slot)));
    });
  };
  return library.call(op, name, {top.getX(), chosen, weights}, {top.getN()}, body);
}

//===--- expert_reorder -----------------------------------------------------===//

LogicalResult lowerExpertReorder(Operation *op, KernelLibrary &library) {
  auto reorder = cast<lm::ExpertReorderOp>(op);
  Value out = reorder.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, reorder.getX(), "x"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(y) || failed(requireContiguous(op, reorder.getOrder(), "order")) ||
      failed(requireContiguous(op, reorder.getChosen(), "chosen")))
    return failure();
  int64_t perRow = y->rows / x->rows;
  std::string name = llvm::formatv("expert_reorder_{0}_of_{1}_x{2}_y{3}", perRow, x->width, x->stride, y->stride);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, k.mul(scalars[0], perRow), x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Value expert = k.zext(k.load(k.i32(), k.at(pointers[2], k.i32(), m)), k.i64());
      Value order = k.at(pointers[1], k.i32(), k.add(k.mul(expert, x->width), offset));
      Value from = x->row(k, pointers[0], k.divu(m, perRow)), to = k.at(y->row(k, pointers[3], m), k.f32(), offset);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        Value source = k.zext(k.load(k.i32(), k.at(order, k.i32(), lane)), k.i64());
        k.store(k.load(k.f32(), k.at(from, k.f32(), source)), k.at(to, k.f32(), lane));
      }
    });
  };
  return library.call(op, name, {reorder.getX(), reorder.getOrder(), reorder.getChosen(), out}, {reorder.getN()}, body);
}

//===--- expert_sum ---------------------------------------------------------===//

LogicalResult lowerExpertSum(Operation *op, KernelLibrary &library) {
  auto sum = cast<lm::ExpertSumOp>(op);
  Value out = sum.getOuts().front();
  FailureOr<RowBuffer> x = RowBuffer::get(op, sum.getX(), "x"), branch = RowBuffer::get(op, sum.getBranch(), "branch"),
                       weights = RowBuffer::get(op, sum.getWeights(), "weights"), y = RowBuffer::get(op, out, "result");
  if (failed(x) || failed(branch) || failed(weights) || failed(y))
    return failure();
  int64_t count = weights->width;
  bool sigmoid = sum.getSigmoid();
  std::string name = llvm::formatv("expert_sum_{0}_{1}_x{2}_b{3}_w{4}_y{5}{6}", count, x->width, x->stride,
                                   branch->stride, weights->stride, y->stride, sigmoid ? "_sigmoid" : "");
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    forEachOwnPiece(k, scalars[0], x->width, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Type type = k.vec(k.f32(), lanes);
      Value total = k.load(type, k.at(x->row(k, pointers[0], m), k.f32(), offset));
      for (int64_t slot = 0; slot < count; ++slot) {
        Value weight = k.load(k.f32(), k.at(weights->row(k, pointers[2], m), k.f32(), slot));
        if (sigmoid)
          weight = emitSigmoid(k, weight);
        Value from = branch->row(k, pointers[1], k.add(k.mul(m, count), slot));
        total = k.fma(k.splat(weight, lanes), k.load(type, k.at(from, k.f32(), offset)), total);
      }
      k.store(total, k.at(y->row(k, pointers[3], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {sum.getX(), sum.getBranch(), sum.getWeights(), out}, {sum.getN()}, body);
}

} // namespace nibble
