//===- ReferenceInterpreter.cpp - the oracle -----------------------------===//
//
// What: the walk over functions. A Frame holds the values of one call; each
// operation reads its operands from it and adds its results.
// Longer than 600 lines because every operation of lm has its few lines here.
//
//===----------------------------------------------------------------------===//

#include "compiler/Reference/ReferenceInterpreter.h"

#include "dialects/LowBit/LowBit.h"
#include "dialects/MPGEMM/MPGEMM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nibble;
using namespace nibble::reference;

//===----------------------------------------------------------------------===//
// One call of a function
//===----------------------------------------------------------------------===//

class ReferenceInterpreter::Frame {
public:
  Frame(ReferenceInterpreter &owner) : owner(owner) {}

  /// Executes the body; the operands of its return are the result.
  FailureOr<ReferenceValues> run(func::FuncOp function,
                                 ReferenceValues arguments);

private:
  template <typename T> const T &get(Value value) {
    return std::get<T>(values.find(value)->second);
  }
  int64_t index(Value value) { return get<int64_t>(value); }
  const Rows &rows(Value value) { return get<Rows>(value); }
  const ReferenceWeight &weight(Value value) {
    return *get<const ReferenceWeight *>(value);
  }
  State &state(Value value) { return *get<State *>(value); }
  LogicalResult set(Value value, ReferenceValue result) {
    values[value] = std::move(result);
    return success();
  }

  /// The number of valid rows, held to the rows there are.
  FailureOr<int64_t> valid(Operation *op, Value n, int64_t count);
  /// The same for rows that stand at positions pos … of a cache.
  FailureOr<int64_t> validAt(Operation *op, Value n, int64_t count, Value pos,
                             int64_t context);

  LogicalResult execute(Operation *op);
  LogicalResult execute(lm::WeightRefOp op);
  LogicalResult execute(lm::StateRefOp op);
  LogicalResult execute(lm::EmbedOp op);
  LogicalResult execute(lm::RMSNormOp op);
  LogicalResult execute(lm::LayerNormOp op);
  LogicalResult execute(lm::ResidualOp op);
  LogicalResult execute(lm::LogitsOp op);
  LogicalResult execute(lm::ReorderOp op);
  LogicalResult execute(lm::LinearOp op);
  LogicalResult execute(lm::RopeOp op);
  LogicalResult execute(lm::KVAppendOp op);
  /// The first n rows as the clause `rope` of `op` turns them, if it has one.
  template <typename OpTy> Rows rotated(OpTy op, const Rows &x, int64_t n);
  LogicalResult execute(lm::AttentionOp op);
  LogicalResult execute(lm::ShortConvOp op);
  LogicalResult execute(lm::ExpertLinearOp op);
  LogicalResult execute(lm::ExpertReorderOp op);
  LogicalResult execute(lm::TopKOp op);
  LogicalResult execute(lm::ExpertSumOp op);
  LogicalResult execute(lm::AddPositionsOp op);
  LogicalResult execute(lm::ActivateOp op);
  LogicalResult execute(lm::PoolOp op);
  LogicalResult execute(lm::GluOp op);
  LogicalResult execute(lm::StateWriteOp op);
  LogicalResult execute(lm::StateReadOp op);
  LogicalResult execute(func::CallOp op);
  LogicalResult execute(arith::ConstantOp op);
  LogicalResult execute(arith::AddFOp op);
  LogicalResult execute(tensor::ExtractSliceOp op);

  ReferenceInterpreter &owner;
  llvm::DenseMap<Value, ReferenceValue> values;
};

FailureOr<ReferenceValues>
ReferenceInterpreter::Frame::run(func::FuncOp function,
                                 ReferenceValues arguments) {
  Block &body = function.getBody().front();
  for (auto [argument, value] : llvm::zip_equal(body.getArguments(), arguments))
    values[argument] = std::move(value);
  for (Operation &op : body.without_terminator())
    if (failed(execute(&op)))
      return failure();
  ReferenceValues results;
  for (Value operand : body.getTerminator()->getOperands())
    results.push_back(std::move(values[operand]));
  return results;
}

FailureOr<int64_t> ReferenceInterpreter::Frame::valid(Operation *op, Value n,
                                                      int64_t count) {
  int64_t valid = index(n);
  if (valid < 0 || valid > count)
    return op->emitError() << "of " << count << " rows, " << valid
                           << " cannot be valid";
  return valid;
}

