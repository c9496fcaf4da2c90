//===- LowerMma.cpp - mpgemm.mma → kernel ---------------------------------===//
//
// A matrix product with a packed weight. The team divides the panels (HandOut.h);
// a thread walks its panels, and within a panel the rows in tiles, so that the panel stays
// in the first-level cache while all rows pass by:
//
//   for panel of this thread          each panel is read from memory once
//     for tile of row.tile rows       codes unpacked once per tile; then tiles of half
//                                     as many rows, and so on, for what is left
//       for row.tileVectors vectors   as many sums as fit the registers
//         sums → + bias → + residual → y
//
// With many rows the unpacking goes ahead of several tiles: MmaAhead.h, and for instructions that multiply pairs of
// rows MmaWhole.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Intrinsics/JoinedHalves.h"
#include "codegen/Lower/HandOut.h"
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/MmaAhead.h"
#include "codegen/Lower/MmaChecks.h"
#include "codegen/Lower/MmaKernel.h"
#include "codegen/Lower/MmaWhole.h"
#include "compiler/Target/CpuModel.h"
#include "dialects/MPGEMM/ActivationLayout.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {
namespace {

/// What a kernel is specialised on.
struct MmaShape {
  const InstructionRow *row;
  mpgemm::LayoutAttr layout;
  int64_t rows;                                  ///< M
  SmallVector<int64_t> activationStrides;        ///< x, or codes, scales, sums
  int64_t interleaved = 1;                       ///< rows of a block of activations
  int64_t activationGroup = mpgemm::kActivationGroup; ///< columns that share an activation scale
  int64_t sumGroup = 0;
  int64_t outStride = 0, residualStride = 0;
  bool hasBias = false, hasResidual = false;
  bool joinsHalves = false;     ///< of activations
  std::optional<int64_t> ahead; ///< as in CpuModel.def
  bool claimed = false; ///< panels are claimed from a counter of the team

  /// A tile of interleaved rows stays in a block.
  int64_t tile() const {
    int64_t most = std::max<int64_t>(1, std::min(row->tile, rows));
    return row->strip > 1 && row->isInteger() ? std::min<int64_t>(interleaved, llvm::bit_floor(uint64_t(most))) : most;
  }
  std::string name() const;
};

class MmaKernel {
public:
  MmaKernel(KernelBuilder &k, const MmaShape &shape, ValueRange pointers, ValueRange scalars);
  void emit(Value n, Value tid, Value nthreads);

private:
  void emitRows(Value index, Value n);
  void emitAhead(Value panel, Value index, Value n);
  void emitTiles(Value panel, Value index, Value done, Value n, int64_t tile);
  void emitTile(Value panel, Value index, Value row0, int64_t tokens);
  void storeTile(ArrayRef<Value> sums, Value index, Value row0, int64_t tokens);
  void storeVector(ArrayRef<Value> sums, Value index, Value row0, int64_t tokens, Value vector);
  void storeRows(ArrayRef<Value> sums, Value column0, Value row0, int64_t tokens, int64_t valid);
  int64_t validOfLast(int64_t first, int64_t vectors) const;
  Value isLast(Value index) { return k.eq(index, k.i64(panelLayout.panels() - 1)); }
  void storeRow(ArrayRef<Value> sums, Value column0, Value m, int64_t valid);
  void storePiece(Value value, Value column, Value m);

  KernelBuilder &k;
  const MmaShape &shape;
  mpgemm::PanelLayout panelLayout;
  MmaOperands mma;
  Value weight, bias, residual, out;
  ClaimSource claims;
  SumPlace waiting;
  std::optional<AheadPanel> ahead;
  std::optional<WholePanel> whole;
};

} // namespace

std::string MmaShape::name() const {
  std::string element;
  llvm::raw_string_ostream(element) << layout.getElement();
  for (char &c : element)
    c = llvm::isAlnum(c) ? c : '_';
  std::string name = llvm::formatv("mma_{0}_{1}_b{2}_n{3}_k{4}_m{5}_s{6}_y{7}", row->name, element, layout.getBias(),
                                   layout.getN(), layout.getK(), rows, sumGroup, outStride);
  for (int64_t stride : activationStrides)
    name += "_" + std::to_string(stride);
  if (hasBias)
    name += "_bias";
  if (hasResidual)
    name += "_residual" + std::to_string(residualStride);
  if (joinsHalves)
    name += "_joined";
  if (claimed)
    name += "_claimed";
  return name;
}

MmaKernel::MmaKernel(KernelBuilder &k, const MmaShape &shape, ValueRange pointers, ValueRange scalars)
    : k(k), shape(shape), panelLayout(shape.layout.getPanelLayout()) {
  unsigned next = 0;
  weight = pointers[next++];
  RowMatrix *activations[] = {&mma.x, &mma.scales, &mma.sums, &mma.bases};
  for (auto [index, stride] : llvm::enumerate(shape.activationStrides))
    *activations[index] = {pointers[next++], stride};
  if (shape.hasBias)
    bias = pointers[next++];
  if (shape.hasResidual)
    residual = pointers[next++];
  out = pointers[next++];
  if (shape.claimed)
    claims = {pointers[next], scalars[1]};
  mma.row = shape.row;
  mma.layout = shape.layout;
  mma.interleaved = shape.interleaved;
  mma.activationGroup = shape.activationGroup;
  mma.sumGroup = shape.sumGroup;
  mma.joinsHalves = shape.joinsHalves;
  mma.ahead = shape.ahead;
}

