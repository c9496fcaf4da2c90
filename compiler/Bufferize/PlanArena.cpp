//===- PlanArena.cpp - pass plan-arena ------------------------------------===//
//
// From values to memory. The functions of a model are straight lines of operations and calls, so neither an alias
// analysis nor a general bufferization is needed: each value gets a range of the arena, each operation its buffer form.
// What comes out holds no allocation, and the sizes of all memory are attributes of the model.
//
//===----------------------------------------------------------------------===//
#include "compiler/Bufferize/ArenaPlan.h"
#include "compiler/Bufferize/Passes.h"
#include "compiler/Bufferize/Places.h"
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

/// The buffer of a tensor: the same shape, no encoding.
MemRefType bufferType(RankedTensorType type) { return MemRefType::get(type.getShape(), type.getElementType()); }

/// The part of the arena that one function uses, bytes.
struct FunctionArena {
  int64_t base = 0, size = 0;
  int64_t bound = 0; ///< no plan of the function and what it calls can be smaller, if values begin on cache lines
};

struct PlanArena : impl::PlanArenaBase<PlanArena> {
  void runOnOperation() override;

private:
  LogicalResult placeSymbols(lm::ModelOp model);
  void planFunction(func::FuncOp func);
  void placeFunctions();

  SymbolTable *symbols = nullptr;
  ModulePlaces places;
  DenseMap<func::FuncOp, FunctionArena> arenas;
  DenseMap<func::FuncOp, int64_t> callers; ///< how many functions call one
  int64_t arena = 0, bound = 0, stateBytes = 0, weightsBytes = 0; ///< sizes of all memory
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

/// Plans a function together with those that it alone calls: what they need is a range that lives during the calls.
void PlanArena::planFunction(func::FuncOp func) {
  FunctionPlaces &own = places[func];
  SmallVector<LiveRange> ranges, least;
  for (auto &entry : own.ranges)
    ranges.push_back(entry.second);
  least = ranges;
  SmallVector<func::FuncOp> nested;
  for (auto &[callee, calls] : own.calls) {
    LiveRange range;
    for (int64_t call : calls)
      range.lives.push_back({call, call});
    range.size = arenas[callee].bound;
    least.push_back(range);
    if (callers[callee] > 1)
      continue;
    range.size = arenas[callee].size;
    ranges.push_back(range);
    nested.push_back(callee);
  }
  FunctionArena &result = arenas[func];
  result.size = planArena(ranges, kBufferAlignment);
  result.bound = arenaLowerBound(least, kBufferAlignment);
  for (auto [entry, range] : llvm::zip_first(own.ranges, ranges))
    entry.second.offset = range.offset;
  for (auto [callee, range] : llvm::zip(nested, ArrayRef(ranges).drop_front(own.ranges.size())))
    arenas[callee].base = range.offset; // of the caller's, which has no base yet
}

/// Entry points run one at a time and begin at 0, functions with one caller lie inside its part; those that several
/// call lie above all others.
void PlanArena::placeFunctions() {
  for (auto &[func, own] : places)
    if (!callers.lookup(func))
      arena = std::max(arena, arenas[func].size);
  for (auto &[func, own] : llvm::reverse(places)) { // callers before callees
    if (callers.lookup(func) > 1) {
      arenas[func].base = arena;
      arena += arenas[func].size;
    }
    for (auto &[callee, calls] : own.calls)
      if (callers[callee] == 1)
        arenas[callee].base += arenas[func].base;
  }
}

/// Rewrites one function into the signature and the buffer forms of the team.
class FunctionRewriter {
public:
  FunctionRewriter(func::FuncOp func, ModulePlaces &places, int64_t base, SymbolTable &symbols)
      : func(func), places(places), plan(places[func]), base(base), symbols(symbols), builder(func.getContext()) {}

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
  ModulePlaces &places;
  const FunctionPlaces &plan;
  int64_t base; ///< of the function's part of the arena
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
  for (auto [type, argument] : llvm::zip(func.getResultTypes(), plan.overwritten))
    outs.push_back(argument ? Value(block.getArgument(position + *argument))
                            : block.addArgument(bufferType(cast<RankedTensorType>(type)), loc));
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
  if (Value operand = plan.takenOver.lookup(result))
    return buffer(operand);
  if (auto found = plan.results.find(result); found != plan.results.end())
    return outs[found->second];
  int64_t offset = base + plan.ranges.find(result)->second.offset;
  MemRefType type = bufferType(cast<RankedTensorType>(result.getType()));
  if (int64_t own = bytesOfThread(result)) { // place-barriers knows this form
    Location loc = result.getLoc();
    Value mine = arith::MulIOp::create(builder, loc, tid, arith::ConstantIndexOp::create(builder, loc, own));
    Value shift = arith::AddIOp::create(builder, loc, mine, arith::ConstantIndexOp::create(builder, loc, offset));
    return memref::ViewOp::create(builder, loc, type, arena, shift, ValueRange());
  }
  return view(result.getLoc(), arena, offset, type);
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
                          mma.getLayoutAttr(), mma.getJoinsHalvesAttr(), mma.getSlotAttr());
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
  const FunctionPlaces &callee = places[symbols.lookup<func::FuncOp>(call.getCallee())];
  for (auto [result, argument] : llvm::zip(call.getResults(), callee.overwritten)) {
    Value filled = bufferFor(result);
    mapping.map(result, filled);
    if (!argument)
      operands.push_back(filled);
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

void PlanArena::runOnOperation() {
  SymbolTable table(getOperation());
  symbols = &table;
  arenas.clear(), callers.clear();
  arena = bound = stateBytes = weightsBytes = 0;
  lm::ModelOp model = lm::getModel(getOperation());
  if (!model) {
    getOperation().emitError("the module has no lm.model");
    return signalPassFailure();
  }
  FailureOr<ModulePlaces> found = findPlaces(getOperation(), table);
  if (failed(placeSymbols(model)) || failed(found))
    return signalPassFailure();
  places = std::move(*found);
  for (auto &[func, own] : places)
    for (auto &[callee, calls] : own.calls)
      ++callers[callee];
  for (auto &[func, own] : places) {
    planFunction(func);
    bound = std::max(bound, arenas[func].bound);
  }
  placeFunctions();
  OpBuilder builder(model);
  model->setAttr(kArenaBytes, builder.getI64IntegerAttr(arena));
  model->setAttr(kArenaBound, builder.getI64IntegerAttr(bound));
  model->setAttr(kStateBytes, builder.getI64IntegerAttr(stateBytes));
  model->setAttr(kWeightsBytes, builder.getI64IntegerAttr(weightsBytes));
  for (auto &[func, own] : places)
    if (failed(FunctionRewriter(func, places, arenas[func].base, table).run(arena, stateBytes, weightsBytes)))
      return signalPassFailure();
}

} // namespace
} // namespace nibble