FailureOr<int64_t> ReferenceInterpreter::Frame::validAt(Operation *op, Value n,
                                                        int64_t count,
                                                        Value pos,
                                                        int64_t context) {
  FailureOr<int64_t> rows = valid(op, n, count);
  if (failed(rows))
    return failure();
  if (index(pos) < 0 || index(pos) + *rows > context)
    return op->emitError() << "positions " << index(pos) << " to "
                           << index(pos) + *rows
                           << " are outside a context of " << context;
  return rows;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

LogicalResult ReferenceInterpreter::Frame::execute(lm::WeightRefOp op) {
  FailureOr<const ReferenceWeight *> weight =
      owner.weightOf(op, op.getWeight());
  return failed(weight) ? failure() : set(op.getResult(), *weight);
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateRefOp op) {
  auto found = owner.states.find(op.getState());
  if (found == owner.states.end())
    return op.emitError() << "there is no state " << op.getState();
  return set(op.getResult(), &found->second);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

LogicalResult ReferenceInterpreter::Frame::execute(lm::EmbedOp op) {
  const auto &tokens = get<std::vector<int32_t>>(op.getTokens());
  const ReferenceWeight &table = weight(op.getTable());
  FailureOr<int64_t> n = valid(op, op.getN(), tokens.size());
  if (failed(n))
    return failure();
  for (int32_t token : ArrayRef(tokens).take_front(*n))
    if (token < 0 || token >= table.rows())
      return op.emitError() << "token " << token << " is outside a vocabulary of "
                            << table.rows();
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  return set(op.getResult(), embed(tokens, table, scale, *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::RMSNormOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  Rows y = rmsNorm(x, weight(op.getWeight()).decodeAll(),
                   op.getEpsilon().convertToDouble(), *n);
  if (op.getResidual())
    y = residual(rows(op.getResidual()), y, 1, *n);
  return set(op.getResult(), std::move(y));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LayerNormOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  std::vector<double> bias;
  if (op.getBias())
    bias = weight(op.getBias()).decodeAll();
  return set(op.getResult(),
             layerNorm(x, weight(op.getWeight()).decodeAll(), bias,
                       op.getEpsilon().convertToDouble(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ResidualOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  return set(op.getResult(), residual(x, rows(op.getBranch()), op.getScale().convertToDouble(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LogitsOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  double cap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0;
  return set(op.getResult(), scaleAndCap(x, scale, cap, *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ReorderOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  Rows y(x.count, x.width);
  for (auto [to, from] :
       llvm::enumerate(weight(op.getOrder()).decodeAll()))
    for (int64_t m = 0; m < *n; ++m)
      y.row(m)[to] = x.row(m)[static_cast<int64_t>(from)];
  return set(op.getResult(), std::move(y));
}

/// How the program rounds the activations of this linear: as legalize has chosen,
/// and as asked for before legalize.
template <typename OpTy> static Activations roundingOf(OpTy op, Activations asked) {
  if (asked == Activations::Exact)
    return asked;
  if (auto compute =
          dyn_cast_if_present<mpgemm::ComputeAttr>(op.getComputeAttr())) {
    Type type = compute.getActivation();
    return type.isInteger(8)             ? Activations::Int8
           : isa<lowbit::BlockType>(type) ? Activations::Int8Row
           : type.isF16()                 ? Activations::F16
           : type.isBF16()                ? Activations::BF16
                                          : Activations::Exact;
  }
  bool isInt8 = asked == Activations::Int8 || asked == Activations::Int8Row;
  if (isInt8 && !lowbit::getBlockType(op.getWeight().getType()))
    return Activations::Exact;
  return asked;
}

static Rows roundActivations(const Rows &x, int64_t n, Activations how) {
  switch (how) {
  case Activations::Exact:
    break;
  case Activations::Int8:
    return roundToInt8(x, n);
  case Activations::Int8Row:
    return roundToInt8(x, n, x.width);
  case Activations::F16:
    return roundToFloat(x, n, FloatKind::F16);
  case Activations::BF16:
    return roundToFloat(x, n, FloatKind::BF16);
  }
  return x;
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::LinearOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  std::vector<double> bias;
  if (op.getBias())
    bias = weight(op.getBias()).decodeAll();
  if (owner.options.observe)
    owner.options.observe(owner.nameOf(weight(op.getWeight())), x, *n);
  Activations how = roundingOf(op, owner.options.activations);
  return set(op.getResult(),
             linear(roundActivations(x, *n, how), weight(op.getWeight()),
                    bias, *n, owner.options.threads));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertLinearOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  Rows rounded = roundActivations(x, *n, roundingOf(op, owner.options.activations));
  return set(op.getResult(), expertLinear(rounded, weight(op.getWeight()), get<std::vector<int32_t>>(op.getChosen()),
                                          cast<ShapedType>(op.getType()).getDimSize(1), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertReorderOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  const auto &chosen = get<std::vector<int32_t>>(op.getChosen());
  std::vector<double> order = weight(op.getOrder()).decodeAll();
  int64_t count = chosen.size(), perRow = count / x.count;
  Rows y(count, x.width);
  for (int64_t m = 0; m < *n * perRow; ++m)
    for (int64_t column = 0; column < x.width; ++column)
      y.row(m)[column] = x.row(m / perRow)[static_cast<int64_t>(order[chosen[m] * x.width + column])];
  return set(op.getResult(), std::move(y));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::TopKOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  TopK result = topK(x, op.getK(), op.getNormalize(), *n);
  (void)set(op.getResults()[0], std::move(result.chosen));
  return set(op.getResults()[1], std::move(result.weights));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ExpertSumOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  return set(op.getResult(), expertSum(x, rows(op.getBranch()), rows(op.getWeights()), op.getSigmoid(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::AddPositionsOp op) {
  const Rows &x = rows(op.getX());
  const ReferenceWeight &table = weight(op.getTable());
  FailureOr<int64_t> n = validAt(op, op.getN(), x.count, op.getPos(), table.rows());
  if (failed(n))
    return failure();
  return set(op.getResult(), addPositions(x, table, weight(op.getTypes()), index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ActivateOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  return set(op.getResult(), activateRows(x, op.getActivation(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::PoolOp op) {
  const Rows &x = rows(op.getX());
  FailureOr<int64_t> n = valid(op, op.getN(), x.count);
  if (failed(n))
    return failure();
  if (*n < 1)
    return op.emitError("of no rows, there is no vector");
  return set(op.getResult(), pool(x, op.getPooling(), op.getNormalize(), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::RopeOp op) {
  const Rows &x = rows(op.getX());
  const ReferenceWeight &table = weight(op.getTable());
  int64_t positions = (table.rows() - lm::kRopeFineRows) * lm::kRopeFineRows;
  FailureOr<int64_t> n =
      validAt(op, op.getN(), x.count, op.getPos(), positions);
  if (failed(n))
    return failure();
  return set(op.getResult(), rope(x, table, op.getHeadDim(), op.getPairing(), index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::GluOp op) {
  const Rows &gate = rows(op.getGate());
  FailureOr<int64_t> n = valid(op, op.getN(), gate.count);
  if (failed(n))
    return failure();
  return set(op.getResult(),
             gatedUnit(gate, rows(op.getUp()), op.getActivation(), *n));
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

static LogicalResult checkLayer(Operation *op, int64_t layer,
                                const State &cache) {
  if (layer >= 0 && layer < cache.shape[0])
    return success();
  return op->emitError() << "layer " << layer << " is outside a cache of "
                         << cache.shape[0] << " layers";
}

template <typename OpTy> Rows ReferenceInterpreter::Frame::rotated(OpTy op, const Rows &x, int64_t n) {
  if (!op.getTable())
    return x;
  return rope(x, weight(op.getTable()), cast<MemRefType>(op.getKeys().getType()).getDimSize(3), *op.getPairing(),
              index(op.getPos()), n);
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::KVAppendOp op) {
  const Rows &keys = rows(op.getK());
  State &keyCache = state(op.getKeys()), &valueCache = state(op.getValues());
  int64_t layer = index(op.getLayer()), pos = index(op.getPos());
  FailureOr<int64_t> n = validAt(op, op.getN(), keys.count, op.getPos(),
                                 owner.positionsOf(keyCache));
  if (failed(n) || failed(checkLayer(op, layer, keyCache)))
    return failure();
  appendToCache(rotated(op, keys, *n), keyCache, layer, pos, *n);
  appendToCache(rows(op.getV()), valueCache, layer, pos, *n);
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::AttentionOp op) {
  const Rows &q = rows(op.getQ());
  const State &keys = state(op.getKeys()), &values = state(op.getValues());
  int64_t layer = index(op.getLayer());
  FailureOr<int64_t> n =
      validAt(op, op.getN(), q.count, op.getPos(), owner.positionsOf(keys));
  if (failed(n) || failed(checkLayer(op, layer, keys)))
    return failure();
  AttentionScores how{int64_t(op.getHeads()), op.getScale().convertToDouble(),
                      int64_t(op.getWindow().value_or(0)),
                      op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0,
                      op.getBidirectional()};
  return set(op.getResult(), attention(rotated(op, q, *n), keys, values, how, layer,
                                       index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::ShortConvOp op) {
  const Rows &bcx = rows(op.getBcx());
  State &history = state(op.getHistory());
  int64_t layer = index(op.getLayer());
  FailureOr<int64_t> n =
      validAt(op, op.getN(), bcx.count, op.getPos(), history.shape[1]);
  if (failed(n) || failed(checkLayer(op, layer, history)))
    return failure();
  return set(op.getResult(), shortConv(bcx, weight(op.getWeight()).decodeAll(),
                                       history, layer, index(op.getPos()), *n));
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateWriteOp op) {
  const Rows &x = rows(op.getX());
  State &target = state(op.getState());
  FailureOr<int64_t> n =
      valid(op, op.getN(), std::min(x.count, target.shape[0]));
  if (failed(n))
    return failure();
  for (int64_t element = 0; element < *n * x.width; ++element)
    target.store(element, x.values[element]);
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(lm::StateReadOp op) {
  const State &source = state(op.getState());
  int64_t row = index(op.getRow()), width = source.shape[1];
  if (row < 0 || row >= source.shape[0])
    return op.emitError() << "row " << row << " is outside a state of "
                          << source.shape[0] << " rows";
  Rows result(1, width);
  std::copy_n(source.values.begin() + row * width, width, result.row(0));
  return set(op.getResult(), std::move(result));
}

//===----------------------------------------------------------------------===//
// Upstream operations
//===----------------------------------------------------------------------===//

LogicalResult ReferenceInterpreter::Frame::execute(func::CallOp op) {
  ReferenceValues arguments;
  for (Value operand : op.getOperands())
    arguments.push_back(values[operand]);
  FailureOr<ReferenceValues> results =
      owner.call(op.getCallee(), std::move(arguments));
  if (failed(results))
    return failure();
  for (auto [value, result] : llvm::zip_equal(op.getResults(), *results))
    (void)set(value, std::move(result));
  return success();
}

LogicalResult ReferenceInterpreter::Frame::execute(arith::ConstantOp op) {
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  if (!integer || !op.getType().isIndex())
    return op.emitError("the reference interpreter knows constants of type "
                        "index only");
  return set(op.getResult(), integer.getInt());
}

LogicalResult ReferenceInterpreter::Frame::execute(arith::AddFOp op) {
  if (!isa<RankedTensorType>(op.getType()))
    return op.emitError("the reference interpreter adds tensors only");
  Rows sum = rows(op.getLhs());
  const Rows &other = rows(op.getRhs());
  for (size_t element = 0; element < sum.values.size(); ++element)
    sum.values[element] += other.values[element];
  return set(op.getResult(), std::move(sum));
}

LogicalResult ReferenceInterpreter::Frame::execute(tensor::ExtractSliceOp op) {
  auto isStatic = [](ArrayRef<int64_t> numbers) {
    return llvm::none_of(numbers, ShapedType::isDynamic);
  };
  ArrayRef<int64_t> offsets = op.getStaticOffsets(),
                    sizes = op.getStaticSizes();
  bool unitStrides = llvm::all_of(op.getStaticStrides(),
                                  [](int64_t stride) { return stride == 1; });
  if (offsets.size() != 2 || op.getType().getRank() != 2 ||
      !isStatic(offsets) || !isStatic(sizes) || !unitStrides)
    return op.emitError("the reference interpreter slices matrices with "
                        "constant offsets and sizes and stride 1 only");
  const Rows &source = rows(op.getSource());
  Rows slice(sizes[0], sizes[1]);
  for (int64_t m = 0; m < sizes[0]; ++m)
    std::copy_n(source.row(offsets[0] + m) + offsets[1], sizes[1],
                slice.row(m));
  return set(op.getResult(), std::move(slice));
}

LogicalResult ReferenceInterpreter::Frame::execute(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<lm::WeightRefOp, lm::StateRefOp, lm::EmbedOp, lm::RMSNormOp, lm::LayerNormOp, lm::ResidualOp, lm::LogitsOp,
            lm::ReorderOp, lm::LinearOp, lm::RopeOp, lm::KVAppendOp, lm::AttentionOp, lm::ExpertLinearOp,
            lm::ExpertReorderOp, lm::TopKOp, lm::ExpertSumOp, lm::AddPositionsOp, lm::ActivateOp, lm::PoolOp,
            lm::ShortConvOp, lm::GluOp, lm::StateWriteOp, lm::StateReadOp, func::CallOp, arith::ConstantOp,
            arith::AddFOp, tensor::ExtractSliceOp>([&](auto known) { return execute(known); })
      // The same numbers, spelled differently.
      .Case<lowbit::CastOp, lowbit::DecodeOp>([&](auto same) { return set(same.getResult(), values[same.getInput()]); })
      .Case([&](arith::AddIOp sum) { return set(sum.getResult(), index(sum.getLhs()) + index(sum.getRhs())); })
      .Case([&](arith::MulIOp product) {
        return set(product.getResult(),
                   index(product.getLhs()) * index(product.getRhs()));
      })
      .Default([](Operation *other) {
        return other->emitError("the reference interpreter does not know this "
                                "operation");
      });
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

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
