//===- ReferenceRows.cpp - operations of rows -----------------------------===//
//
// See ReferenceFrame.h. Embeddings, norms, linears, experts and what works on each row by itself, in float64 by the
// definitions of docs/dialects/lm.md.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/ReferenceFrame.h"

#include "dialects/LowBit/LowBit.h"
#include "dialects/MPGEMM/MPGEMM.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::reference;

/// Sets the result of an operation on valid rows: compute(rows, n) of those at `from`.
template <typename OpTy, typename Compute>
LogicalResult ReferenceInterpreter::Frame::ofRows(OpTy op, Value from, Compute compute) {
  const Rows &x = rows(from);
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  return failed(n) ? failure() : set(op.getResult(), compute(x, *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::EmbedOp op) {
  const auto &tokens = get<std::vector<int32_t>>(op.getTokens());
  const ReferenceWeight &table = weight(op.getTable());
  FailureOr<int64_t> n = valid(op, op.getN(), tokens.size());
  if (failed(n))
    return failure();
  for (int32_t token : ArrayRef(tokens).take_front(*n))
    if (token < 0 || token >= table.rows())
      return op.emitError() << "token " << token << " is outside a vocabulary of " << table.rows();
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  return set(op.getResult(), embed(tokens, table, scale, *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::RMSNormOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    Rows y = rmsNorm(x, weight(op.getWeight()).decodeAll(), op.getEpsilon().convertToDouble(), n);
    return op.getResidual() ? residual(rows(op.getResidual()), y, 1, n) : y;
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LayerNormOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    std::vector<double> bias;
    if (op.getBias())
      bias = weight(op.getBias()).decodeAll();
    return layerNorm(x, weight(op.getWeight()).decodeAll(), bias, op.getEpsilon().convertToDouble(), n);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ResidualOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    return residual(x, rows(op.getBranch()), op.getScale().convertToDouble(), n);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LogitsOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
    double cap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0;
    return scaleAndCap(x, scale, cap, n);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ReorderOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    Rows y(x.count, x.width);
    for (auto [to, from] : llvm::enumerate(weight(op.getOrder()).decodeAll()))
      for (int64_t m = 0; m < n; ++m)
        y.row(m)[to] = x.row(m)[static_cast<int64_t>(from)];
    return y;
  });
}

/// How the program rounds the activations of this linear: as legalize has chosen,
/// and as asked for before legalize.
template <typename OpTy> static Activations roundingOf(OpTy op, Activations asked) {
  if (asked == Activations::Exact)
    return asked;
  if (auto compute = dyn_cast_if_present<mpgemm::ComputeAttr>(op.getComputeAttr())) {
    Type type = compute.getActivation();
    return type.isInteger(8)              ? Activations::Int8
           : isa<lowbit::BlockType>(type) ? Activations::Int8Row
           : type.isF16()                 ? Activations::F16
           : type.isBF16()                ? Activations::BF16
                                          : Activations::Exact;
  }
  bool isInt8 = asked == Activations::Int8 || asked == Activations::Int8Row;
  if (isInt8 && !lowbit::getBlockType(op.getWeight().getType()))
    return Activations::Exact;
  return asked;
}

static Rows roundActivations(const Rows &x, int64_t n, Activations how) {
  switch (how) {
  case Activations::Exact:
    break;
  case Activations::Int8:
    return roundToInt8(x, n);
  case Activations::Int8Row:
    return roundToInt8(x, n, x.width);
  case Activations::F16:
    return roundToFloat(x, n, FloatKind::F16);
  case Activations::BF16:
    return roundToFloat(x, n, FloatKind::BF16);
  }
  return x;
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LinearOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    const ReferenceWeight &matrix = weight(op.getWeight());
    std::vector<double> bias;
    if (op.getBias())
      bias = weight(op.getBias()).decodeAll();
    if (owner.options.observe)
      owner.options.observe(owner.nameOf(matrix), x, n);
    Rows rounded = roundActivations(x, n, roundingOf(op, owner.options.activations));
    return linear(rounded, matrix, bias, n, owner.options.threads);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertLinearOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    Rows rounded = roundActivations(x, n, roundingOf(op, owner.options.activations));
    return expertLinear(rounded, weight(op.getWeight()), get<std::vector<int32_t>>(op.getChosen()),
                        cast<ShapedType>(op.getType()).getDimSize(1), n);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertReorderOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    const auto &chosen = get<std::vector<int32_t>>(op.getChosen());
    std::vector<double> order = weight(op.getOrder()).decodeAll();
    int64_t count = chosen.size(), perRow = count / x.count;
    Rows y(count, x.width);
    for (int64_t m = 0; m < n * perRow; ++m)
      for (int64_t column = 0; column < x.width; ++column)
        y.row(m)[column] = x.row(m / perRow)[static_cast<int64_t>(order[chosen[m] * x.width + column])];
    return y;
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::TopKOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  TopK result = topK(x, op.getK(), op.getNormalize(), *n);
  (void)set(op.getResults()[0], std::move(result.chosen));
  return set(op.getResults()[1], std::move(result.weights));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertSumOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) {
    return expertSum(x, rows(op.getBranch()), rows(op.getWeights()), op.getSigmoid(), n);
  });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::AddPositionsOp op) {
  const Rows &x = rows(op.getX());
  const ReferenceWeight &table = weight(op.getTable());
  FailureOr<int64_t> n = validAt(op, op.getN(), x.count, op.getPos(), table.rows());
  if (failed(n))
    return failure();
  return set(op.getResult(), addPositions(x, table, weight(op.getTypes()), index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ActivateOp op) {
  return ofRows(op, op.getX(), [&](const Rows &x, int64_t n) { return activateRows(x, op.getActivation(), n); });
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::PoolOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  if (*n < 1)
    return op.emitError("of no rows, there is no vector");
  return set(op.getResult(), pool(x, op.getPooling(), op.getNormalize(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::RopeOp op) {
  const Rows &x = rows(op.getX());
  const ReferenceWeight &table = weight(op.getTable());
  int64_t positions = (table.rows() - lm::kRopeFineRows) * lm::kRopeFineRows;
  FailureOr<int64_t> n = validAt(op, op.getN(), x.count, op.getPos(), positions);
  if (failed(n))
    return failure();
  return set(op.getResult(), rope(x, table, op.getHeadDim(), op.getPairing(), index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::GluOp op) {
  return ofRows(op, op.getGate(),
                [&](const Rows &gate, int64_t n) { return gatedUnit(gate, rows(op.getUp()), op.getActivation(), n); });
}
