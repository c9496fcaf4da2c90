//===- FoldSubScales.cpp - pass fold-sub-scales ---------------------------===//
//
// Two levels of scales save bytes: an integer a group, and a float for many groups. A kernel pays for them with a load,
// a conversion and a product for each run of columns, twice where there are minima. Where a linear waits for
// instructions and not for memory, one f32 a group is faster, and it is the same number.
//
//===----------------------------------------------------------------------===//
#include "codegen/Intrinsics/RowCost.h"
#include "compiler/Legalize/Passes.h"
#include "compiler/Legalize/Strategy.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/Casts.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FOLDSUBSCALES
#include "compiler/Legalize/Passes.h.inc"

namespace {

/// The cost model counts instructions; less than this is within what it leaves out.
constexpr double kFoldMustWinBy = 1.05;

struct FoldSubScales : impl::FoldSubScalesBase<FoldSubScales> {
  using FoldSubScalesBase::FoldSubScalesBase;
  void runOnOperation() override;

private:
  void visit(lm::LinearLike op, const TargetInfo &target);
  Candidate chosen(lm::LinearLike op, Type element, const TargetInfo &target) const;

  LinearWishes wishes;
  llvm::DenseSet<StringRef> tables;
};

/// Whether many rows are multiplied by groups of integer scales with far fewer instructions than by groups of floats,
/// which the cost model, being of one row, does not know.
static bool servesPrompts(lowbit::BlockType block, const Candidate &candidate) {
  return candidate.row && block.getGroup() < mpgemm::kActivationGroup &&
         scalesSuperBlocks(*candidate.row, SuperBlocks::Lists);
}

/// What legalize-linears will choose for a weight of that type.
Candidate FoldSubScales::chosen(lm::LinearLike op, Type element, const TargetInfo &target) const {
  return chooseFrom(candidatesFor(weightOf(op, element, wishes, tables), target), wishes.way());
}

void FoldSubScales::visit(lm::LinearLike op, const TargetInfo &target) {
  auto type = cast<RankedTensorType>(op.getWeights().getType());
  auto block = dyn_cast<lowbit::BlockType>(type.getElementType());
  if (!block || !block.isTwoLevel())
    return;
  lowbit::BlockType folded = lowbit::withFoldedScales(block);
  if (!folded) {
    op->emitRemark() << "keeps its integer scales: an f32 does not hold every product with a scale of " << block;
    return;
  }
  Candidate before = chosen(op, block, target), after = chosen(op, folded, target);
  if (subScales == "auto" && servesPrompts(block, before))
    return;
  if (!after.wrong.empty() || (subScales == "auto" && after.seconds * kFoldMustWinBy >= before.seconds))
    return;
  InFlightDiagnostic remark = op->emitRemark();
  remark << "integer scales of " << block << " are folded into f32, by " << after.strategy << ": "
         << describeCost(after) << "; as they were, by " << before.strategy << ": " << describeCost(before);
  OpBuilder builder(op);
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get() == op.getWeights()) {
      operand.set(lowbit::CastOp::create(builder, op->getLoc(), type.clone(folded), operand.get()));
      return;
    }
}

void FoldSubScales::runOnOperation() {
  if (!llvm::is_contained({"auto", "fold", "keep"}, subScales)) {
    getOperation().emitError() << "unknown sub-scales '" << subScales << "'; they are auto, fold and keep";
    return signalPassFailure();
  }
  if (subScales == "keep")
    return;
  FailureOr<TargetInfo> target = TargetInfo::fromModule(getOperation());
  if (failed(target))
    return signalPassFailure();
  wishes = {strategy, activations};
  tables = findTables(getOperation());
  getOperation().walk([&](lm::LinearLike op) { visit(op, *target); });
}

} // namespace
} // namespace nibble
