//===- LowerKernels.cpp - pass lower-kernels ------------------------------===//
//
// The last step that sees operations of lm and mpgemm: each becomes a call of the kernel of its shape.
//
//===----------------------------------------------------------------------===//
#include "codegen/Lower/LowerOps.h"
#include "codegen/Lower/Passes.h"
#include "compiler/Target/TargetInfo.h"
#include "dialects/LM/CacheLayout.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_LOWERKERNELS
#include "codegen/Lower/Passes.h.inc"

namespace {

LogicalResult lowerOp(Operation *op, KernelLibrary &library) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](lm::EmbedOp) { return lowerEmbed(op, library); })
      .Case([&](lm::RMSNormOp) { return lowerRMSNorm(op, library); })
      .Case([&](lm::LayerNormOp) { return lowerLayerNorm(op, library); })
      .Case([&](lm::ResidualOp) { return lowerResidual(op, library); })
      .Case([&](lm::LogitsOp) { return lowerLogits(op, library); })
      .Case([&](lm::ReorderOp) { return lowerReorder(op, library); })
      .Case([&](lm::RopeOp) { return lowerRope(op, library); })
      .Case([&](lm::KVAppendOp) { return lowerKVAppend(op, library); })
      .Case([&](lm::AttentionOp) { return lowerAttention(op, library); })
      .Case([&](lm::ShortConvOp) { return lowerShortConv(op, library); })
      .Case([&](lm::AttentionPartialsOp) { return lowerAttentionPartials(op, library); })
      .Case([&](lm::AttentionCombineOp) { return lowerAttentionCombine(op, library); })
      .Case([&](lm::ExpertReorderOp) { return lowerExpertReorder(op, library); })
      .Case([&](lm::TopKOp) { return lowerTopK(op, library); })
      .Case([&](lm::ExpertSumOp) { return lowerExpertSum(op, library); })
      .Case([&](mpgemm::ExpertMmaOp) { return lowerExpertMma(op, library); })
      .Case([&](lm::AddPositionsOp) { return lowerAddPositions(op, library); })
      .Case([&](lm::ActivateOp) { return lowerActivate(op, library); })
      .Case([&](lm::PoolOp) { return lowerPool(op, library); })
      .Case([&](lm::GluOp) { return lowerGlu(op, library); })
      .Case([&](lm::StateWriteOp) { return lowerStateWrite(op, library); })
      .Case([&](lm::StateReadOp) { return lowerStateRead(op, library); })
      .Case([&](mpgemm::QuantizeOp) { return lowerQuantize(op, library); })
      .Case([&](mpgemm::NormQuantizeOp) { return lowerNormQuantize(op, library); })
      .Case([&](mpgemm::GluQuantizeOp) { return lowerGluQuantize(op, library); })
      .Case([&](mpgemm::RoundOp) { return lowerRound(op, library); })
      .Case([&](mpgemm::LutBuildOp) { return lowerLutBuild(op, library); })
      .Case([&](mpgemm::MmaOp) { return lowerMma(op, library); })
      .Default([](Operation *other) { return other->emitOpError("has no lowering to a kernel"); });
}

struct LowerKernels : impl::LowerKernelsBase<LowerKernels> {
  void runOnOperation() override {
    FailureOr<TargetInfo> target = TargetInfo::fromModule(getOperation());
    if (failed(target))
      return signalPassFailure();
    KernelLibrary library(getOperation(), *target);
    SmallVector<Operation *> ops;
    getOperation().walk([&](lm::TeamOp op) { ops.push_back(op); });
    for (Operation *op : ops) {
      if (op->getNumResults() != 0) {
        op->emitOpError("is in value form; run the phase bufferize first");
        return signalPassFailure();
      }
      if (failed(lowerOp(op, library)))
        return signalPassFailure();
      op->erase();
    }
    // Kernels know what the bytes of a quantized cache are; nothing after them does.
    getOperation().walk([](memref::ViewOp view) {
      MemRefType type = view.getType();
      if (isa<lm::CachedType>(type.getElementType()))
        view.getResult().setType(MemRefType::get({lm::bytesOfState(type)}, IntegerType::get(type.getContext(), 8)));
    });
    // Their offsets are in the code now; the description of the program holds the rest.
    for (Operation &op : llvm::make_early_inc_range(*getOperation().getBody()))
      if (isa<lm::ModelOp, lm::WeightOp, lm::StateOp>(op))
        op.erase();
  }
};

} // namespace
} // namespace nibble
