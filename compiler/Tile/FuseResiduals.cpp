//===- FuseResiduals.cpp - pass mpgemm-fuse-residuals ---------------------===//
//
// A transformer adds each block's output to its input. Adding it where the product's accumulators (or, in families with
// a norm after the block, the normed values) are still in registers saves one pass over the rows. The sum is rounded as
// before: product first, then one addition.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tile/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FUSERESIDUALS
#include "compiler/Tile/Passes.h.inc"

namespace {

/// Adds `residual` in the last step of the operation that `value` is the only use of, if it has such a step.
template <typename OpTy> bool addTo(Value value, Value residual, arith::AddFOp add) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op || op.getResidual() || !op->hasOneUse() || !isa<RankedTensorType>(residual.getType()))
    return false;
  // The residual may be made after the product.
  op->moveBefore(add);
  op.getResidualMutable().assign(residual);
  add.replaceAllUsesWith(op.getResult());
  add.erase();
  return true;
}

struct FuseResiduals : impl::FuseResidualsBase<FuseResiduals> {
  void runOnOperation() override {
    getOperation().walk([](arith::AddFOp add) {
      for (unsigned side : {0u, 1u}) {
        Value value = add->getOperand(side), residual = add->getOperand(1 - side);
        if (addTo<mpgemm::MmaOp>(value, residual, add) || addTo<lm::RMSNormOp>(value, residual, add))
          return;
      }
    });
  }
};

} // namespace
} // namespace nibble
