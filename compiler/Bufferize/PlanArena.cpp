//===- PlanArena.cpp - pass plan-arena ------------------------------------===//
//
// From values to memory. The functions of a model are straight lines of operations and calls, so neither an alias
// analysis nor a general bufferization is needed: each value gets a range of the arena, each operation its buffer form.
// What comes out holds no allocation, and the sizes of all memory are attributes of the model.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/ArenaPlan.h"
#include "compiler/Bufferize/Passes.h"
#include "dialects/LM/CacheLayout.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_PLANARENA
#include "compiler/Bufferize/Passes.h.inc"

namespace {

int64_t bytesOf(ShapedType type) {
  return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(), 8);
}

/// The buffer of a tensor: the same shape, no encoding.
MemRefType bufferType(RankedTensorType type) { return MemRefType::get(type.getShape(), type.getElementType()); }

/// Where the values of one function lie.
struct FunctionPlan {
  llvm::MapVector<Value, LiveRange> ranges; ///< values that live in the arena
  DenseMap<Value, unsigned> results;        ///< values that the caller gave a buffer for, by result number
  int64_t base = 0, size = 0;               ///< of the function's part of the arena, bytes
};

struct PlanArena : impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override;

private:
  LogicalResult placeSymbols(lm::ModelOp model);
  LogicalResult planFunction(func::FuncOp func);
  LogicalResult placeFunctions();
  LogicalResult rewriteFunction(func::FuncOp func);

  SymbolTable *symbols = nullptr;
  llvm::MapVector<func::FuncOp, FunctionPlan> plans;
  int64_t arenaBytes = 0, stateBytes = 0, weightsBytes = 0;
};

/// Offsets of weights and states in their sections, in the order of the module.
LogicalResult PlanArena::placeSymbols(lm::ModelOp model) {
  OpBuilder builder(model);
  for (lm::WeightOp weight : getOperation().getOps<lm::WeightOp>()) {
    auto type = cast<RankedTensorType>(weight.getType());
    if (!type.getElementType().isIntOrFloat())
      return weight.emitOpError() << "has no layout: " << type << " cannot lie in memory";
    weight.setOffset(weightsBytes);
    weightsBytes += llvm::alignTo(bytesOf(type), kBufferAlignment);
  }
  for (lm::StateOp state : getOperation().getOps<lm::StateOp>()) {
    state.setOffset(stateBytes);
    stateBytes += llvm::alignTo(lm::bytesOfState(cast<MemRefType>(state.getType())), kBufferAlignment);
  }
  return success();
}

