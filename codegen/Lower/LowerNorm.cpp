//===- LowerNorm.cpp - lm.rms_norm, lm.layer_norm → kernels ---------------===//
//
//   rms_norm    y = x · (1 / sqrt(mean(x²) + epsilon)) · w (+ residual)
//   layer_norm  y = (x - μ) · (1 / sqrt(mean((x - μ)²) + epsilon)) · w (+ b),  μ = mean(x)
//
// of each row, or of each head of a row; they are split over the team. A single row is
// split by blocks of columns where its partition says so: each thread adds up all of it
// and writes its blocks, which are those that it quantizes afterwards.
//
// Sums run in four vectors of 16 lanes that take turns, and end in a fixed tree: the
// same order for every target and thread count.
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

/// Columns of a block (lm::blocksPartition).
constexpr int64_t kBlock = 32;

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

namespace {

/// What the two norms share: rows of heads, and a weight of one head.
struct NormShape {
  RowBuffer x, y;
  int64_t heads, width; ///< of a head
  Type element;         ///< of the weight
  bool splitsRow;       ///< by blocks of columns

  static FailureOr<NormShape> get(Operation *op, Value x, Value weight, Value out) {
    FailureOr<RowBuffer> in = RowBuffer::get(op, x, "x"), y = RowBuffer::get(op, out, "result");
    if (failed(in) || failed(y) || failed(requireContiguous(op, weight, "weight")))
      return failure();
    auto type = cast<MemRefType>(weight.getType());
    Type element = type.getElementType();
    if (!element.isF32() && !element.isF16() && !element.isBF16())
      return op->emitOpError() << "takes weights of f32, f16 or bf16, but found " << element;
    OpOperand &written = op->getOpOperand(op->getNumOperands() - 1);
    bool splitsRow = llvm::StringRef(cast<lm::TeamOp>(op).getPartition(written)).starts_with("blocks");
    return NormShape{*in, *y, in->width / type.getDimSize(0), type.getDimSize(0), element, splitsRow};
  }

  std::string name(llvm::StringRef kind, double epsilon) const {
    std::string text = llvm::formatv("{0}_{1}_x{2}_y{3}_{4}_e{5}", kind, width, x.stride, y.stride, typeName(element),
                                     floatName(epsilon));
    if (splitsRow)
      text += "_blocks";
    return heads == 1 ? text : text + "_h" + std::to_string(heads);
  }

  /// Emits code for a vector at an offset from the head's first column.
  using Columns = llvm::function_ref<void(Value offset, int64_t lanes)>;

  /// Calls `body` with row and first column of each head of which columns are the thread's, and with what walks them.
  void forEachHead(KernelBuilder &k, Value n, Value tid, Value nthreads,
                   llvm::function_ref<void(Value m, Value column, llvm::function_ref<void(Columns)> walk)> body) const {
    if (splitsRow) {
      auto [low, high] = k.share(k.mul(n, width / kBlock), tid, nthreads);
      return k.ifThen(k.slt(low, high), [&, low = low, high = high] {
        body(k.i64(0), k.i64(0), [&](Columns columns) {
          k.loop(k.mul(low, kBlock), k.mul(high, kBlock), kLanes, [&](Value offset) { columns(offset, kLanes); });
        });
      });
    }
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      auto walk = [&](Columns columns) { forEachPiece(k, width, columns); };
      if (heads == 1)
        return body(item, k.i64(0), walk);
      body(k.divu(item, heads), k.mul(k.remu(item, heads), width), walk);
    });
  }
};

} // namespace

