//===- ReferenceInterpreter.cpp - the oracle ------------------------------===//
//
// What: weights and states of a module, and its entries over tokens. The walk over a
// function is ReferenceFrame.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/ReferenceFrame.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::reference;

ReferenceInterpreter::ReferenceInterpreter(ModuleOp module,
                                           ReferenceOptions options)
    : module(module), options(std::move(options)) {}

FailureOr<const ReferenceWeight *>
ReferenceInterpreter::weightOf(Operation *user, StringRef name) {
  std::unique_ptr<ReferenceWeight> &weight = weights[name];
  if (weight)
    return weight.get();
  auto symbol = module.lookupSymbol<lm::WeightOp>(name);
  if (!symbol)
    return user->emitError() << "there is no weight " << name;
  auto loaded = ReferenceWeight::load(symbol);
  if (!loaded)
    return symbol.emitError() << llvm::toString(loaded.takeError());
  weight = std::move(*loaded);
  return weight.get();
}

/// Of a weight that was asked for by that name.
StringRef ReferenceInterpreter::nameOf(const ReferenceWeight &weight) const {
  return llvm::find_if(weights, [&](const auto &entry) {
           return entry.second.get() == &weight;
         })->getKey();
}

/// A ring holds the last of as many positions as the model has.
int64_t ReferenceInterpreter::positionsOf(const State &cache) {
  lm::ModelOp model = lm::getModel(module);
  return std::max<int64_t>(cache.shape[2], model ? model.getContext() : 0);
}

LogicalResult ReferenceInterpreter::resetStates() {
  states.clear();
  for (auto op : module.getOps<lm::StateOp>()) {
    auto type = dyn_cast<MemRefType>(op.getType());
    if (auto cached = type ? dyn_cast<lm::CachedType>(type.getElementType())
                           : lm::CachedType()) {
      states[op.getSymName()] =
          State(type.getShape().vec(), cached.getFormat());
      continue;
    }
    if (!type || !(type.getElementType().isF16() ||
                   type.getElementType().isF32()))
      return op.emitError("the reference interpreter knows states of f16 and "
                          "f32 only");
    states[op.getSymName()] =
        State(type.getShape().vec(), type.getElementType().isF16()
                                         ? FloatKind::F16
                                         : FloatKind::F32);
  }
  return success();
}

FailureOr<ReferenceValues>
ReferenceInterpreter::call(StringRef name, ReferenceValues arguments) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal())
    return module.emitError() << "there is no body of function " << name;
  if (function.getNumArguments() != arguments.size())
    return function.emitError() << "takes " << function.getNumArguments()
                                << " arguments, not " << arguments.size();
  if (states.empty() && failed(resetStates()))
    return failure();
  return Frame(*this).run(function, std::move(arguments));
}

LogicalResult ReferenceInterpreter::checkTokens(ArrayRef<int32_t> tokens) {
  if (tokens.empty())
    return module.emitError("there are no tokens");
  if (lm::ModelOp model = lm::getModel(module))
    if (tokens.size() > uint64_t(model.getContext()))
      return model.emitError() << tokens.size() << " tokens are more than the "
                               << "context of " << model.getContext();
  return success();
}

/// The one row that the function returns.
FailureOr<std::vector<double>>
ReferenceInterpreter::rowOf(StringRef function, ReferenceValues arguments) {
  FailureOr<ReferenceValues> results = call(function, std::move(arguments));
  if (failed(results))
    return failure();
  if (results->size() != 1 || !std::holds_alternative<Rows>(results->front()))
    return module.emitError() << function << " does not return logits";
  return std::move(std::get<Rows>(results->front()).values);
}

/// Tokens that the function takes at once.
FailureOr<int64_t> ReferenceInterpreter::chunkOf(StringRef function) {
  auto entry = module.lookupSymbol<func::FuncOp>(function);
  if (!entry || entry.getNumArguments() != 3 ||
      !isa<RankedTensorType>(entry.getArgumentTypes()[0]))
    return module.emitError() << "there is no function " << function
                              << " of tokens, position and number";
  return cast<RankedTensorType>(entry.getArgumentTypes()[0]).getDimSize(0);
}

LogicalResult ReferenceInterpreter::prefill(ArrayRef<int32_t> tokens) {
  FailureOr<int64_t> chunk = chunkOf("prefill");
  if (failed(chunk) || failed(checkTokens(tokens)) || failed(resetStates()))
    return failure();
  if (int64_t(tokens.size()) > *chunk)
    return module.emitError() << tokens.size()
                              << " tokens are more than a chunk of " << *chunk;
  std::vector<int32_t> part(tokens);
  part.resize(*chunk);
  return call("prefill", {part, int64_t(0), int64_t(tokens.size())});
}

FailureOr<std::vector<std::vector<double>>>
ReferenceInterpreter::logitsOf(ArrayRef<int32_t> tokens) {
  if (failed(checkTokens(tokens)) || failed(resetStates()))
    return failure();
  bool prefills = options.entry == Entry::Prefill;
  StringRef name = prefills ? "prefill" : "decode";
  FailureOr<int64_t> chunk = chunkOf(name);
  if (failed(chunk))
    return failure();
  std::vector<std::vector<double>> logits;
  for (int64_t pos = 0; pos < int64_t(tokens.size()); pos += *chunk) {
    ArrayRef<int32_t> rest = tokens.drop_front(pos);
    int64_t n = std::min<int64_t>(*chunk, rest.size());
    std::vector<int32_t> part(rest.begin(), rest.begin() + n);
    part.resize(*chunk);
    if (prefills && failed(call(name, {part, pos, n})))
      return failure();
    // A whole text has one vector.
    bool isVector = lm::getModel(module) && lm::getModel(module).getVector();
    for (int64_t row = isVector ? n - 1 : 0; row < n; ++row) {
      FailureOr<std::vector<double>> result =
          prefills ? rowOf("head", {row}) : rowOf(name, {part, pos, n});
      if (failed(result))
        return failure();
      logits.push_back(std::move(*result));
    }
  }
  return logits;
}