/// The operation result that holds the bytes of `value`: slices are views of what they cut.
Value storageOf(Value value) {
  while (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
    value = slice.getSource();
  return value;
}

LogicalResult PlanArena::planFunction(func::FuncOp func) {
  if (!llvm::hasSingleElement(func.getBody()))
    return func.emitOpError("has several blocks; only straight-line functions can be planned");
  FunctionPlan &plan = plans[func];
  auto ret = cast<func::ReturnOp>(func.getBody().front().getTerminator());
  for (OpOperand &operand : ret->getOpOperands()) {
    Value value = operand.get();
    if (!isa_and_nonnull<lm::TeamOp, func::CallOp>(value.getDefiningOp()) || !isa<RankedTensorType>(value.getType()) ||
        plan.results.count(value))
      return ret.emitOpError("returns a value that no operation of the function fills");
    plan.results[value] = operand.getOperandNumber();
  }
  int64_t index = 0;
  for (Operation &op : func.getBody().front()) {
    ++index;
    for (Value operand : op.getOperands())
      if (auto found = plan.ranges.find(storageOf(operand)); found != plan.ranges.end())
        found->second.end = index;
    if (!isa<lm::TeamOp, func::CallOp>(op))
      continue;
    if (auto call = dyn_cast<func::CallOp>(op))
      if (auto callee = symbols->lookup<func::FuncOp>(call.getCallee()); !callee || callee.isExternal())
        return call.emitOpError() << "calls @" << call.getCallee() << ", which has no body to plan";
    for (Value result : op.getResults())
      if (auto type = dyn_cast<RankedTensorType>(result.getType()); type && !plan.results.count(result))
        plan.ranges[result] = {bytesOf(type), index, index};
  }
  SmallVector<LiveRange> ranges;
  for (auto &entry : plan.ranges)
    ranges.push_back(entry.second);
  plan.size = planArena(ranges, kBufferAlignment);
  for (auto [entry, range] : llvm::zip(plan.ranges, ranges))
    entry.second.offset = range.offset;
  return success();
}

/// A called function lies above all its callers; entry points (never called) start at 0.
LogicalResult PlanArena::placeFunctions() {
  // Without recursion a chain of calls is shorter than the number of functions, so the last round changes nothing.
  func::FuncOp moved;
  for (size_t round = 0; round < plans.size(); ++round) {
    moved = nullptr;
    for (auto &[func, plan] : plans)
      func.walk([&, &plan = plan](func::CallOp call) {
        auto callee = plans.find(symbols->lookup<func::FuncOp>(call.getCallee()));
        if (callee->second.base >= plan.base + plan.size)
          return;
        callee->second.base = plan.base + plan.size;
        moved = callee->first;
      });
  }
  if (moved)
    return moved.emitError("is called by itself; only functions without recursion can be planned");
  for (auto &[func, plan] : plans)
    arenaBytes = std::max(arenaBytes, plan.base + plan.size);
  return success();
}

/// Rewrites one function into the signature and the buffer forms of the team.
class FunctionRewriter {
public:
  FunctionRewriter(func::FuncOp func, const FunctionPlan &plan, SymbolTable &symbols)
      : func(func), plan(plan), symbols(symbols), builder(func.getContext()) {}

  LogicalResult run(int64_t arenaBytes, int64_t stateBytes, int64_t weightsBytes);

private:
  void changeSignature(int64_t arenaBytes, int64_t stateBytes, int64_t weightsBytes);
  Value view(Location loc, Value region, int64_t offset, MemRefType type);
  Value buffer(Value tensor) { return mapping.lookupOrDefault(tensor); }
  Value bufferFor(Value result);
  LogicalResult rewrite(Operation *op);
  void rewriteTeamOp(Operation *op);
  void rewriteCall(func::CallOp call);
  void rewriteSlice(tensor::ExtractSliceOp slice);

  func::FuncOp func;
  const FunctionPlan &plan;
  SymbolTable &symbols;
  OpBuilder builder;
  IRMapping mapping;
  Value arena, state, weights, team, tid, nthreads;
  SmallVector<Value> outs; ///< buffers of the function's results
};

void FunctionRewriter::changeSignature(int64_t arenaBytes, int64_t stateBytes, int64_t weightsBytes) {
  Block &block = func.getBody().front();
  Location loc = func.getLoc();
  auto bytes = [&](int64_t size) { return MemRefType::get({size}, builder.getI8Type()); };
  unsigned position = 0;
  arena = block.insertArgument(position++, bytes(arenaBytes), loc);
  state = block.insertArgument(position++, bytes(stateBytes), loc);
  weights = block.insertArgument(position++, bytes(weightsBytes), loc);
  for (BlockArgument argument : block.getArguments().drop_front(position))
    if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
      argument.setType(bufferType(type));
  for (Type type : func.getResultTypes())
    outs.push_back(block.addArgument(bufferType(cast<RankedTensorType>(type)), loc));
  team = block.addArgument(LLVM::LLVMPointerType::get(func.getContext()), loc);
  tid = block.addArgument(builder.getIndexType(), loc);
  nthreads = block.addArgument(builder.getIndexType(), loc);
  func.setType(builder.getFunctionType(block.getArgumentTypes(), {}));
}

Value FunctionRewriter::view(Location loc, Value region, int64_t offset, MemRefType type) {
  Value shift = arith::ConstantIndexOp::create(builder, loc, offset);
  return memref::ViewOp::create(builder, loc, type, region, shift, ValueRange());
}

/// The buffer that an operation fills for its result.
Value FunctionRewriter::bufferFor(Value result) {
  if (auto found = plan.results.find(result); found != plan.results.end())
    return outs[found->second];
  return view(result.getLoc(), arena, plan.base + plan.ranges.find(result)->second.offset,
              bufferType(cast<RankedTensorType>(result.getType())));
}

void FunctionRewriter::rewriteTeamOp(Operation *op) {
  SmallVector<Value> filled;
  for (Value result : op->getResults()) {
    filled.push_back(bufferFor(result));
    mapping.map(result, filled.back());
  }
  if (auto mma = dyn_cast<mpgemm::MmaOp>(op)) {
    SmallVector<Value> activations;
    for (Value value : mma.getActivations())
      activations.push_back(buffer(value));
    auto optional = [&](Value value) { return value ? buffer(value) : Value(); };
    mpgemm::MmaOp::create(builder, op->getLoc(), Type(), buffer(mma.getWeight()), activations, buffer(mma.getN()),
                          optional(mma.getBias()), optional(mma.getResidual()), filled, mma.getRowAttr(),
                          mma.getLayoutAttr(), mma.getSlotAttr());
    return;
  }
  // All other operations end with their variadic `into` operands.
  OperationState next(op->getLoc(), op->getName());
  for (Value operand : op->getOperands())
    next.operands.push_back(buffer(operand));
  next.addOperands(filled);
  NamedAttrList attributes(op->getAttrs());
  // Where there are optional operands as well, their numbers stand in an attribute.
  constexpr StringLiteral segments = "operandSegmentSizes";
  if (auto sizes = dyn_cast_or_null<DenseI32ArrayAttr>(attributes.get(segments))) {
    SmallVector<int32_t> counts(sizes.asArrayRef());
    counts.back() = static_cast<int32_t>(filled.size());
    attributes.set(segments, builder.getDenseI32ArrayAttr(counts));
  }
  next.addAttributes(attributes);
  builder.create(next);
}

void FunctionRewriter::rewriteCall(func::CallOp call) {
  SmallVector<Value> operands = {arena, state, weights};
  for (Value operand : call.getOperands())
    operands.push_back(buffer(operand));
  for (Value result : call.getResults()) {
    operands.push_back(bufferFor(result));
    mapping.map(result, operands.back());
  }
  llvm::append_range(operands, ValueRange{team, tid, nthreads});
  func::CallOp::create(builder, call.getLoc(), call.getCalleeAttr(), TypeRange(), operands);
}

void FunctionRewriter::rewriteSlice(tensor::ExtractSliceOp slice) {
  Value source = buffer(slice.getSource());
  auto type = cast<MemRefType>(memref::SubViewOp::inferResultType(
      cast<MemRefType>(source.getType()), slice.getStaticOffsets(), slice.getStaticSizes(), slice.getStaticStrides()));
  Value view = memref::SubViewOp::create(builder, slice.getLoc(), type, source, slice.getMixedOffsets(),
                                         slice.getMixedSizes(), slice.getMixedStrides());
  mapping.map(slice.getResult(), view);
}

LogicalResult FunctionRewriter::rewrite(Operation *op) {
  builder.setInsertionPoint(op);
  if (isa<lm::TeamOp>(op)) {
    rewriteTeamOp(op);
  } else if (auto call = dyn_cast<func::CallOp>(op)) {
    rewriteCall(call);
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    rewriteSlice(slice);
  } else if (auto ref = dyn_cast<lm::WeightRefOp>(op)) {
    auto weight = symbols.lookup<lm::WeightOp>(ref.getWeight());
    mapping.map(ref.getResult(), view(op->getLoc(), weights, *weight.getOffset(),
                                      bufferType(cast<RankedTensorType>(ref.getResult().getType()))));
  } else if (auto ref = dyn_cast<lm::StateRefOp>(op)) {
    auto symbol = symbols.lookup<lm::StateOp>(ref.getState());
    mapping.map(ref.getResult(),
                view(op->getLoc(), state, *symbol.getOffset(), cast<MemRefType>(ref.getResult().getType())));
  } else if (isa<func::ReturnOp>(op)) {
    func::ReturnOp::create(builder, op->getLoc());
  } else {
    auto isTensor = [](Type type) { return isa<TensorType>(type); };
    if (llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor))
      return op->emitOpError("has no buffer form; it should have been fused into an operation that has one");
    return success(); // scalars stay as they are
  }
  return success();
}