LogicalResult lowerRMSNorm(Operation *op, KernelLibrary &library) {
  auto norm = cast<lm::RMSNormOp>(op);
  Value out = norm.getOuts().front();
  FailureOr<NormShape> shape = NormShape::get(op, norm.getX(), norm.getWeight(), out);
  if (failed(shape))
    return failure();
  double epsilon = norm.getEpsilon().convertToDouble();
  std::string name = shape->name("rms_norm", epsilon);
  SmallVector<Value> buffers = {norm.getX(), norm.getWeight(), out};
  RowBuffer residual{};
  if (norm.getResidual()) {
    FailureOr<RowBuffer> rows = RowBuffer::get(op, norm.getResidual(), "residual");
    if (failed(rows))
      return failure();
    residual = *rows;
    name += "_r" + std::to_string(residual.stride);
    buffers.push_back(norm.getResidual());
  }
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    shape->forEachHead(k, scalars[0], tid, nthreads, [&](Value m, Value column, auto walk) {
      Value in = k.at(shape->x.row(k, pointers[0], m), k.f32(), column);
      Value result = k.at(shape->y.row(k, pointers[2], m), k.f32(), column);
      Value factor = inverseDeviation(k, in, shape->width, Value(), epsilon);
      walk([&](Value offset, int64_t lanes) {
        Value value = k.load(k.vec(k.f32(), lanes), k.at(in, k.f32(), offset));
        Value weight =
            loadAsF32(k, library.target(), shape->element, lanes, k.at(pointers[1], shape->element, offset));
        value = k.mulf(k.mulf(value, k.splat(factor, lanes)), weight);
        if (norm.getResidual()) {
          Value base = k.at(k.at(residual.row(k, pointers[3], m), k.f32(), column), k.f32(), offset);
          value = k.addf(value, k.load(k.vec(k.f32(), lanes), base));
        }
        k.store(value, k.at(result, k.f32(), offset));
      });
    });
  };
  return library.call(op, name, buffers, {norm.getN()}, body);
}

LogicalResult lowerLayerNorm(Operation *op, KernelLibrary &library) {
  auto norm = cast<lm::LayerNormOp>(op);
  Value out = norm.getOuts().front();
  FailureOr<NormShape> shape = NormShape::get(op, norm.getX(), norm.getWeight(), out);
  if (failed(shape))
    return failure();
  double epsilon = norm.getEpsilon().convertToDouble();
  std::string name = shape->name("layer_norm", epsilon);
  SmallVector<Value> buffers = {norm.getX(), norm.getWeight(), out};
  Type biasElement;
  if (Value bias = norm.getBias()) {
    if (failed(requireContiguous(op, bias, "bias")))
      return failure();
    biasElement = cast<MemRefType>(bias.getType()).getElementType();
    if (!biasElement.isF32() && !biasElement.isF16() && !biasElement.isBF16())
      return op->emitOpError() << "takes a bias of f32, f16 or bf16, but found " << biasElement;
    name += "_b" + typeName(biasElement);
    buffers.push_back(bias);
  }
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    shape->forEachHead(k, scalars[0], tid, nthreads, [&](Value m, Value column, auto walk) {
      Value in = k.at(shape->x.row(k, pointers[0], m), k.f32(), column);
      Value result = k.at(shape->y.row(k, pointers[2], m), k.f32(), column);
      Value sum = sumOver(k, in, shape->width, Value(), [&](Value total, Value x) { return k.addf(total, x); });
      Value centre = mean(k, sum, shape->width);
      Value factor = inverseDeviation(k, in, shape->width, centre, epsilon);
      walk([&](Value offset, int64_t lanes) {
        auto parameter = [&](Value pointer, Type element) {
          return loadAsF32(k, library.target(), element, lanes, k.at(pointer, element, offset));
        };
        Value value = k.subf(k.load(k.vec(k.f32(), lanes), k.at(in, k.f32(), offset)), k.splat(centre, lanes));
        value = k.mulf(k.mulf(value, k.splat(factor, lanes)), parameter(pointers[1], shape->element));
        if (biasElement)
          value = k.addf(value, parameter(pointers[3], biasElement));
        k.store(value, k.at(result, k.f32(), offset));
      });
    });
  };
  return library.call(op, name, buffers, {norm.getN()}, body);
}

} // namespace nibble
