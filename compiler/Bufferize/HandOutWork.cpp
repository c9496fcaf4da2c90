//===- HandOutWork.cpp - pass hand-out-work --------------------------------===//
//
// Cores differ in speed (big and little ones, a busy neighbour), so the panels of a product are not cut into equal
// shares: threads claim them from a counter of the team, and so they do with the heads and rows of attention, which are
// unequal anyway, since later rows see more. Which thread computes what does not matter to its bits. Operations between
// the same two barriers may run at the same time and need counters of their own; that is what this pass deals out.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "nibble/abi.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_HANDOUTWORK
#include "compiler/Bufferize/Passes.h.inc"

namespace {

struct HandOutWork : impl::HandOutWorkBase<HandOutWork> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Builder builder(&getContext());
    int64_t next = 0;
    // A function is called with all accesses settled, so that no product of the caller is under way.
    for (Operation &op : getOperation().getBody().front()) {
      if (isa<func::CallOp>(op))
        next = 0; // a barrier, or a function that ends with one
      if (next == NIBBLE_CLAIM_SLOTS) // further ones get equal shares
        continue;
      llvm::TypeSwitch<Operation *>(&op).Case<mpgemm::MmaOp, lm::AttentionOp, lm::AttentionPartialsOp>(
          [&](auto handedOut) { handedOut.setSlotAttr(builder.getI64IntegerAttr(next++)); });
    }
  }
};

} // namespace
} // namespace nibble
