//===- HandOutPanels.cpp - pass hand-out-panels ----------------------------===//
//
// Cores differ in speed (big and little ones, a busy neighbour), so the panels of a product are not cut into equal shares:
// threads claim them from a counter of the team. Which thread computes a panel does not matter to its bits. Products
// between the same two barriers may run at the same time and need counters of their own; that is what this pass deals out.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "nibble/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_HANDOUTPANELS
#include "compiler/Bufferize/Passes.h.inc"

namespace {

struct HandOutPanels : impl::HandOutPanelsBase<HandOutPanels> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Builder builder(&getContext());
    int64_t next = 0;
    // A function is called with all accesses settled, so that no product of the caller is under way.
    for (Operation &op : getOperation().getBody().front()) {
      if (isa<func::CallOp>(op))
        next = 0; // a barrier, or a function that ends with one
      auto mma = dyn_cast<mpgemm::MmaOp>(op);
      if (mma && next < NIBBLE_CLAIM_SLOTS)
        mma.setSlotAttr(builder.getI64IntegerAttr(next++)); // further ones get equal shares
    }
  }
};

} // namespace
} // namespace nibble
