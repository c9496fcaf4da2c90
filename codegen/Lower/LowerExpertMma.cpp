//===- LowerExpertMma.cpp - mpgemm.expert_mma → kernel ---------------------===//
//
// The product of mpgemm.mma, a row at a time, with the panels of the expert that was
// chosen for the row. The team divides the panels of one expert; a thread takes its
// places in all experts one by one, and at each all rows pass by:
//
//   for place of this thread             a panel in each expert
//     for row of the result              the panel of the row's expert at this place
//       sums → y
//
// So a chunk of rows reads a panel from memory once and then finds it in a cache, as
// long as the panels of one place fit it (60 experts of 2048 columns of 4 bits: 1.1 MB),
// and those of experts that no row chose are not read.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/RowBuffer.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {
namespace {

/// What a kernel is specialised on; `mma` without pointers.
struct ExpertShape {
  MmaOperands mma;
  int64_t experts, perRow, outStride;

  std::string name() const;
};

std::string ExpertShape::name() const {
  std::string element;
  llvm::raw_string_ostream(element) << mma.layout.getElement();
  for (char &c : element)
    c = llvm::isAlnum(c) ? c : '_';
  return llvm::formatv("expert_mma_{0}_{1}_b{2}_n{3}_k{4}_e{5}_r{6}_x{7}_g{8}_s{9}_y{10}", mma.row->name, element,
                       mma.layout.getBias(), mma.layout.getN(), mma.layout.getK(), experts, perRow, mma.x.stride,
                       mma.activationGroup, mma.sumGroup, outStride);
}

int64_t columnsOf(Value buffer) { return cast<MemRefType>(buffer.getType()).getDimSize(1); }

} // namespace

/// Whether the row can multiply weights in the operation's layout with its activations.
static LogicalResult checkRow(mpgemm::ExpertMmaOp op, const InstructionRow &row) {
  mpgemm::LayoutAttr layout = op.getLayout();
  if (layout.getNr() != row.nr() || layout.getKr() != row.kr() || layout.getLookup() != (row.kind == RowKind::Lookup))
    return op->emitOpError() << "row '" << row.name << "' needs a layout with nr = " << row.nr() << " and kr = "
                             << row.kr() << ", but has " << layout;
  if ((row.kind == RowKind::Float) != (op.getActivations().size() == 1))
    return op->emitOpError() << "row '" << row.name << "' does not multiply " << op.getActivations().size()
                             << " operands";
  for (Value value : op.getActivations())
    if (failed(requireContiguous(op, value, "activations")))
      return failure();
  return success();
}

static FailureOr<ExpertShape> shapeOf(mpgemm::ExpertMmaOp op) {
  ExpertShape shape;
  MmaOperands &mma = shape.mma;
  mma.row = findRow(op.getRow());
  mma.layout = op.getLayout();
  if (!mma.row)
    return op->emitOpError() << "names the instruction row '" << op.getRow() << "', which does not exist";
  if (op.getOuts().size() != 1)
    return op->emitOpError("has no buffer to fill; kernels are emitted for the buffer form");
  FailureOr<RowBuffer> y = RowBuffer::get(op, op.getOuts().front(), "result");
  if (failed(y) || failed(checkRow(op, *mma.row)) || failed(requireContiguous(op, op.getWeight(), "weight")) ||
      failed(requireContiguous(op, op.getChosen(), "chosen")))
    return failure();
  shape.experts = op.getExperts();
  shape.outStride = y->stride;
  auto activations = op.getActivations();
  shape.perRow = y->rows / cast<MemRefType>(activations[0].getType()).getDimSize(0);
  RowMatrix *matrices[] = {&mma.x, &mma.scales, &mma.sums, &mma.bases};
  for (auto [value, matrix] : llvm::zip(activations, matrices))
    matrix->stride = columnsOf(value);
  if (mma.row->isInteger()) {
    mma.activationGroup = mma.layout.getK() / mma.scales.stride;
    mma.sumGroup = mma.layout.getK() / mma.sums.stride;
  }
  return shape;
}

/// The product of one row with one panel, as mpgemm.mma does it for a single row.
static void emitPanel(KernelBuilder &k, MmaOperands &mma, Value panel, Value x, Value y) {
  int64_t lanes = mma.row->lanes;
  mma.firstVector = 0, mma.vectors = mma.row->vectors;
  PanelSums sums = mma.row->isInteger() ? dotRows(k, mma, 1, accumulateDot(k, mma, panel, x, 1))
                                        : accumulateFloat(k, mma, panel, x, 1);
  for (auto [v, sum] : llvm::enumerate(sums))
    k.store(sum, k.at(y, k.f32(), static_cast<int64_t>(v) * lanes));
}

LogicalResult lowerExpertMma(Operation *op, KernelLibrary &library) {
  auto product = cast<mpgemm::ExpertMmaOp>(op);
  FailureOr<ExpertShape> found = shapeOf(product);
  if (failed(found))
    return failure();
  const ExpertShape &shape = *found;
  mpgemm::PanelLayout panel = shape.mma.layout.getPanelLayout();
  int64_t places = panel.panels() / shape.experts;
  SmallVector<Value> buffers = {product.getWeight(), product.getChosen(), product.getOuts().front()};
  llvm::append_range(buffers, product.getActivations());
  auto body = [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
    MmaOperands mma = shape.mma;
    RowMatrix *matrices[] = {&mma.x, &mma.scales, &mma.sums, &mma.bases};
    for (auto [matrix, pointer] : llvm::zip(matrices, pointers.drop_front(3)))
      matrix->pointer = pointer;
    auto [low, high] = k.share(k.i64(places), tid, nthreads);
    k.loop(low, high, 1, [&](Value place) {
      k.loop(k.i64(0), k.mul(scalars[0], shape.perRow), 1, [&](Value row) {
        Value expert = k.zext(k.load(k.i32(), k.at(pointers[1], k.i32(), row)), k.i64());
        Value index = k.add(k.mul(expert, places), place);
        Value start = k.offset(pointers[0], k.mul(index, panel.panelBytes()));
        Value column = k.add(k.mul(row, shape.outStride), k.mul(place, panel.nr));
        emitPanel(k, mma, start, k.divu(row, shape.perRow), k.at(pointers[2], k.f32(), column));
      });
    });
  };
  return library.call(op, shape.name(), buffers, {product.getN()}, body, shape.mma.row->scalableBits());
}

} // namespace nibble