LogicalResult FunctionRewriter::run(int64_t arenaBytes, int64_t stateBytes, int64_t weightsBytes) {
  changeSignature(arenaBytes, stateBytes, weightsBytes);
  SmallVector<Operation *> old;
  for (Operation &op : func.getBody().front())
    old.push_back(&op);
  for (Operation *op : old)
    if (failed(rewrite(op)))
      return failure();
  for (Operation *op : llvm::reverse(old))
    if (isa<lm::TeamOp, func::CallOp, tensor::ExtractSliceOp, lm::WeightRefOp, lm::StateRefOp, func::ReturnOp>(op)) {
      op->dropAllUses();
      op->erase();
    }
  return success();
}

LogicalResult PlanArena::rewriteFunction(func::FuncOp func) {
  return FunctionRewriter(func, plans[func], *symbols).run(arenaBytes, stateBytes, weightsBytes);
}

void PlanArena::runOnOperation() {
  SymbolTable table(getOperation());
  symbols = &table;
  lm::ModelOp model = lm::getModel(getOperation());
  if (!model) {
    getOperation().emitError("the module has no lm.model");
    return signalPassFailure();
  }
  if (failed(placeSymbols(model)))
    return signalPassFailure();
  for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
    if (!func.isExternal() && failed(planFunction(func)))
      return signalPassFailure();
  if (failed(placeFunctions()))
    return signalPassFailure();
  OpBuilder builder(model);
  model->setAttr(kArenaBytes, builder.getI64IntegerAttr(arenaBytes));
  model->setAttr(kStateBytes, builder.getI64IntegerAttr(stateBytes));
  model->setAttr(kWeightsBytes, builder.getI64IntegerAttr(weightsBytes));
  for (auto &[func, plan] : plans)
    if (failed(rewriteFunction(func)))
      return signalPassFailure();
}

} // namespace
} // namespace nibble
