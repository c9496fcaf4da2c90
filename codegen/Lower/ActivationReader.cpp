//===- ActivationReader.cpp - reading quantized activations ---------------===//
//
// See ActivationReader.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ActivationReader.h"

#include "codegen/Lower/ActivationPlace.h"

using namespace mlir;

namespace nibble {

Value placeAmong(KernelBuilder &k, const RowMatrix &numbers, Value row, Value index, int64_t together) {
  Value inside = k.remu(row, together), first = k.mul(k.sub(row, inside), numbers.stride);
  return k.at(numbers.pointer, k.f32(), k.add(k.add(first, inside), k.mul(index, together)));
}

ActivationCursor ActivationReader::open(Value row0, Value column) const {
  ActivationCursor at;
  // Tables have rows of their own length.
  mpgemm::ActivationLayout codes = layout.isInterleaved() ? layout : mpgemm::ActivationLayout{mma.x.stride};
  at.codes = placeOfCodes(k, codes, mma.x.pointer, row0, k.mul(column, columnBytes()));
  auto number = [&](const RowMatrix &matrix, Type type, int64_t group) {
    return placeOfNumber(k, layout, matrix.pointer, type, row0, k.divu(column, group), group, matrix.stride);
  };
  at.scales = number(mma.scales, k.f32(), mma.activationGroup);
  at.sums = number(mma.sums, k.i32(), mma.sumGroup);
  if (mma.starts.numbers.pointer)
    at.starts = number(mma.starts.numbers, k.i32(), mma.starts.columns);
  mpgemm::ActivationLayout ofBlock{mma.layout.getK(), mma.interleaved};
  if (mma.scaledSums.pointer && mma.scaledTogether == 1)
    at.scaledSums = placeOfNumber(k, ofBlock, mma.scaledSums.pointer, k.f32(), row0, k.divu(column, scaledGroup()),
                                  scaledGroup(), mma.scaledSums.stride);
  else if (mma.scaledSums.pointer)
    at.scaledSums = placeAmong(k, mma.scaledSums, row0, k.divu(column, scaledGroup()), mma.scaledTogether);
  if (!emitter)
    at.bases = k.at(mma.bases.pointer, k.i32(), k.add(k.mul(row0, mma.bases.stride), k.divu(column, columnsOfRun())));
  return at;
}

ActivationCursor ActivationReader::move(const ActivationCursor &at, Value spans, int64_t columns) const {
  ActivationCursor next = at;
  next.codes = k.offset(at.codes, k.mul(spans, columns * columnBytes() * layout.interleaved));
  if (mma.activationGroup == mpgemm::kActivationGroup)
    next.scales = k.at(at.scales, k.f32(), k.mul(spans, layout.numberOffset(0, columns / mpgemm::kActivationGroup)));
  next.sums = k.at(at.sums, k.i32(), k.mul(spans, layout.numberOffset(0, columns / mma.sumGroup)));
  if (at.starts)
    next.starts = k.at(at.starts, k.i32(), k.mul(spans, layout.numberOffset(0, columns / mma.starts.columns)));
  if (!emitter)
    next.bases = k.at(at.bases, k.i32(), k.mul(spans, columns / columnsOfRun()));
  return next;
}

int64_t ActivationReader::scalesBehind(int64_t columns) const {
  bool isWhole = mma.activationGroup != mpgemm::kActivationGroup;
  return isWhole ? 0 : layout.numberOffset(0, columns / mpgemm::kActivationGroup) * 4;
}

Value ActivationReader::sumsBehind(const ActivationCursor &at, int64_t columns) const {
  return k.at(at.sums, k.i32(), layout.numberOffset(0, columns / mma.sumGroup));
}

Value ActivationReader::codes(const ActivationCursor &at, int64_t column) const {
  return k.offset(at.codes, layout.isInterleaved() ? layout.codeOffset(0, column) : column * columnBytes());
}

Value ActivationReader::stripCodes(Value codes, int64_t strip) const {
  return k.offset(codes, layout.isInterleaved() ? layout.rowOffset(strip * run.strip) : strip * mma.x.stride);
}

KernelBuilder::Values ActivationReader::operands(Value codes, int64_t strip, int64_t count, int64_t stride) const {
  KernelBuilder::Values result;
  int64_t together = stride == 1 ? count : 1;
  codes = stripCodes(codes, strip);
  for (int64_t i = 0; i < count; i += together)
    result.append(emitter->loadActivations(k, run, k.offset(codes, i * stride * run.stepBytes), together));
  return result;
}

/// The numbers of a strip's rows. Interleaved, a pair's stand side by side, twice each.
Value ActivationReader::spread(Type type, Value pointer, int64_t stride, int64_t strip, int64_t index) const {
  if (run.strip == 1) {
    int64_t offset = layout.isInterleaved() ? layout.numberOffset(0, index) : strip * stride + index;
    return k.load(type, k.at(pointer, type, offset));
  }
  return k.load(k.vec(type, 4), k.at(pointer, type, layout.numberOffset(strip * run.strip, index)));
}

Value ActivationReader::scale(const ActivationCursor &at, int64_t strip, int64_t column) const {
  Value scale = spread(k.f32(), at.scales, mma.scales.stride, strip, (at.scaleColumns + column) / mma.activationGroup);
  return run.strip == 1 ? k.splat(scale, run.lanes) : emitter->repeat(k, run, scale);
}

Value ActivationReader::scalesAt(const ActivationCursor &at, int64_t strip, int64_t column) const {
  int64_t index = (at.scaleColumns + column) / mma.activationGroup;
  return k.at(at.scales, k.f32(), layout.numberOffset(strip * run.strip, index));
}

Value ActivationReader::codeSums(const ActivationCursor &at, int64_t strip, int64_t column,
                                 int64_t columns) const {
  Value total;
  for (int64_t part = 0; part < columns / mma.sumGroup; ++part) {
    Value sum = spread(k.i32(), at.sums, mma.sums.stride, strip, column / mma.sumGroup + part);
    total = total ? k.add(total, sum) : sum;
  }
  return run.strip == 1 ? k.splat(total, run.lanes) : emitter->repeat(k, run, total);
}

Value ActivationReader::start(const ActivationCursor &at, int64_t strip, int64_t column) const {
  const PartStarts &starts = mma.starts;
  return k.splat(spread(k.i32(), at.starts, starts.numbers.stride, strip, column / starts.columns), run.lanes);
}

Value ActivationReader::pairOfSums(const ActivationCursor &at, int64_t strip, int64_t column) const {
  return k.splat(spread(k.i32(), at.sums, mma.sums.stride, strip, column / mma.sumGroup), run.lanes);
}

Value ActivationReader::scaledSum(const ActivationCursor &at, int64_t strip, int64_t column) const {
  int64_t index = column / scaledGroup(), together = mma.scaledTogether;
  if (together > 1) {
    Value sums = k.load(k.vec(k.f32(), together), k.at(at.scaledSums, k.f32(), index * together));
    return k.shuffle(sums, sums, SmallVector<int64_t>(run.lanes, strip));
  }
  Value sum = spread(k.f32(), at.scaledSums, mma.scaledSums.stride, strip, index);
  return run.strip == 1 ? k.splat(sum, run.lanes) : emitter->repeat(k, run, sum);
}

Value ActivationReader::scaledSumsAt(const ActivationCursor &at, int64_t column) const {
  return k.at(at.scaledSums, k.f32(), layout.numberOffset(0, column / scaledGroup()));
}

Value ActivationReader::nextScaledSums(Value from, int64_t strips) const {
  return k.at(from, k.f32(), layout.numberOffset(strips * run.strip, 0));
}

Value ActivationReader::base(const ActivationCursor &at, int64_t column) const {
  return k.load(k.i32(), k.at(at.bases, k.i32(), column / columnsOfRun()));
}

} // namespace nibble
