//===- RequantizeWeights.cpp - pass lm-requantize-weights ----------------===//
//
// Types only: the weight's element type changes and its sources are marked; the linker rounds the values when it packs
// them. Types flow from the weights to the linears through calls, so a function whose weights get different formats
// from different callers becomes one function a signature.
//
//===----------------------------------------------------------------------===//
#include "compiler/Simplify/Passes.h"
#include "compiler/Simplify/WeightRules.h"
#include "dialects/LM/LM.h"
#include "dialects/LowBit/Encoder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;

namespace nibble {
#define GEN_PASS_DEF_REQUANTIZEWEIGHTS
#include "compiler/Simplify/Passes.h.inc"

namespace {

struct RequantizeWeights : impl::RequantizeWeightsBase<RequantizeWeights> {
  using RequantizeWeightsBase::RequantizeWeightsBase;
  void runOnOperation() override;

private:
  void findMatrices();
  LogicalResult applyRules(const WeightRules &rules);
  LogicalResult requantize(lm::WeightOp weight, const lowbit::FormatText &format);
  LogicalResult checkPatterns(const WeightRules &rules);
  bool hasAlias(const WeightRule &rule, lm::WeightOp weight) const;
  void warnAboutLowBitSources();
  void retype(func::FuncOp func);
  func::FuncOp specialized(func::FuncOp callee, TypeRange arguments);

