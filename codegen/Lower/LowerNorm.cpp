//===- LowerNorm.cpp - lm.rms_norm, lm.layer_norm → kernels ---------------===//
//
// What a normed row is, RowNorm.h says; here is who norms which. Rows, or the heads of each
// row, are split over the team. A single row is split by blocks of columns where its partition
// says so: each thread adds up all of it and writes its blocks, which are those that it
// quantizes afterwards.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/RowNorm.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// Columns of a block (lm::blocksPartition).
constexpr int64_t kBlock = 32;

namespace {

/// What the two norms share: rows of heads, and a weight of one head.
struct NormShape {
  RowBuffer x, y;
  NormKind kind;
  int64_t heads;
  bool splitsRow; ///< by blocks of columns

  static FailureOr<NormShape> get(Operation *op, Value x, FailureOr<NormKind> kind, Value out) {
    FailureOr<RowBuffer> in = RowBuffer::get(op, x, "x"), y = RowBuffer::get(op, out, "result");
    if (failed(in) || failed(y) || failed(kind))
      return failure();
    OpOperand &written = op->getOpOperand(op->getNumOperands() - 1);
    bool splitsRow = llvm::StringRef(cast<lm::TeamOp>(op).getPartition(written)).starts_with("blocks");
    return NormShape{*in, *y, *kind, in->width / kind->width, splitsRow};
  }

  std::string name() const {
    std::string text = llvm::formatv("{0}_{1}_x{2}_y{3}_{4}_e{5}", kind.name(), kind.width, x.stride, y.stride,
                                     typeName(kind.weight), floatName(kind.epsilon));
    if (splitsRow)
      text += "_blocks";
    if (heads > 1)
      text += "_h" + std::to_string(heads);
    return kind.bias ? text + "_b" + typeName(kind.bias) : text;
  }

  /// Emits code for a vector at an offset from the head's first column.
  using Columns = llvm::function_ref<void(Value offset, int64_t lanes)>;

  /// Calls `body` with row and first column of each head of which columns are the thread's, and with what walks them.
  void forEachHead(KernelBuilder &k, Value n, Value tid, Value nthreads,
                   llvm::function_ref<void(Value m, Value column, llvm::function_ref<void(Columns)> walk)> body) const {
    if (splitsRow) {
      auto [low, high] = k.share(k.mul(n, kind.width / kBlock), tid, nthreads);
      return k.ifThen(k.slt(low, high), [&, low = low, high = high] {
        body(k.i64(0), k.i64(0), [&](Columns columns) {
          k.loop(k.mul(low, kBlock), k.mul(high, kBlock), kLanes, [&](Value offset) { columns(offset, kLanes); });
        });
      });
    }
    auto [low, high] = k.share(k.mul(n, heads), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      auto walk = [&](Columns columns) { forEachPiece(k, kind.width, columns); };
      if (heads == 1)
        return body(item, k.i64(0), walk);
      body(k.divu(item, heads), k.mul(k.remu(item, heads), kind.width), walk);
    });
  }
};

} // namespace

/// Norms the rows of `x`; `residual` is null or added to what comes out.
static LogicalResult lowerNorm(Operation *op, KernelLibrary &library, Value x, FailureOr<NormKind> kind, Value weight,
                               Value bias, Value residual, Value n, Value out) {
  FailureOr<NormShape> shape = NormShape::get(op, x, kind, out);
  if (failed(shape))
    return failure();
  std::string name = shape->name();
  SmallVector<Value> buffers = {x, weight, out};
  RowBuffer added{};
  if (residual) {
    FailureOr<RowBuffer> rows = RowBuffer::get(op, residual, "residual");
    if (failed(rows))
      return failure();
    added = *rows;
    name += "_r" + std::to_string(added.stride);
  }
  for (Value optional : {bias, residual})
    if (optional)
      buffers.push_back(optional);
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    shape->forEachHead(k, scalars[0], tid, nthreads, [&](Value m, Value column, auto walk) {
      Value in = k.at(shape->x.row(k, pointers[0], m), k.f32(), column);
      Value result = k.at(shape->y.row(k, pointers[2], m), k.f32(), column);
      NormedRow row(k, library.target(), *kind, in, pointers[1], bias ? pointers[3] : Value());
      walk([&](Value offset, int64_t lanes) {
        Value value = row.load(offset, lanes);
        if (residual) {
          Value base = k.at(k.at(added.row(k, pointers.back(), m), k.f32(), column), k.f32(), offset);
          value = k.addf(value, k.load(k.vec(k.f32(), lanes), base));
        }
        k.store(value, k.at(result, k.f32(), offset));
      });
    });
  };
  return library.call(op, name, buffers, {n}, body);
}

LogicalResult lowerRMSNorm(Operation *op, KernelLibrary &library) {
  auto norm = cast<lm::RMSNormOp>(op);
  Value weight = norm.getWeight();
  FailureOr<NormKind> kind = NormKind::get(op, /*centred=*/false, weight, Value(), norm.getEpsilon().convertToDouble());
  return lowerNorm(op, library, norm.getX(), kind, weight, Value(), norm.getResidual(), norm.getN(),
                   norm.getOuts().front());
}

LogicalResult lowerLayerNorm(Operation *op, KernelLibrary &library) {
  auto norm = cast<lm::LayerNormOp>(op);
  Value weight = norm.getWeight(), bias = norm.getBias();
  FailureOr<NormKind> kind = NormKind::get(op, /*centred=*/true, weight, bias, norm.getEpsilon().convertToDouble());
  return lowerNorm(op, library, norm.getX(), kind, weight, bias, Value(), norm.getN(), norm.getOuts().front());
}

} // namespace nibble
