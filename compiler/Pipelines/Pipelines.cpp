//===- Pipelines.cpp - phases and the pass pipelines that make them --------===//
#include "compiler/Pipelines/Pipelines.h"

#include "codegen/Lower/Passes.h"
#include "compiler/Bufferize/Passes.h"
#include "compiler/Legalize/Passes.h"
#include "compiler/Simplify/Passes.h"
#include "compiler/Tile/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace nibble {

ArrayRef<PhaseInfo> phases() {
  static const PhaseInfo table[] = {
#define NIBBLE_PHASE(name, folder, contract) {Phase::name, #name, folder, contract},
#include "compiler/Pipelines/Phases.def"
  };
  return table;
}

std::optional<Phase> findPhase(StringRef name) {
  for (const PhaseInfo &info : phases())
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

void addPhase(OpPassManager &manager, Phase phase, const PipelineOptions &options) {
  switch (phase) {
  case Phase::simplify:
    // Before fusing: linears of one format can be one linear.
    manager.addPass(createRequantizeWeights({options.weights}));
    manager.addPass(createFuseLinears());
    break;
  case Phase::legalize:
    manager.addPass(createReencodeGrids()); // first, so that linears have types that a row may take
    manager.addPass(createFoldSubScales({options.subScales, options.strategy, options.activations}));
    manager.addPass(createLegalizeLinears({options.strategy, options.activations, options.requireNative}));
    break;
  case Phase::tile:
    manager.addNestedPass<func::FuncOp>(createSplitAttention());
    manager.addNestedPass<func::FuncOp>(createFuseRope());
    manager.addPass(createTileLinears());
    manager.addNestedPass<func::FuncOp>(createFuseResiduals());
    manager.addNestedPass<func::FuncOp>(createFuseQuantize()); // norms that took a residual are read by others, too
    manager.addPass(createFoldPacks());
    break;
  case Phase::bufferize:
    manager.addPass(createPlanArena());
    manager.addPass(createPlaceBarriers());
    manager.addNestedPass<func::FuncOp>(createHandOutWork());
    if (options.profile)
      manager.addPass(createInstrumentProfile()); // what it counts as waiting are the barriers
    manager.addPass(createCanonicalizerPass());
    break;
  case Phase::lower:
    addLowerPasses(manager);
    break;
  case Phase::import:
  case Phase::emit:
  case Phase::link:
    return; // not passes on IR
  }
  VerifyPhaseOptions verify;
  for (const PhaseInfo &info : phases())
    if (info.phase == phase)
      verify.phase = info.name.str();
  manager.addPass(createVerifyPhase(verify));
}

/// Options of the pipelines in textual form.
struct TextualOptions : PassPipelineOptions<TextualOptions> {
  Option<std::string> strategy{*this, "strategy", llvm::cl::desc("auto, dot, lut, lut-fast or float"),
                               llvm::cl::init("auto")};
  Option<std::string> weights{*this, "weights", llvm::cl::desc("formats of weights"), llvm::cl::init("keep")};
  Option<std::string> activations{*this, "activations", llvm::cl::desc("number type of activations"),
                                  llvm::cl::init("int8")};
  Option<std::string> subScales{*this, "sub-scales", llvm::cl::desc("auto, fold or keep"), llvm::cl::init("auto")};
  Option<bool> requireNative{*this, "require-native", llvm::cl::desc("fail instead of using a generic row"),
                             llvm::cl::init(false)};
};

void registerPassesAndPipelines() {
  registerSimplifyPasses();
  registerLegalizePasses();
  registerTilePasses();
  registerBufferizePasses();
  registerLowerPasses();
  registerPipelinesPasses();
  for (const PhaseInfo &info : phases()) {
    if (info.phase < Phase::simplify || info.phase > Phase::lower)
      continue;
    PassPipelineRegistration<TextualOptions>(
        ("nibble-" + info.name).str(), ("Phase " + info.name).str(),
        [phase = info.phase](OpPassManager &manager, const TextualOptions &text) {
          addPhase(manager, phase,
                   {text.strategy, text.weights, text.activations, text.subScales, text.requireNative});
        });
  }
}

void registerDialects(DialectRegistry &registry) {
  registry.insert<lm::LMDialect, lowbit::LowBitDialect, mpgemm::MPGEMMDialect, arith::ArithDialect,
                  cf::ControlFlowDialect, func::FuncDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect, vector::VectorDialect>();
}

} // namespace nibble