void MmaKernel::emit(Value n, Value tid, Value nthreads) {
  if (shape.row->isInteger())
    waiting = placeOfSums(k, *shape.row);
  mma.tables = placeOfTables(k, shape.layout, *shape.row);
  if (AheadPanel::suits(mma, shape.rows))
    ahead.emplace(k, mma, shape.rows).prepare(n);
  if (WholePanel::suits(k, mma, shape.rows, shape.tile()))
    whole.emplace(k, mma, shape.rows, shape.tile()).prepare(n);
  handOutPanels(k, panelLayout.panels(), n, claims, tid, nthreads, [&](Value index) { emitRows(index, n); });
}

/// All rows of activations with one panel.
void MmaKernel::emitRows(Value index, Value n) {
  Value panel = k.offset(weight, k.mul(index, panelLayout.panelBytes())), done = k.i64(0);
  if (ahead && ahead->leavesOneTile())
    return k.ifElse(k.slt(k.i64(shape.tile()), n), [&] { emitAhead(panel, index, n); },
                    [&] { emitTiles(panel, index, done, n, shape.tile()); });
  if (ahead)
    return emitAhead(panel, index, n);
  if (whole)
    done = whole->emit(panel, n, waiting, [&](ArrayRef<Value> sums, Value row0, int64_t tokens, Value vector) {
      storeVector(sums, index, row0, tokens, vector);
    });
  emitTiles(panel, index, done, n, whole ? shape.tile() / 2 : shape.tile());
}

void MmaKernel::emitAhead(Value panel, Value index, Value n) {
  ahead->emit(panel, n, [&](ArrayRef<Value> sums, Value row0, int64_t tokens, int64_t first, int64_t vectors) {
    mma.firstVector = first, mma.vectors = vectors;
    storeTile(sums, index, row0, tokens);
  });
}

/// Rows from `done` to n in tiles of `tile` rows, what is left in tiles of half as many, and so on.
void MmaKernel::emitTiles(Value panel, Value index, Value done, Value n, int64_t tile) {
  for (; tile > 0; tile /= 2) {
    Value end = tile == 1 ? n : k.add(done, k.mul(k.divu(k.sub(n, done), tile), tile));
    k.loop(done, end, tile, [&](Value row0) { emitTile(panel, index, row0, tile); });
    done = end;
  }
}

void MmaKernel::emitTile(Value panel, Value index, Value row0, int64_t tokens) {
  mma.vectors = vectorsTogether(mma, tokens);
  for (mma.firstVector = 0; mma.firstVector < shape.row->vectors; mma.firstVector += mma.vectors)
    storeTile(sumTile(k, mma, waiting, panel, row0, tokens), index, row0, tokens);
}

/// Of mma.vectors vectors from the panel's mma.firstVector on.
void MmaKernel::storeTile(ArrayRef<Value> sums, Value index, Value row0, int64_t tokens) {
  int64_t lanes = shape.row->lanes, most = mma.vectors * lanes, ragged = validOfLast(mma.firstVector, mma.vectors);
  Value column0 = k.add(k.mul(index, panelLayout.nr), mma.firstVector * lanes);
  auto store = [&](int64_t valid) { storeRows(sums, column0, row0, tokens, valid); };
  if (ragged == most)
    return store(most);
  k.ifElse(isLast(index), [&] { store(ragged); }, [&] { store(most); });
}

/// Of one of the panel's vectors.
void MmaKernel::storeVector(ArrayRef<Value> sums, Value index, Value row0, int64_t tokens, Value vector) {
  int64_t lanes = shape.row->lanes, vectors = shape.row->vectors;
  Value column0 = k.add(k.mul(index, panelLayout.nr), k.mul(vector, lanes));
  auto store = [&](int64_t valid) { storeRows(sums, column0, row0, tokens, valid); };
  if (validOfLast(0, vectors) == vectors * lanes)
    return store(lanes);
  auto storeLast = [&] {
    for (int64_t v = 0; v < vectors; ++v)
      k.ifThen(k.eq(vector, k.i64(v)), [&] { store(validOfLast(v, 1)); });
  };
  k.ifElse(isLast(index), storeLast, [&] { store(lanes); });
}

/// Rows that the last panel has of its vectors from `first` on.
int64_t MmaKernel::validOfLast(int64_t first, int64_t vectors) const {
  int64_t lanes = shape.row->lanes, rows = panelLayout.n - (panelLayout.panels() - 1) * panelLayout.nr;
  return std::clamp<int64_t>(rows - first * lanes, 0, vectors * lanes);
}

