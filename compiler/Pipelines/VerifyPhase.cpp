//===- VerifyPhase.cpp - pass verify-phase ---------------------------------===//
//
// The contract of each phase, as something that can fail.
//
//===----------------------------------------------------------------------===//
#include "compiler/Pipelines/Pipelines.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_VERIFYPHASE
#include "compiler/Pipelines/Passes.h.inc"

namespace {

/// Null, or what is wrong with `op` after the phase.
using Check = const char *(*)(Operation *op);

bool holdsTensor(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  if (llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor))
    return true;
  auto func = dyn_cast<func::FuncOp>(op);
  return func && (llvm::any_of(func.getArgumentTypes(), isTensor) || llvm::any_of(func.getResultTypes(), isTensor));
}

bool holdsLowBit(Operation *op) {
  return llvm::any_of(op->getOperandTypes(), [](Type type) { return bool(lowbit::getBlockType(type)); });
}

const char *checkImport(Operation *op) {
  return isa<mpgemm::MmaOp, mpgemm::QuantizeOp, mpgemm::NormQuantizeOp, mpgemm::GluQuantizeOp, mpgemm::PackOp>(op)
             ? "belongs to a later phase"
             : nullptr;
}

const char *checkLegalize(Operation *op) {
  return isa<lm::LinearLike>(op) && !op->hasAttr("compute") ? "is a linear without legal types" : nullptr;
}

const char *checkTile(Operation *op) {
  if (isa<lm::LinearLike>(op))
    return "is a linear that was not tiled";
  if (isa<mpgemm::PackOp>(op))
    return "packs a weight at run time";
  return holdsLowBit(op) ? "reads a low-bit tensor that has no layout" : nullptr;
}

const char *checkBufferize(Operation *op) {
  if (isa<memref::AllocOp, memref::AllocaOp>(op))
    return "allocates";
  return holdsTensor(op) ? "still handles a tensor" : nullptr;
}

const char *checkLower(Operation *op) {
  return isa<ModuleOp>(op) || isa_and_nonnull<LLVM::LLVMDialect>(op->getDialect()) ? nullptr
                                                                                    : "is not of the llvm dialect";
}

struct VerifyPhase : impl::VerifyPhaseBase<VerifyPhase> {
  using VerifyPhaseBase::VerifyPhaseBase;

  void runOnOperation() override {
    std::optional<Phase> which = findPhase(phase);
    if (!which) {
      getOperation().emitError() << "verify-phase: there is no phase '" << phase << "'";
      return signalPassFailure();
    }
    Check check = checkOf(*which);
    WalkResult result = getOperation().walk([&](Operation *op) {
      const char *wrong = check ? check(op) : nullptr;
      if (!wrong)
        return WalkResult::advance();
      op->emitError() << "after phase " << phase << ", '" << op->getName() << "' " << wrong;
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  static Check checkOf(Phase phase) {
    switch (phase) {
    case Phase::import:
    case Phase::simplify:
      return checkImport;
    case Phase::legalize:
      return checkLegalize;
    case Phase::tile:
      return checkTile;
    case Phase::bufferize:
      return checkBufferize;
    case Phase::lower:
      return checkLower;
    case Phase::emit:
    case Phase::link:
      return nullptr; // no IR is left
    }
    return nullptr;
  }
};

} // namespace
} // namespace nibble
