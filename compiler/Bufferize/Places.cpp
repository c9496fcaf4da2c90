//===- Places.cpp - which values share a buffer ----------------------------===//
#include "compiler/Bufferize/Places.h"

#include "compiler/Bufferize/Passes.h"
#include "dialects/MPGEMM/MPGEMM.h"
#include "nibble/abi.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace nibble {

int64_t bytesOf(ShapedType type) {
  return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(), 8);
}

int64_t bytesOfThread(Value value) {
  auto team = value.getDefiningOp<lm::TeamOp>();
  return team && team.isReplicated() ? llvm::alignTo(bytesOf(cast<ShapedType>(value.getType())), kBufferAlignment) : 0;
}

/// Bytes of the arena that a value needs.
static int64_t bytesOfPlace(Value value) {
  int64_t own = bytesOfThread(value);
  return own ? own * NIBBLE_MAX_THREADS : bytesOf(cast<ShapedType>(value.getType()));
}

/// The value whose bytes `value` is made of: slices are views of what they cut.
static Value storageOf(Value value) {
  while (auto slice = value.getDefiningOp<tensor::ExtractSliceOp>())
    value = slice.getSource();
  return value;
}

/// The operand whose buffer the first result of `op` may take over, or null: the kernel reads each element of it before
/// it writes the element of the result in the same place, as part of the same item of work, and reads it for no other
/// item.
static OpOperand *overwrittenOperand(Operation *op) {
  if (auto glu = dyn_cast<lm::GluOp>(op))
    return &glu.getGateMutable();
  if (auto activate = dyn_cast<lm::ActivateOp>(op))
    return &activate.getXMutable();
  if (auto sum = dyn_cast<lm::ExpertSumOp>(op))
    return &sum.getXMutable();
  if (auto mma = dyn_cast<mpgemm::MmaOp>(op))
    return mma.getResidual() ? &*mma.getResidualMutable().begin() : nullptr;
  return nullptr;
}

/// Whether two values are slices of one value without a common column.
static bool areApart(Value a, Value b) {
  auto first = a.getDefiningOp<tensor::ExtractSliceOp>(), second = b.getDefiningOp<tensor::ExtractSliceOp>();
  if (!first || !second || first.getSource() != second.getSource() || a.getType() != b.getType() ||
      first.getStaticSizes() != second.getStaticSizes())
    return false;
  int64_t x = first.getStaticOffsets().back(), y = second.getStaticOffsets().back(),
          width = first.getStaticSizes().back();
  return !ShapedType::isDynamic(x) && !ShapedType::isDynamic(y) && !ShapedType::isDynamic(width) &&
         std::abs(x - y) >= width;
}

namespace {

/// A result of a function that may not overwrite an argument, since a caller still needs that.
using Refusals = llvm::DenseSet<std::pair<Operation *, unsigned>>;

class FunctionAnalysis {
public:
  FunctionAnalysis(func::FuncOp func, const ModulePlaces &known, SymbolTable &symbols, Refusals &refusals)
      : func(func), known(known), symbols(symbols), refusals(refusals) {}
  LogicalResult run(FunctionPlaces &places);

private:
  struct Buffer {
    int64_t begin, end; ///< the lives of all values that lie in it
  };

  void numberUses();
  void keepForReaders(lm::TeamOp op);
  LogicalResult visit(Operation *op, FunctionPlaces &places);
  Value overwrittenBy(OpResult result);
  bool canTakeOver(Operation *op, Value operand);
  bool isWhole(Value value);
  LogicalResult placeResults(FunctionPlaces &places);
  std::optional<unsigned> argumentFor(unsigned result, Value root, const FunctionPlaces &places);