void MmaKernel::storeRows(ArrayRef<Value> sums, Value column0, Value row0, int64_t tokens, int64_t valid) {
  size_t vectors = sums.size() / tokens;
  for (int64_t token = 0; token < tokens; ++token)
    storeRow(sums.slice(token * vectors, vectors), column0, k.add(row0, token), valid);
}

/// Stores the first `valid` of a tile's results for row m, from column0 on.
void MmaKernel::storeRow(ArrayRef<Value> sums, Value column0, Value m, int64_t valid) {
  int64_t lanes = shape.row->lanes;
  for (int64_t v = 0; v * lanes < valid; ++v) {
    Value column = k.add(column0, v * lanes);
    int64_t count = std::min(lanes, valid - v * lanes);
    if (count == lanes)
      storePiece(sums[v], column, m);
    else
      for (int64_t lane = 0; lane < count; ++lane)
        storePiece(k.extract(sums[v], lane), k.add(column, lane), m);
  }
}

/// Adds what is to be added to one vector or one number, and stores it.
void MmaKernel::storePiece(Value value, Value column, Value m) {
  Type type = value.getType();
  if (bias)
    value = k.addf(value, k.load(type, k.at(bias, k.f32(), column)));
  if (residual)
    value = k.addf(value, k.load(type, k.at(residual, k.f32(), k.add(k.mul(m, shape.residualStride), column))));
  k.store(value, k.at(out, k.f32(), k.add(k.mul(m, shape.outStride), column)));
}

//===--- checks -------------------------------------------------------------===//

static FailureOr<MmaShape> shapeOf(mpgemm::MmaOp op) {
  MmaShape shape;
  shape.row = findRow(op.getRow());
  shape.layout = op.getLayout();
  if (!shape.row)
    return op->emitOpError() << "names the instruction row '" << op.getRow() << "', which does not exist";
  if (op.getOuts().size() != 1)
    return op->emitOpError("has no buffer to fill; kernels are emitted for the buffer form");
  Builder b(op.getContext());
  FailureOr<int64_t> out = rowStride(op, op.getOuts().front(), "result", b.getF32Type());
  if (failed(out))
    return failure();
  shape.rows = cast<MemRefType>(op.getOuts().front().getType()).getDimSize(0);
  bool isDot = shape.row->kind == RowKind::Dot;
  shape.interleaved = isDot ? mpgemm::ActivationLayout::blockOf(shape.rows, shape.row->strip, shape.row->tile) : 1;
  FailureOr<ActivationShape> x = activationShape(op, op.getActivations(), shape.layout, *shape.row, shape.interleaved);
  if (failed(x))
    return failure();
  shape.activationStrides = x->strides;
  shape.activationGroup = x->activationGroup, shape.sumGroup = x->sumGroup;

  FailureOr<int64_t> residual = 0;
  if (op.getResidual())
    residual = rowStride(op, op.getResidual(), "residual", b.getF32Type());
  if (failed(residual) || failed(checkVector(op, op.getWeight(), "weight", b.getI8Type())) ||
      (op.getBias() && failed(checkVector(op, op.getBias(), "bias", b.getF32Type()))))
    return failure();
  shape.outStride = *out, shape.residualStride = *residual;
  shape.hasBias = static_cast<bool>(op.getBias()), shape.hasResidual = static_cast<bool>(op.getResidual());
  shape.claimed = op.getSlot().has_value();
  shape.joinsHalves = op.getJoinsHalves();
  auto block = dyn_cast<lowbit::BlockType>(shape.layout.getElement());
  if (shape.joinsHalves && !(isDot && block && joinsHalves(block, *shape.row, shape.rows)))
    return op->emitOpError() << "row '" << shape.row->name << "' does not join halves of " << shape.layout.getElement()
                             << " for " << shape.rows << " rows";
  return shape;
}

LogicalResult lowerMma(Operation *op, KernelLibrary &library) {
  auto mma = cast<mpgemm::MmaOp>(op);
  FailureOr<MmaShape> shape = shapeOf(mma);
  if (failed(shape))
    return failure();
  shape->ahead = cpuModelOf(library.target()).ahead;
  SmallVector<Value> buffers = {mma.getWeight()};
  llvm::append_range(buffers, mma.getActivations());
  if (shape->hasBias)
    buffers.push_back(mma.getBias());
  if (shape->hasResidual)
    buffers.push_back(mma.getResidual());
  buffers.push_back(mma.getOuts().front());
  SmallVector<Value> scalars = {mma.getN()};
  if (shape->claimed) {
    FailureOr<Value> team = library.team(op);
    if (failed(team))
      return failure();
    buffers.push_back(*team);
    OpBuilder builder(op);
    scalars.push_back(arith::ConstantIndexOp::create(builder, op->getLoc(), *mma.getSlot()));
  }
  return library.call(op, shape->name(), buffers, scalars,
                      [&](KernelBuilder &k, ValueRange pointers, ValueRange scalars, Value tid, Value nthreads) {
                        MmaKernel(k, *shape, pointers, scalars).emit(scalars[0], tid, nthreads);
                      },
                      shape->row->scalableBits());
}

} // namespace nibble
