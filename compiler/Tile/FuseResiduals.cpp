//===- FuseResiduals.cpp - pass mpgemm-fuse-residuals ---------------------===//
//
// A transformer adds each block's output to its input. Adding it where the product's accumulators are still in
// registers saves one pass over the rows. The sum is rounded as before: product first, then one addition.
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

struct FuseResiduals : impl::FuseResidualsBase<FuseResiduals> {
  void runOnOperation() override {
    getOperation().walk([](arith::AddFOp add) {
      for (unsigned side : {0u, 1u}) {
        auto mma = add->getOperand(side).getDefiningOp<mpgemm::MmaOp>();
        Value residual = add->getOperand(1 - side);
        if (!mma || mma.getResidual() || !mma->hasOneUse() || !isa<RankedTensorType>(residual.getType()))
          continue;
        // The residual may be made after the product.
        mma->moveBefore(add);
        mma.getResidualMutable().assign(residual);
        add.replaceAllUsesWith(mma.getResult());
        add.erase();
        return;
      }
    });
  }
};

} // namespace
} // namespace nibble