  func::FuncOp func;
  const ModulePlaces &known;
  SymbolTable &symbols;
  Refusals &refusals;
  DenseMap<Operation *, int64_t> numbers;
  DenseMap<Value, int64_t> lastUse;              ///< by storage
  DenseMap<Value, Value> roots;                  ///< of each value that an operation makes: the first one in its buffer
  llvm::MapVector<Value, Buffer> buffers;        ///< by root
};

void FunctionAnalysis::numberUses() {
  int64_t number = 0;
  for (Operation &op : func.getBody().front()) {
    numbers[&op] = ++number;
    for (Value operand : op.getOperands())
      lastUse[storageOf(operand)] = number;
  }
  for (Operation &op : func.getBody().front())
    if (auto team = dyn_cast<lm::TeamOp>(op))
      keepForReaders(team);
}

/// What an operation reads stays where it is until readers of its result are done that need no barrier before them:
/// they may run while another thread still reads.
void FunctionAnalysis::keepForReaders(lm::TeamOp op) {
  std::string partition = op.getResultPartition();
  if (partition.empty() || op->getNumResults() == 0)
    return;
  for (OpOperand &use : op->getResult(0).getUses()) {
    auto reader = dyn_cast<lm::TeamOp>(use.getOwner());
    if (!reader || reader.getPartition(use) != partition)
      continue;
    for (Value operand : op->getOperands()) {
      int64_t &last = lastUse[storageOf(operand)];
      last = std::max(last, numbers[reader]);
    }
  }
}

/// Whether nothing needs the buffer of `operand` behind `op`, nor other bytes of it while `op` writes.
bool FunctionAnalysis::canTakeOver(Operation *op, Value operand) {
  auto root = roots.find(storageOf(operand));
  if (root == roots.end() || buffers.find(root->second)->second.end > numbers[op])
    return false; // an argument or a weight, or read later
  return llvm::all_of(op->getOperands(), [&](Value other) {
    auto found = roots.find(storageOf(other));
    return other == operand ? llvm::count(op->getOperands(), operand) == 1
                            : found == roots.end() || found->second != root->second || areApart(other, operand);
  });
}

/// Whether a value that an operation makes fills its buffer.
bool FunctionAnalysis::isWhole(Value value) {
  auto root = roots.find(value);
  return root != roots.end() && root->second.getType() == value.getType();
}

/// The operand whose buffer a result takes over, or null.
Value FunctionAnalysis::overwrittenBy(OpResult result) {
  Operation *op = result.getOwner();
  if (isa<lm::TeamOp>(op)) {
    OpOperand *operand = result.getResultNumber() == 0 ? overwrittenOperand(op) : nullptr;
    bool fits = operand && operand->get().getType() == result.getType() && canTakeOver(op, operand->get()) &&
                (isWhole(operand->get()) || !llvm::any_of(result.getUsers(), [](Operation *user) {
                   return isa<func::CallOp, func::ReturnOp>(user); // they hand on buffers without gaps
                 }));
    return fits ? operand->get() : Value();
  }
  auto call = cast<func::CallOp>(op);
  auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
  std::optional<unsigned> argument = known.find(callee)->second.overwritten[result.getResultNumber()];
  if (!argument)
    return Value();
  Value operand = call.getOperand(*argument);
  if (canTakeOver(op, operand) && isWhole(operand))
    return operand;
  refusals.insert({callee, result.getResultNumber()});
  return Value();
}

LogicalResult FunctionAnalysis::visit(Operation *op, FunctionPlaces &places) {
  if (auto call = dyn_cast<func::CallOp>(op)) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!callee || callee.isExternal())
      return call.emitOpError() << "calls @" << call.getCallee() << ", which has no body to plan";
    places.calls[callee].push_back(numbers[op]);
  } else if (!isa<lm::TeamOp>(op)) {
    return success();
  }
  for (OpResult result : op->getResults()) {
    if (!isa<RankedTensorType>(result.getType()))
      continue;
    int64_t end = std::max(numbers[op], lastUse.lookup(result));
    if (Value operand = overwrittenBy(result)) {
      places.takenOver[result] = operand;
      Value root = roots[storageOf(operand)];
      roots[result] = root;
      buffers[root].end = std::max(buffers[root].end, end);
      continue;
    }
    roots[result] = result;
    buffers[result] = {numbers[op], end};
  }
  return success();
}

