//===- LowerLutBuild.cpp - mpgemm.lut_build → kernel ----------------------===//
//
// The sixteen sums of four activation codes, for each four of a row, less the smallest of them: a code that an index
// holds adds its positive part, one that it does not hold adds what its absence takes off, the negative part. So an
// entry is the sum of four numbers, each one of two, and nothing is subtracted. See dialects/MPGEMM/LookupLayout.h.
//
// Work split: (row, 32 columns) items, as mpgemm.quantize splits its codes.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/RowBuffer.h"
#include "dialects/MPGEMM/AveragedSums.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {
namespace {

struct TableShape {
  int64_t k, sumGroup;
  bool averaged; ///< one byte an entry (dialects/MPGEMM/AveragedSums.h)
};

/// The entries of the quad whose columns are lanes first … first+3 of the positive and negative parts, i16 × 16.
Value entriesOf(KernelBuilder &k, Value positive, Value negative, int64_t first) {
  int64_t lanes = KernelBuilder::lanes(positive);
  Value entries;
  for (int64_t i = 0; i < mpgemm::kQuadColumns; ++i) {
    SmallVector<int64_t> mask;
    for (int64_t index = 0; index < mpgemm::kQuadEntries; ++index)
      mask.push_back((index >> i & 1 ? 0 : lanes) + first + i);
    Value part = k.shuffle(positive, negative, mask);
    entries = entries ? k.add(entries, part) : part;
  }
  return entries;
}

/// Tables and bases of 32 columns.
void emitBlock(KernelBuilder &k, const TableShape &shape, Value codes, Value tables, Value bases) {
  int64_t width = mpgemm::kActivationGroup;
  Value values = k.sext(k.load(k.vec(k.i8(), width), codes, 1), k.i16());
  Value zero = k.zero(values.getType());
  Value positive = k.maxs(values, zero), negative = k.maxs(k.sub(zero, values), zero);
  for (int64_t column = 0; column < width; column += mpgemm::kQuadColumns) {
    Value entries = entriesOf(k, positive, negative, column);
    int64_t offset = mpgemm::kQuadEntries / mpgemm::kQuadColumns * column;
    if (shape.averaged) {
      k.store(k.trunc(k.shru(k.add(entries, 1), 1), k.i8()), k.offset(tables, offset), 1);
      continue;
    }
    Value low = k.bitAnd(entries, (int64_t(1) << mpgemm::kLowEntryBits) - 1);
    Value high = k.shru(entries, int64_t(mpgemm::kLowEntryBits));
    k.store(k.trunc(low, k.i8()), k.offset(tables, offset), 1);
    k.store(k.trunc(high, k.i8()), k.offset(tables, offset + mpgemm::tableBytes(shape.k) / 2), 1);
  }
  for (int64_t first = 0; first < width; first += shape.sumGroup) {
    Value sum = k.reduceAdd(k.sext(k.slice(negative, first, shape.sumGroup), k.i32()));
    k.store(k.sub(k.i32(0), sum), k.at(bases, k.i32(), first / shape.sumGroup));
  }
}

} // namespace

LogicalResult lowerLutBuild(Operation *op, KernelLibrary &library) {
  auto build = cast<mpgemm::LutBuildOp>(op);
  if (build.getOuts().size() != 2)
    return op->emitOpError("has no buffers to fill; kernels are emitted for the buffer form");
  Builder b(op->getContext());
  const std::tuple<Value, StringRef, Type> operands[] = {{build.getCodes(), "codes", b.getI8Type()},
                                                         {build.getOuts()[0], "tables", b.getI8Type()},
                                                         {build.getOuts()[1], "bases", b.getI32Type()}};
  SmallVector<Value> buffers;
  for (auto [value, name, element] : operands) {
    auto type = cast<MemRefType>(value.getType());
    if (type.getElementType() != element || failed(requireContiguous(op, value, name)))
      return op->emitOpError() << name << " must be a contiguous memref of " << element << ", but is " << type;
    buffers.push_back(value);
  }
  int64_t width = cast<MemRefType>(build.getCodes().getType()).getDimSize(1);
  int64_t bytes = cast<MemRefType>(build.getOuts()[0].getType()).getDimSize(1);
  TableShape shape{width, static_cast<int64_t>(build.getSumGroup()), bytes == mpgemm::averagedTableBytes(width)};
  std::string name = llvm::formatv("lut_build_{0}_s{1}{2}", width, shape.sumGroup, shape.averaged ? "_averaged" : "");
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    int64_t blocks = width / mpgemm::kActivationGroup;
    auto [low, high] = k.share(k.mul(scalars[0], blocks), tid, nthreads);
    k.loop(low, high, 1, [&](Value item) {
      Value m = k.divu(item, blocks), column = k.mul(k.remu(item, blocks), mpgemm::kActivationGroup);
      int64_t entries = mpgemm::kQuadEntries / mpgemm::kQuadColumns;
      Value codes = k.offset(pointers[0], k.add(k.mul(m, width), column));
      Value tables = k.offset(pointers[1], k.add(k.mul(m, bytes), k.mul(column, entries)));
      Value bases = k.at(pointers[2], k.i32(), k.divu(k.add(k.mul(m, width), column), shape.sumGroup));
      emitBlock(k, shape, codes, tables, bases);
    });
  };
  return library.call(op, name, buffers, {build.getN()}, body);
}

} // namespace nibble
