//===- ReencodeGrids.cpp - pass reencode-grids ----------------------------===//
//
// Lattice formats store whole vectors of a fixed list. No multiplication takes those, but the vectors are made of six
// to sixteen distinct numbers, so each element on its own is a code of three or four bits. This pass says so in the
// types; the packer then writes these codes, and the kernels see an ordinary codebook. No value changes: lowbit.cast
// verifies that.
//
//===----------------------------------------------------------------------===//
#include "compiler/Legalize/Passes.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_REENCODEGRIDS
#include "compiler/Legalize/Passes.h.inc"

namespace {

struct ReencodeGrids : impl::ReencodeGridsBase<ReencodeGrids> {
  void runOnOperation() override {
    getOperation().walk([&](lm::LinearLike op) {
      for (OpOperand &operand : op->getOpOperands())
        if (operand.get() == op.getWeights())
          reencode(op, operand);
    });
    getOperation().walk([&](lm::EmbedOp op) { reencode(op, op.getTableMutable()); });
  }

private:
  void reencode(Operation *user, OpOperand &operand) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    lowbit::BlockType block = lowbit::getBlockType(operand.get().getType());
    if (!block || !block.getCode().grid)
      return;
    OpBuilder builder(user);
    operand.set(lowbit::CastOp::create(builder, user->getLoc(), type.clone(lowbit::withoutGrid(block)),
                                       operand.get()));
  }
};

} // namespace
} // namespace nibble