/// An argument that is read for the last time before the result is first written, or by the operation that writes it
/// element by element over it.
std::optional<unsigned> FunctionAnalysis::argumentFor(unsigned result, Value root, const FunctionPlaces &places) {
  if (!func.isPrivate() || refusals.contains({func, result}))
    return std::nullopt;
  Operation *writer = root.getDefiningOp();
  for (BlockArgument argument : func.getArguments()) {
    unsigned number = argument.getArgNumber();
    if (argument.getType() != func.getResultTypes()[result] || root.getType() != argument.getType() ||
        llvm::is_contained(places.overwritten, std::optional<unsigned>(number)))
      continue;
    int64_t end = lastUse.lookup(argument);
    if (end < numbers[writer])
      return number;
    OpOperand *operand = overwrittenOperand(writer);
    bool readsOnce =
        llvm::count_if(writer->getOperands(), [&](Value value) { return storageOf(value) == argument; }) == 1;
    if (end == numbers[writer] && operand && operand->get() == argument && readsOnce)
      return number;
  }
  return std::nullopt;
}

LogicalResult FunctionAnalysis::placeResults(FunctionPlaces &places) {
  auto ret = cast<func::ReturnOp>(func.getBody().front().getTerminator());
  for (OpOperand &operand : ret->getOpOperands()) {
    auto root = roots.find(operand.get());
    if (root == roots.end() || places.results.count(root->second))
      return ret.emitOpError("returns a value that no operation of the function fills");
    places.results[root->second] = operand.getOperandNumber();
    places.overwritten.push_back(argumentFor(operand.getOperandNumber(), root->second, places));
  }
  return success();
}

LogicalResult FunctionAnalysis::run(FunctionPlaces &places) {
  numberUses();
  for (Operation &op : func.getBody().front())
    if (failed(visit(&op, places)))
      return failure();
  if (failed(placeResults(places)))
    return failure();
  for (auto &[root, buffer] : buffers)
    if (!places.results.count(root))
      places.ranges[root] = LiveRange(bytesOfPlace(root), buffer.begin, buffer.end);
  return success();
}

/// Functions with callees first.
class CallOrder {
public:
  explicit CallOrder(SymbolTable &symbols) : symbols(symbols) {}

  LogicalResult visit(func::FuncOp func) {
    if (llvm::is_contained(order, func))
      return success();
    if (!open.insert(func).second)
      return func.emitError("is called by itself; only functions without recursion can be planned");
    if (!llvm::hasSingleElement(func.getBody()))
      return func.emitOpError("has several blocks; only straight-line functions can be planned");
    for (auto call : func.getOps<func::CallOp>())
      if (auto callee = symbols.lookup<func::FuncOp>(call.getCallee()); callee && !callee.isExternal())
        if (failed(visit(callee)))
          return failure();
    order.push_back(func);
    return success();
  }
  ArrayRef<func::FuncOp> get() const { return order; }

private:
  SymbolTable &symbols;
  llvm::DenseSet<Operation *> open;
  SmallVector<func::FuncOp> order;
};

} // namespace

FailureOr<ModulePlaces> findPlaces(ModuleOp module, SymbolTable &symbols) {
  CallOrder order(symbols);
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isExternal() && failed(order.visit(func)))
      return failure();
  // A caller that cannot give up an argument is found after its callee was analysed: each round refuses one more.
  Refusals refusals;
  for (;;) {
    size_t before = refusals.size();
    ModulePlaces places;
    for (func::FuncOp func : order.get())
      if (failed(FunctionAnalysis(func, places, symbols, refusals).run(places[func])))
        return failure();
    if (refusals.size() == before)
      return places;
  }
}

} // namespace nibble
