//===- LMExpertOps.cpp - verifiers of a mixture's operations ---------------===//
//
// The choice of experts, their products, and the sum of what they give.
//
//===----------------------------------------------------------------------===//
#include "dialects/LM/OpChecks.h"

using namespace mlir;

namespace nibble::lm {

Value ExpertLinearOp::getActivations() { return getX(); }
Value ExpertLinearOp::getWeights() { return getWeight(); }
Value ExpertLinearOp::getBiasOrNull() { return Value(); }
Value ExpertLinearOp::getValidRows() { return getN(); }
int64_t ExpertLinearOp::getMatrices() { return getExperts(); }

LogicalResult ExpertLinearOp::verify() {
  if (failed(expectRank(*this, getX(), "x", 2)) || failed(expectRank(*this, getWeight(), "weight", 2)) ||
      failed(expectRank(*this, getChosen(), "chosen", 2)) || failed(expectRank(*this, getResult(), "result", 2)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX()), w = shapeOf(getWeight()), y = shapeOf(getResult());
  int64_t experts = getExperts();
  if (w[0] % experts != 0)
    return emitOpError() << "the weight has " << w[0] << " rows, which are not those of " << experts << " experts";
  if (x[1] != w[1] || y[1] != w[0] / experts)
    return emitOpError() << "takes rows of " << w[1] << " values to rows of " << w[0] / experts << ", but x is "
                         << getX().getType() << " and the result " << getResult().getType();
  auto chosen = cast<ShapedType>(getChosen().getType());
  if (!chosen.getElementType().isInteger(32) || chosen.getNumElements() != y[0] || y[0] % x[0] != 0)
    return emitOpError() << "needs an i32 for each of the " << y[0]
                         << " rows of the result, and as many for each of the " << x[0] << " rows of x, but chosen is "
                         << chosen;
  return success();
}

LogicalResult ExpertReorderOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX());
  auto order = cast<ShapedType>(getOrder().getType()), chosen = cast<ShapedType>(getChosen().getType());
  if (!order.getElementType().isInteger(32) || order.getNumElements() % x[1] != 0)
    return emitOpError() << "order must hold an i32 for each of the " << x[1] << " columns of each expert, but is "
                         << order;
  int64_t rows = chosen.getNumElements();
  if (!chosen.getElementType().isInteger(32) || rows % x[0] != 0)
    return emitOpError() << "needs as many i32 for each of the " << x[0] << " rows of x, but chosen is " << chosen;
  if (shapeOf(produced(*this)) != ArrayRef<int64_t>{rows, x[1]})
    return emitOpError() << "result must be " << rows << "x" << x[1] << ", but is " << produced(*this).getType();
  return refuseInPlace(*this);
}

LogicalResult TopKOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)))
    return failure();
  SmallVector<Value> made(getResults().begin(), getResults().end());
  if (!getOuts().empty())
    made.assign(getOuts().begin(), getOuts().end());
  int64_t k = getK();
  if (k > shapeOf(getX())[1])
    return emitOpError() << "k must be from 1 to the " << shapeOf(getX())[1] << " columns of x, but is " << k;
  if (made.size() != 2)
    return emitOpError() << "gives what was chosen and its weights, but has " << made.size() << " results";
  for (Value value : made)
    if (shapeOf(value) != ArrayRef<int64_t>{shapeOf(getX())[0], k})
      return emitOpError() << "gives " << k << " columns a row, but a result is " << value.getType();
  if (!cast<ShapedType>(made[0].getType()).getElementType().isInteger(32))
    return emitOpError() << "gives chosen columns as i32, but they are " << made[0].getType();
  return success();
}

LogicalResult ExpertSumOp::verify() {
  if (failed(verifyForm(*this, getOuts())) || failed(expectRank(*this, getX(), "x", 2)) ||
      failed(expectRank(*this, getBranch(), "branch", 2)) || failed(expectRank(*this, getWeights(), "weights", 2)) ||
      failed(expectSameShape(*this, getX(), produced(*this), "x and result")))
    return failure();
  ArrayRef<int64_t> x = shapeOf(getX()), weights = shapeOf(getWeights());
  if (weights[0] != x[0] || shapeOf(getBranch()) != ArrayRef<int64_t>{weights[0] * weights[1], x[1]})
    return emitOpError() << "adds a row of branch for each weight of a row of x, but x is " << getX().getType()
                         << ", weights " << getWeights().getType() << " and branch " << getBranch().getType();
  return success();
}

} // namespace nibble::lm
