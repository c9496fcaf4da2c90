//===- FuseQuantize.cpp - pass mpgemm-fuse-quantize -----------------------===//
//
// A norm, or the product of a gated unit, that only its quantization reads need not be written: the codes are made of the
// numbers in the registers. It saves a pass over the rows and, with several rows, a barrier, since the norm is split by
// rows and the quantization by blocks of columns.
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

/// Columns up to which each thread norms and quantizes a single row for itself: sharing it out would save a part of less than
/// a microsecond, and end in a barrier. An estimate from instruction counts, not a measurement.
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
                                        flag(replicates(quantize)), ValueRange());
}

Operation *fuseGlu(lm::GluOp glu, mpgemm::QuantizeOp quantize) {
  if (!glu || glu.getN() != quantize.getN() || int64_t(quantize.getGroup()) > mpgemm::kActivationGroup)
    return nullptr;
  OpBuilder builder(quantize);
  return mpgemm::GluQuantizeOp::create(builder, quantize.getLoc(), quantize.getResultTypes(), glu.getGate(),
                                       glu.getUp(), glu.getN(), glu.getActivationAttr(), quantize.getGroupAttr(),
                                       quantize.getSumGroupAttr(), ValueRange());
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