  SymbolTable *symbols = nullptr;
  llvm::SetVector<Operation *> matrices; ///< lm.weight operations that may change
  llvm::SmallPtrSet<Operation *, 8> multiplied, embedded;
  llvm::SmallPtrSet<Operation *, 8> routers; ///< those that choose or weigh experts
  llvm::MapVector<Attribute, int64_t> lowBitSources; ///< tensors by format
  std::map<std::pair<Operation *, std::vector<const void *>>, func::FuncOp> copies;
  llvm::SmallPtrSet<Operation *, 8> retyped;
};

/// Marks the weight behind a value, here or at the calls of the function whose argument it is.
void forEachWeight(Value value, SymbolTable &symbols, function_ref<void(lm::WeightOp)> visit) {
  if (auto ref = value.getDefiningOp<lm::WeightRefOp>()) {
    if (auto weight = symbols.lookup<lm::WeightOp>(ref.getWeight()))
      visit(weight);
    return;
  }
  auto argument = dyn_cast<BlockArgument>(value);
  auto func = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!func)
    return;
  std::optional<SymbolTable::UseRange> uses = SymbolTable::getSymbolUses(func, func->getParentOp());
  for (SymbolTable::SymbolUse use : uses ? *uses : SymbolTable::UseRange({}))
    if (auto call = dyn_cast<func::CallOp>(use.getUser()))
      forEachWeight(call.getOperand(argument.getArgNumber()), symbols, visit);
}

/// Whether a linear's result says which experts are used, or how much: what it errs, it errs by whole experts.
bool isRouter(lm::LinearLike linear) {
  return llvm::any_of(linear->getUsers(), [&](Operation *user) {
    auto sum = dyn_cast<lm::ExpertSumOp>(user);
    return isa<lm::TopKOp>(user) || (sum && sum.getWeights() == linear->getResult(0));
  });
}

/// Matrices of linears and tables of embeddings whose values come from a file.
void RequantizeWeights::findMatrices() {
  auto add = [&](lm::WeightOp weight, llvm::SmallPtrSetImpl<Operation *> &users) {
    users.insert(weight);
    auto isRead = [](Attribute source) { return isa<lm::SourceAttr>(source); };
    if (llvm::all_of(weight.getSources(), isRead))
      matrices.insert(weight);
  };
  getOperation().walk([&](Operation *op) {
    if (auto linear = dyn_cast<lm::LinearLike>(op))
      forEachWeight(linear.getWeights(), *symbols, [&](lm::WeightOp weight) {
        add(weight, multiplied);
        if (isRouter(linear))
          routers.insert(weight);
      });
    if (auto embed = dyn_cast<lm::EmbedOp>(op))
      forEachWeight(embed.getTable(), *symbols, [&](lm::WeightOp weight) { add(weight, embedded); });
  });
}

/// A table that is the output head, too, answers to the head's usual name.
bool RequantizeWeights::hasAlias(const WeightRule &rule, lm::WeightOp weight) const {
  return multiplied.contains(weight) && embedded.contains(weight) && rule.matches("output.weight");
}

LogicalResult RequantizeWeights::checkPatterns(const WeightRules &rules) {
  for (const WeightRule &rule : rules.rules()) {
    bool used = rule.pattern.empty() || llvm::any_of(matrices, [&](Operation *op) {
      auto weight = cast<lm::WeightOp>(op);
      return rule.matches(weight.getSymName()) || hasAlias(rule, weight);
    });
    if (used)
      continue;
    std::string names;
    for (Operation *op : llvm::ArrayRef(matrices.getArrayRef()).take_front(9))
      names += (names.empty() ? "" : ", ") + cast<lm::WeightOp>(op).getSymName().str();
    return getOperation().emitError() << "the pattern '" << rule.pattern
                                      << "' of --weights matches no matrix; there are " << names
                                      << (matrices.size() > 9 ? ", …" : "");
  }
  return success();
}

LogicalResult RequantizeWeights::applyRules(const WeightRules &rules) {
  for (Operation *op : matrices) {
    auto weight = cast<lm::WeightOp>(op);
    const WeightRule *chosen = nullptr, *passed = nullptr;
    for (const WeightRule &rule : rules.rules())
      if (rule.matches(weight.getSymName()) || hasAlias(rule, weight))
        (rule.pattern.empty() && routers.contains(weight) ? passed : chosen) = &rule; // routers only by their name
    if (chosen && !chosen->format.isKeep() && failed(requantize(weight, chosen->format)))
      return failure();
    if (!chosen && passed && !passed->format.isKeep())
      weight.emitRemark()
          << "stays as it is, because it chooses or weighs experts; an entry of --weights that names it "
          << "rounds it, too";
  }
  return success();
}

/// Whether the file has the weight in that type, though it is read in another way.
bool isStoredAs(lm::WeightOp weight, Type element) {
  return llvm::all_of(weight.getSources().getAsRange<lm::SourceAttr>(), [&](lm::SourceAttr source) {
    const lowbit::Format *format = lowbit::findFormat(source.getFormat());
    bool isBlocks = source.getPacking() && !source.getPacking().getFactor() && !source.isChanged() && format;
    return isBlocks && lowbit::elementType(element.getContext(), *format) == element;
  });
}

LogicalResult RequantizeWeights::requantize(lm::WeightOp weight, const lowbit::FormatText &format) {
  MLIRContext *context = &getContext();
  auto type = cast<RankedTensorType>(weight.getType());
  llvm::Expected<Type> element = format.elementType(context, type.getShape().back());
  if (!element)
    return weight.emitError() << llvm::toString(element.takeError()); // the location has its name
  if (*element == type.getElementType() || isStoredAs(weight, *element))
    return success();
  auto block = dyn_cast<lowbit::BlockType>(*element);
  if (const char *reason = block ? lowbit::whyNotEncodable(block, type.getShape().back()) : nullptr)
    return weight.emitError() << "cannot become " << *element << ": " << reason;
  if (isa<lowbit::BlockType>(type.getElementType()))
    ++lowBitSources[TypeAttr::get(type.getElementType())];
  SmallVector<Attribute> sources;
  for (auto source : weight.getSources().getAsRange<lm::SourceAttr>())
    sources.push_back(source.withRequantized(weight.getSymNameAttr()));
  weight.setSourcesAttr(ArrayAttr::get(context, sources));
  weight->setAttr("type", TypeAttr::get(RankedTensorType::get(type.getShape(), *element)));
  return success();
}

void RequantizeWeights::warnAboutLowBitSources() {
  for (auto &[type, count] : lowBitSources)
    getOperation().emitWarning() << count << (count == 1 ? " tensor is" : " tensors are") << " low-bit already ("
                                 << cast<TypeAttr>(type).getValue()
                                 << "); rounding again adds to the error that is there: requantize from the original";
}

/// The function with these argument types: `callee` itself as long as nothing else was asked of it.
func::FuncOp RequantizeWeights::specialized(func::FuncOp callee, TypeRange arguments) {
  std::vector<const void *> key;
  for (Type type : arguments)
    key.push_back(type.getAsOpaquePointer());
  func::FuncOp &known = copies[{callee, key}];
  if (known)
    return known;
  known = callee;
  if (retyped.contains(callee)) {
    known = callee.clone();
    symbols->insert(known, std::next(callee->getIterator()));
    retyped.erase(known);
  }
  for (auto [argument, type] : llvm::zip_equal(known.getArguments(), arguments))
    argument.setType(type);
  known.setType(FunctionType::get(&getContext(), arguments, callee.getResultTypes()));
  return known;
}

/// Carries the weights' types into a function and into those that it calls.
void RequantizeWeights::retype(func::FuncOp func) {
  if (!retyped.insert(func).second)
    return;
  func.walk([&](Operation *op) {
    if (auto ref = dyn_cast<lm::WeightRefOp>(op))
      if (auto weight = symbols->lookup<lm::WeightOp>(ref.getWeight()))
        ref.getResult().setType(cast<RankedTensorType>(weight.getType()));
    auto call = dyn_cast<func::CallOp>(op);
    auto callee = call ? symbols->lookup<func::FuncOp>(call.getCallee()) : func::FuncOp();
    if (!callee || callee.isExternal())
      return;
    func::FuncOp target = specialized(callee, call.getOperandTypes());
    call.setCallee(target.getSymName());
    retype(target);
  });
}

void RequantizeWeights::runOnOperation() {
  lowbit::TextError error;
  std::optional<WeightRules> rules = WeightRules::parse(weights, &getContext(), error);
  if (!rules) {
    getOperation().emitError() << "--weights, column " << error.column + 1 << ": " << error.message;
    return signalPassFailure();
  }
  SymbolTable table(getOperation());
  symbols = &table;
  matrices.clear(), multiplied.clear(), embedded.clear(), routers.clear(), lowBitSources.clear(), copies.clear(),
      retyped.clear();
  findMatrices();
  if (failed(checkPatterns(*rules)) || failed(applyRules(*rules)))
    return signalPassFailure();
  warnAboutLowBitSources();
  // From the functions that nothing calls to those that they call.
  SmallVector<func::FuncOp> roots;
  for (func::FuncOp func : getOperation().getOps<func::FuncOp>())
    if (!func.isExternal() && SymbolTable::symbolKnownUseEmpty(func, getOperation()))
      roots.push_back(func);
  for (func::FuncOp func : roots)
    retype(func);
}

} // namespace
} // namespace nibble
