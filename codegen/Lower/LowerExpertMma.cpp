//===- LowerExpertMma.cpp - mpgemm.expert_mma → kernel ---------------------===//
//
// The product of mpgemm.mma with the panels of the expert that was chosen for each row.
// The team divides the panels of one expert. Many rows are taken by expert
// (ExpertRows.h). A token reads its experts one after the other, each as a stream:
//
//   for row of the result              as many as a token has experts
//     for place of this thread         a panel of the row's expert
//       sums → y
//
// Rows that cannot be taken together (so long that the stack has no room for a tile of
// them, or fewer than a tile) pass by a place one after the other, so that a panel comes
// from memory once for a chunk and then from a cache: there the loop over places is the
// outer one. Experts that no row chose are not read.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/ExpertRows.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/MmaChecks.h"
#include "codegen/Lower/RowBuffer.h"
#include "compiler/Target/CpuModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {
namespace {

/// What a kernel is specialised on; `mma` and `experts` without pointers.
struct ExpertShape {
  MmaOperands mma;
  ExpertOperands experts;
  int64_t rows; ///< of the result

  /// One row of activations, or so few that hardly two of them chose the same expert: what the first linears of a
  /// token's experts gave.
  bool isDecode() const { return rows == experts.perRow || 4 * rows <= experts.experts; }
  std::string name() const;
};

std::string ExpertShape::name() const {
  std::string element;
  llvm::raw_string_ostream(element) << mma.layout.getElement();
  for (char &c : element)
    c = llvm::isAlnum(c) ? c : '_';
  return llvm::formatv("expert_mma_{0}_{1}_b{2}_n{3}_k{4}_m{5}_e{6}_r{7}_x{8}_g{9}_s{10}_y{11}", mma.row->name, element,
                       mma.layout.getBias(), mma.layout.getN(), mma.layout.getK(), rows, experts.experts,
                       experts.perRow, mma.x.stride, mma.activationGroup, mma.sumGroup, experts.outStride);
}

class ExpertKernel {
public:
  ExpertKernel(KernelBuilder &k, const ExpertShape &shape) : k(k), shape(shape), mma(shape.mma) {}
  void emit(ValueRange pointers, Value n, Value tid, Value nthreads);

private:
  void emitPanel(Value row, Value place);

  KernelBuilder &k;
  const ExpertShape &shape;
  MmaOperands mma;
  ExpertOperands experts;
  int64_t places = 0; ///< panels of an expert
};

} // namespace

void ExpertKernel::emit(ValueRange pointers, Value n, Value tid, Value nthreads) {
  RowMatrix *matrices[] = {&mma.x, &mma.scales, &mma.sums, &mma.bases};
  for (auto [matrix, pointer] : llvm::zip(matrices, pointers.drop_front(3)))
    matrix->pointer = pointer;
  experts = shape.experts;
  experts.weight = pointers[0], experts.chosen = pointers[1], experts.out = pointers[2];
  mma.tables = placeOfTables(k, mma.layout, *mma.row);
  places = mma.layout.getPanelLayout().panels() / experts.experts;
  Value rows = k.mul(n, experts.perRow);
  int64_t together = shape.isDecode() ? 0 : ExpertRows::together(mma, shape.rows);
  if (together > 0)
    return ExpertRows(k, mma, experts, together).emit(rows, tid, nthreads);
  auto [low, high] = k.share(k.i64(places), tid, nthreads);
  if (shape.isDecode())
    return k.loop(k.i64(0), rows, 1, [&, low = low, high = high](Value row) {
      k.loop(low, high, 1, [&](Value place) { emitPanel(row, place); });
    });
  if (mma.ahead != 0) // which panel is next, is not known
    mma.ahead = std::nullopt;
  k.loop(low, high, 1, [&](Value place) {
    k.loop(k.i64(0), rows, 1, [&](Value row) { emitPanel(row, place); });
  });
}

/// The product of one row with one panel, as mpgemm.mma does it for a single row.
void ExpertKernel::emitPanel(Value row, Value place) {
  mpgemm::PanelLayout layout = mma.layout.getPanelLayout();
  Value expert = k.zext(k.load(k.i32(), k.at(experts.chosen, k.i32(), row)), k.i64());
  Value panel = k.offset(experts.weight, k.mul(k.add(k.mul(expert, places), place), layout.panelBytes()));
  Value x = k.divu(row, experts.perRow);
  PanelSums sums;
  mma.vectors = vectorsTogether(mma, /*tokens=*/1);
  for (mma.firstVector = 0; mma.firstVector < mma.row->vectors; mma.firstVector += mma.vectors)
    sums.append(sumTile(k, mma, /*memory=*/{}, panel, x, /*tokens=*/1));
  Value y = k.at(experts.out, k.f32(), k.add(k.mul(row, experts.outStride), k.mul(place, layout.nr)));
  for (auto [v, sum] : llvm::enumerate(sums))
    k.store(sum, k.at(y, k.f32(), static_cast<int64_t>(v) * mma.row->lanes));
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
  Builder b(op.getContext());
  FailureOr<ActivationShape> x = activationShape(op, op.getActivations(), mma.layout, *mma.row, /*interleaved=*/1);
  if (failed(x) || failed(checkVector(op, op.getWeight(), "weight", b.getI8Type())) ||
      failed(requireContiguous(op, op.getChosen(), "chosen")))
    return failure();
  FailureOr<int64_t> y = rowStride(op, op.getOuts().front(), "result", b.getF32Type());
  if (failed(y))
    return failure();
  RowMatrix *matrices[] = {&mma.x, &mma.scales, &mma.sums, &mma.bases};
  for (auto [stride, matrix] : llvm::zip(x->strides, matrices))
    matrix->stride = stride;
  mma.activationGroup = x->activationGroup, mma.sumGroup = x->sumGroup;
  shape.rows = cast<MemRefType>(op.getOuts().front().getType()).getDimSize(0);
  shape.experts.experts = op.getExperts();
  shape.experts.perRow = shape.rows / cast<MemRefType>(op.getActivations().front().getType()).getDimSize(0);
  shape.experts.outStride = *y;
  return shape;
}

LogicalResult lowerExpertMma(Operation *op, KernelLibrary &library) {
  auto product = cast<mpgemm::ExpertMmaOp>(op);
  FailureOr<ExpertShape> shape = shapeOf(product);
  if (failed(shape))
    return failure();
  shape->mma.ahead = cpuModelOf(library.target()).ahead;
  SmallVector<Value> buffers = {product.getWeight(), product.getChosen(), product.getOuts().front()};
  llvm::append_range(buffers, product.getActivations());
  return library.call(op, shape->name(), buffers, {product.getN()},
                      [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
                        ExpertKernel(k, *shape).emit(pointers, scalars[0], tid, nthreads);
                      },
                      shape->mma.row->scalableBits());
}

} // namespace nibble
