//===- FuseQuantize.cpp - pass mpgemm-fuse-quantize -----------------------===//
//
// A norm, or the product of a gated unit, that only its quantization reads need not be written: the codes are made of
// the numbers in the registers. It saves a pass over the rows and, with several rows, a barrier, since the norm is
// split by rows and the quantization by blocks of columns.
//
//===----------------------------------------------------------------------===//
#include "compiler/Tile/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "dialects/MPGEMM/PanelLayout.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_FUSEQUANTIZE
#include "compiler/Tile/Passes.h.inc"

namespace {

/// Columns up to which each thread norms and quantizes a single row for itself. The alternative shares the columns out
/// and ends in a barrier. Counted in the kernel's loops (x86-64): 19 instructions for 64 columns of the squares, which
/// every thread adds up either way, and 204 for the codes of 32 columns. So sharing takes off a thread, in instructions
/// of a row
///
///              512 columns   1024   2048
///   2 threads      1632      3264   6528      0.2, 0.4 and 0.8 µs, at 2.5 a cycle of 3.4 GHz
///   4 threads      2448      4896   9792
///
/// and a layer has two such rows: of a decoded token of 24 layers of 1024 columns 157 thousand instructions. An
/// estimate is the other side: what a barrier costs depends on how far threads drift apart, and has not been measured
/// by itself.
constexpr int64_t kReplicatedColumns = 1024;

/// Whether each thread should have the codes of its own: where only products read them, which a barrier would precede.
bool replicates(mpgemm::QuantizeOp quantize) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(quantize.getX().getType()).getShape();
  return shape[0] == 1 && shape[1] <= kReplicatedColumns &&
         llvm::all_of(quantize->getUsers(), llvm::IsaPred<mpgemm::MmaOp>);
}

/// mpgemm.norm_quantize of what `norm` reads, if it norms whole rows, and as many of them.
template <typename Norm> Operation *fuseNorm(Norm norm, Value bias, bool centred, mpgemm::QuantizeOp quantize) {
  if (!norm || norm.getHeads() != 1 || norm.getN() != quantize.getN())
    return nullptr;
  OpBuilder builder(quantize);
  auto flag = [&](bool isSet) { return isSet ? builder.getUnitAttr() : UnitAttr(); };
  return mpgemm::NormQuantizeOp::create(builder, quantize.getLoc(), quantize.getResultTypes(), norm.getX(),
                                        norm.getWeight(), bias, norm.getN(), norm.getEpsilonAttr(), flag(centred),
                                        quantize.getGroupAttr(), quantize.getSumGroupAttr(),
                                        quantize.getJoinsHalvesAttr(), flag(replicates(quantize)), ValueRange());
}

Operation *fuseGlu(lm::GluOp glu, mpgemm::QuantizeOp quantize) {
  if (!glu || glu.getN() != quantize.getN() || int64_t(quantize.getGroup()) > mpgemm::kActivationGroup)
    return nullptr;
  OpBuilder builder(quantize);
  return mpgemm::GluQuantizeOp::create(builder, quantize.getLoc(), quantize.getResultTypes(), glu.getGate(),
                                       glu.getUp(), glu.getN(), glu.getActivationAttr(), quantize.getGroupAttr(),
                                       quantize.getSumGroupAttr(), quantize.getJoinsHalvesAttr(), ValueRange());
}

Operation *fuse(mpgemm::QuantizeOp quantize) {
  Operation *source = quantize.getX().getDefiningOp();
  if (!source || !source->hasOneUse())
    return nullptr;
  if (auto rms = dyn_cast<lm::RMSNormOp>(source))
    return rms.getResidual() ? nullptr : fuseNorm(rms, Value(), /*centred=*/false, quantize);
  if (auto layer = dyn_cast<lm::LayerNormOp>(source))
    return fuseNorm(layer, layer.getBias(), /*centred=*/true, quantize);
  return fuseGlu(dyn_cast<lm::GluOp>(source), quantize);
}

struct FuseQuantize : impl::FuseQuantizeBase<FuseQuantize> {
  void runOnOperation() override {
    getOperation().walk([](mpgemm::QuantizeOp quantize) {
      Operation *fused = fuse(quantize);
      if (!fused)
        return;
      Operation *source = quantize.getX().getDefiningOp();
      quantize->replaceAllUsesWith(fused);
      quantize.erase();
      source->erase();
    });
  }
};

} // namespace
} // namespace nibble
