//===- LowerShortConv.cpp - lm.short_conv → kernel ------------------------===//
//
//   u[p] = b · x, kept in the history;  y[m] = c · Σ_j w[T-1-j] · u[pos+m-j]
//
// Of all rows, a thread takes the same channels: the rows that a sum looks back at are its own work, done before.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "codegen/Lower/VectorMath.h"

#include "dialects/LM/LM.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {

/// Tap `tap` of `lanes` channels from `pointer` on, where each channel's taps lie side by side.
static Value loadTap(KernelBuilder &k, Value pointer, int64_t taps, int64_t tap, int64_t lanes) {
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < lanes; ++lane)
    mask.push_back(lane * taps + tap);
  Value all = k.load(k.vec(k.f32(), lanes * taps), pointer);
  return k.shuffle(all, all, mask);
}

LogicalResult lowerShortConv(Operation *op, KernelLibrary &library) {
  auto conv = cast<lm::ShortConvOp>(op);
  Value out = conv.getOuts().front();
  FailureOr<RowBuffer> bcx = RowBuffer::get(op, conv.getBcx(), "bcx"), y = RowBuffer::get(op, out, "result");
  if (failed(bcx) || failed(y) || failed(requireContiguous(op, conv.getWeight(), "weight")) ||
      failed(requireContiguous(op, conv.getHistory(), "history")))
    return failure();
  auto weight = cast<MemRefType>(conv.getWeight().getType()), history = cast<MemRefType>(conv.getHistory().getType());
  Type element = history.getElementType();
  if (!weight.getElementType().isF32())
    return op->emitOpError() << "takes weights of f32, but found " << weight;
  if (!element.isF32() && !element.isF16())
    return op->emitOpError() << "takes a history of f32 or f16, but found " << element;
  int64_t channels = weight.getDimSize(0), taps = weight.getDimSize(1), positions = history.getDimSize(1);

  std::string name = llvm::formatv("short_conv_{0}x{1}_b{2}_y{3}_p{4}_{5}", channels, taps, bcx->stride, y->stride,
                                   positions, typeName(element));
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    Value layer = scalars[0], pos = scalars[1];
    Value base = k.at(pointers[2], element, k.mul(layer, positions * channels));
    forEachOwnPiece(k, scalars[2], channels, tid, nthreads, [&](Value m, Value offset, int64_t lanes) {
      Value row = k.at(bcx->row(k, pointers[0], m), k.f32(), offset);
      auto part = [&](int64_t index) { return k.load(k.vec(k.f32(), lanes), k.at(row, k.f32(), index * channels)); };
      auto past = [&](Value position) {
        return k.at(k.at(base, element, k.mul(position, channels)), element, offset);
      };
      Value position = k.add(pos, m);
      k.store(roundTo(k, library.target(), k.mulf(part(0), part(2)), element), past(position));
      Value weights = k.at(pointers[1], k.f32(), k.mul(offset, taps)), sum;
      for (int64_t back = 0; back < taps; ++back) {
        Value at = k.sub(position, back);
        Value value = loadAsF32(k, library.target(), element, lanes, past(k.maxs(at, k.i64(0))));
        if (back > 0)
          value = k.select(k.sge(at, k.i64(0)), value, k.zero(value.getType()));
        Value tap = loadTap(k, weights, taps, taps - 1 - back, lanes);
        sum = back == 0 ? k.mulf(value, tap) : k.fma(value, tap, sum);
      }
      k.store(k.mulf(part(1), sum), k.at(y->row(k, pointers[3], m), k.f32(), offset));
    });
  };
  return library.call(op, name, {conv.getBcx(), conv.getWeight(), conv.getHistory(), out},
                      {conv.getLayer(), conv.getPos(), conv.getN()}, body);
}

} // namespace nibble
