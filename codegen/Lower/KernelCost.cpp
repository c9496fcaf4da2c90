//===- KernelCost.cpp - how many vector operations a kernel takes ---------===//
//
// See KernelCost.h.
//
//===----------------------------------------------------------------------===//

#include "codegen/Lower/KernelCost.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nibble {

static double costOf(Region &region, int64_t registerBits);

/// Registers that the vector fills which the operation makes or stores; 0 for scalars.
static double registersOf(Operation *op, int64_t registerBits) {
  if (isa<LLVM::BitcastOp, LLVM::InsertElementOp, LLVM::ConstantOp, LLVM::UndefOp, LLVM::PoisonOp, LLVM::ZeroOp,
          arith::ConstantOp, arith::BitcastOp>(op))
    return 0;
  Type type = op->getNumResults() ? op->getResult(0).getType() : Type();
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    type = store.getValue().getType();
  auto vector = dyn_cast_or_null<VectorType>(type);
  if (!vector)
    return 0;
  return double(llvm::divideCeil(vector.getNumElements() * vector.getElementTypeBitWidth(), registerBits));
}

static double tripsOf(scf::ForOp loop) {
  std::optional<int64_t> low = getConstantIntValue(loop.getLowerBound()),
                         high = getConstantIntValue(loop.getUpperBound());
  std::optional<int64_t> step = getConstantIntValue(loop.getStep());
  if (!low || !high || !step || *step <= 0)
    return 1;
  return *high > *low ? double(llvm::divideCeil(*high - *low, *step)) : 0;
}

static bool writes(scf::ForOp loop) {
  return loop.walk([](Operation *op) {
               return isa<LLVM::StoreOp, LLVM::CallOp, func::CallOp>(op) ? WalkResult::interrupt()
                                                                         : WalkResult::advance();
             })
      .wasInterrupted();
}

/// Whether each trip of the loop gives `value` anew: it depends on what the loop carries, or on memory that it writes.
static bool varies(Value value, scf::ForOp loop, bool loopWrites) {
  if (!loop->isProperAncestor(value.getParentRegion()->getParentOp()) && value.getParentRegion() != &loop.getRegion())
    return false;
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions() || (loopWrites && isa<LLVM::LoadOp>(op)))
    return true;
  return llvm::any_of(op->getOperands(), [&](Value operand) { return varies(operand, loop, loopWrites); });
}

/// Of how many trips of the loops around it one computes the operation: compilers take out of a loop what does not vary
/// in it.
static double tripsBetween(Operation *op) {
  double trips = 1;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>()) {
    if (op->getNumResults() == 0 || varies(op->getResult(0), loop, writes(loop)))
      break;
    trips *= std::max(1.0, tripsOf(loop));
  }
  return trips;
}

static double costOf(Operation *op, int64_t registerBits) {
  double inside = 0; // of alternatives, the dearest
  for (Region &region : op->getRegions())
    inside = std::max(inside, costOf(region, registerBits));
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return inside * tripsOf(loop);
  if (op->getNumRegions())
    return inside;
  double registers = registersOf(op, registerBits);
  return registers ? registers / tripsBetween(op) : 0;
}

static double costOf(Region &region, int64_t registerBits) {
  double sum = 0;
  for (Block &block : region)
    for (Operation &op : block)
      sum += costOf(&op, registerBits);
  return sum;
}

double vectorOperations(func::FuncOp kernel, int64_t registerBits) { return costOf(kernel.getBody(), registerBits); }

} // namespace nibble
