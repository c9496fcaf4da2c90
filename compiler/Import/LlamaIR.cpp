//===- LlamaIR.cpp - Builds the lm module of a llama model ----------------===//
//
// One layer, on M rows (M = 1 in @decode, the chunk in @prefill):
//
//   x ── rms_norm ─┬─ linear q ── rope ────────────┐
//   │              ├─ linear k ── rope ─┐          │
//   │              └─ linear v ─ kv_append ── attention ── linear o ── + ── y
//   └──────────────────────────────────────────────────────────────────┘   │
//   y ── rms_norm ─┬─ linear gate ─┐                                       │
//   │              └─ linear up ── glu ── linear down ── + ── result       │
//   └────────────────────────────────────────────────────┘
//
// q, k and v, and gate and up, are separate linears of one input here; the pass
// lm-fuse-linears joins them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/LlamaIR.h"

#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/Support/MathExtras.h"

using namespace nibble;
using namespace mlir;

namespace {

constexpr llvm::StringLiteral ropeTableName = "rope_table";
constexpr llvm::StringLiteral hiddenName = "hidden";

/// What the functions of one entry point share.
struct EntryPoint {
  std::string name;
  int64_t rows;
  /// The layer function of each signature, in the order of first use.
  llvm::SmallVector<std::pair<llvm::SmallVector<Type>, func::FuncOp>> layers;
};

class LlamaBuilder {
public:
  LlamaBuilder(const ModelFile &file, const LlamaModel &model,
               const ProgramShape &shape, MLIRContext *context)
      : file(file), model(model), config(model.config), shape(shape),
        caches(context, std::vector<CacheSpec>(config.layers, {config.kvHeads, config.headDim}), shape.context,
               shape.chunk, shape.kv),
        builder(context), loc(builder.getUnknownLoc()) {}

  OwningOpRef<ModuleOp> build();

private:
  RankedTensorType rowsType(int64_t rows, uint64_t columns) {
    return RankedTensorType::get({rows, static_cast<int64_t>(columns)},
                                 builder.getF32Type());
  }
  RankedTensorType typeOf(const LlamaWeight &weight);
  MemRefType hiddenType();
  RankedTensorType ropeTableType();

  void buildModelOp();
  void buildWeight(const LlamaWeight &weight);
  void buildWeights();
  void buildRopeTable();
  void buildStates();

  Value weightRef(const LlamaWeight &weight);
  Value stateRef(StringRef name, Type type);
  Value linear(Value x, Value weight, Value bias, Value n);
  Value rope(Value x, Value pos, Value n);
  Value norm(Value x, Value weight, Value n);

  func::FuncOp beginFunction(StringRef name, TypeRange arguments,
                             TypeRange results, bool isPrivate);
  func::FuncOp layerFunction(EntryPoint &entry, const LlamaLayer &layer);
  Value buildLayerBody(func::FuncOp func, const LlamaLayer &layer);
  Value buildAttention(ArrayRef<Value> arguments, Value normed,
                       ArrayRef<Value> weights);
  Value buildTrunk(EntryPoint &entry, func::FuncOp func);
  void buildDecode();
  void buildPrefill();
  void buildHead();

  const ModelFile &file;
  const LlamaModel &model;
  const LlamaConfig &config;
  const ProgramShape &shape;
  CacheStates caches;
  OpBuilder builder;
  Location loc;
  ModuleOp module;
};

/// Every weight of a layer that exists, in the order of the layer function's
/// arguments. `visit` gets the weight and whether it exists.
void forEachSlot(const LlamaLayer &layer,
                 llvm::function_ref<void(const LlamaWeight &)> visit) {
  visit(layer.attentionNorm);
  for (const LlamaLinear *linear :
       {&layer.query, &layer.key, &layer.value, &layer.attentionOutput}) {
    visit(linear->weight);
    visit(linear->bias);
  }
  visit(layer.feedForwardNorm);
  for (const LlamaLinear *linear : {&layer.gate, &layer.up, &layer.down}) {
    visit(linear->weight);
    visit(linear->bias);
  }
}

/// Positions of the slots of `forEachSlot`.
enum Slot {
  AttentionNorm,
  Query,
  QueryBias,
  Key,
  KeyBias,
  ValueWeight,
  ValueBias,
  Output,
  OutputBias,
  FeedForwardNorm,
  Gate,
  GateBias,
  Up,
  UpBias,
  Down,
  DownBias,
};

/// Arguments of a layer function before its weights: x, pos, n, layer.
constexpr unsigned leadingArguments = 4;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// dims {K, N} of the file are a tensor of N rows and K columns.
RankedTensorType LlamaBuilder::typeOf(const LlamaWeight &weight) {
  SmallVector<int64_t> dims(llvm::reverse(weight.tensor->dims));
  return RankedTensorType::get(
      dims, lowbit::elementType(builder.getContext(), *weight.format));
}

MemRefType LlamaBuilder::hiddenType() {
  return MemRefType::get({static_cast<int64_t>(shape.chunk),
                          static_cast<int64_t>(config.embedding)},
                         builder.getF32Type());
}

RankedTensorType LlamaBuilder::ropeTableType() {
  int64_t strides = llvm::divideCeil(shape.context, lm::kRopeFineRows);
  return RankedTensorType::get({lm::kRopeFineRows + strides,
                                static_cast<int64_t>(config.rope.dims / 2), 2},
                               builder.getF32Type());
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

void LlamaBuilder::buildModelOp() {
  auto number = [&](uint64_t value) { return static_cast<int64_t>(value); };
  lm::ModelOp::create(builder, loc, "model", "llama", number(config.layers),
                      number(config.embedding), number(config.heads),
                      number(config.kvHeads), number(config.headDim),
                      number(config.feedForward), number(config.vocabulary),
                      number(shape.context), number(shape.chunk),
                      /*source_hash=*/StringAttr());
}

void LlamaBuilder::buildWeight(const LlamaWeight &weight) {
  if (!weight)
    return;
  const GGUFTensor &tensor = *weight.tensor;
  auto source = lm::SourceAttr::get(
      builder.getContext(), file.getFile(tensor.fileIndex).getPath(),
      tensor.offset, tensor.byteSize, weight.format->name);
  lm::WeightOp::create(builder,
                       NameLoc::get(builder.getStringAttr(tensor.name)),
                       tensor.name, typeOf(weight),
                       builder.getArrayAttr({source}), IntegerAttr());
}

void LlamaBuilder::buildWeights() {
  buildWeight(model.embedding);
  buildRopeTable();
  for (const LlamaLayer &layer : model.layers)
    forEachSlot(layer, [&](const LlamaWeight &weight) { buildWeight(weight); });
  buildWeight(model.outputNorm);
  if (!model.tied)
    buildWeight(model.output);
}

void LlamaBuilder::buildRopeTable() {
  using Scaling = RopeSettings::Scaling;
  const RopeSettings &rope = config.rope;
  auto number = [&](double value, bool present) {
    return present ? builder.getF64FloatAttr(value) : FloatAttr();
  };
  bool scaled = rope.scaling != Scaling::None;
  bool llama3 = rope.scaling == Scaling::Llama3;
  bool yarn = rope.scaling == Scaling::Yarn;
  lm::SourceAttr factors;
  if (const GGUFTensor *tensor = rope.factors)
    factors = lm::SourceAttr::get(
        builder.getContext(), file.getFile(tensor->fileIndex).getPath(),
        tensor->offset, tensor->byteSize, tensor->getType().name);
  auto table = lm::RopeTableAttr::get(
      builder.getContext(), number(rope.base, true), rope.dims,
      getName(rope.scaling), number(rope.factor, scaled),
      number(rope.lowFrequencyFactor, llama3),
      number(rope.highFrequencyFactor, llama3),
      number(rope.originalContext, llama3 || yarn),
      number(rope.attentionFactor, yarn), number(rope.betaFast, yarn),
      number(rope.betaSlow, yarn), number(rope.extrapolationFactor, yarn),
      factors);
  lm::WeightOp::create(builder, loc, ropeTableName, ropeTableType(),
                       builder.getArrayAttr({table}), IntegerAttr());
}

void LlamaBuilder::buildStates() {
  caches.build(builder, loc);
  lm::StateOp::create(builder, loc, hiddenName, hiddenType(), IntegerAttr());
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Value LlamaBuilder::weightRef(const LlamaWeight &weight) {
  return lm::WeightRefOp::create(
      builder, NameLoc::get(builder.getStringAttr(weight.tensor->name)),
      typeOf(weight), weight.tensor->name);
}

Value LlamaBuilder::stateRef(StringRef name, Type type) {
  return lm::StateRefOp::create(builder, loc, type, name);
}

Value LlamaBuilder::linear(Value x, Value weight, Value bias, Value n) {
  int64_t rows = cast<RankedTensorType>(x.getType()).getDimSize(0);
  int64_t columns = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  return lm::LinearOp::create(builder, weight.getLoc(),
                              rowsType(rows, columns), x, weight, n, bias,
                              /*compute=*/Attribute());
}

Value LlamaBuilder::rope(Value x, Value pos, Value n) {
  Value table =
      lm::WeightRefOp::create(builder, loc, ropeTableType(), ropeTableName);
  return lm::RopeOp::create(builder, loc, x.getType(), x, table, pos, n,
                            config.headDim,
                            file.hasInterleavedRope() ? lm::Pairing::Interleaved
                                                      : lm::Pairing::Halves,
                            ValueRange())
      .getResult();
}

Value LlamaBuilder::norm(Value x, Value weight, Value n) {
  return lm::RMSNormOp::create(builder, loc, x.getType(), x, weight, n,
                               llvm::APFloat(config.normEpsilon), ValueRange())
      .getResult();
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Leaves the builder at the start of the body.
func::FuncOp LlamaBuilder::beginFunction(StringRef name, TypeRange arguments,
                                         TypeRange results, bool isPrivate) {
  builder.setInsertionPointToEnd(module.getBody());
  auto func = func::FuncOp::create(
      builder, NameLoc::get(builder.getStringAttr(name)), name,
      builder.getFunctionType(arguments, results));
  if (isPrivate)
    func.setPrivate();
  builder.setInsertionPointToStart(func.addEntryBlock());
  return func;
}

/// The function for layers of this layer's types, built on first use.
func::FuncOp LlamaBuilder::layerFunction(EntryPoint &entry,
                                         const LlamaLayer &layer) {
  // A missing bias is part of the signature: it stands as a none type.
  SmallVector<Type> signature, arguments;
  Type x = rowsType(entry.rows, config.embedding);
  Type index = builder.getIndexType();
  arguments.append({x, index, index, index});
  forEachSlot(layer, [&](const LlamaWeight &weight) {
    signature.push_back(weight ? Type(typeOf(weight)) : builder.getNoneType());
    if (weight)
      arguments.push_back(signature.back());
  });
  for (auto &[known, func] : entry.layers)
    if (known == signature)
      return func;

  OpBuilder::InsertionGuard guard(builder);
  std::string name =
      entry.name + ".layer" + std::to_string(entry.layers.size());
  func::FuncOp func = beginFunction(name, arguments, x, /*isPrivate=*/true);
  Value result = buildLayerBody(func, layer);
  func::ReturnOp::create(builder, loc, result);
  entry.layers.emplace_back(std::move(signature), func);
  return func;
}

/// `arguments` are x, pos, n and layer.
Value LlamaBuilder::buildAttention(ArrayRef<Value> arguments, Value normed,
                                   ArrayRef<Value> weights) {
  Value pos = arguments[1], n = arguments[2], layer = arguments[3];
  Value q = linear(normed, weights[Query], weights[QueryBias], n);
  Value k = linear(normed, weights[Key], weights[KeyBias], n);
  Value v = linear(normed, weights[ValueWeight], weights[ValueBias], n);
  q = rope(q, pos, n);
  k = rope(k, pos, n);
  CacheStates::Place place = caches.placeOf(0); // all layers share one
  Value keys = stateRef(place.keys, place.keysType);
  Value values = stateRef(place.values, place.valuesType);
  lm::KVAppendOp::create(builder, loc, k, v, keys, values, layer, pos, n);
  Value mixed =
      lm::AttentionOp::create(builder, loc, q.getType(), q, keys, values, layer,
                              pos, n, config.heads, config.kvHeads,
                              llvm::APFloat(config.attentionScale),
                              /*window=*/IntegerAttr(),
                              /*softcap=*/FloatAttr(), ValueRange())
          .getResult();
  return linear(mixed, weights[Output], weights[OutputBias], n);
}

Value LlamaBuilder::buildLayerBody(func::FuncOp func, const LlamaLayer &layer) {
  SmallVector<Value> arguments(func.getArguments().take_front(leadingArguments));
  SmallVector<Value> weights;
  unsigned next = leadingArguments;
  forEachSlot(layer, [&](const LlamaWeight &weight) {
    weights.push_back(weight ? Value(func.getArgument(next++)) : Value());
  });
  Value x = arguments[0], n = arguments[2];
  Value mixed = buildAttention(arguments, norm(x, weights[AttentionNorm], n),
                               weights);
  Value y = arith::AddFOp::create(builder, loc, x, mixed);

  Value normed = norm(y, weights[FeedForwardNorm], n);
  Value gate = linear(normed, weights[Gate], weights[GateBias], n);
  Value up = linear(normed, weights[Up], weights[UpBias], n);
  Value inner = lm::GluOp::create(builder, loc, gate.getType(), gate, up, n,
                                  lm::Activation::SiLU, ValueRange())
                    .getResult();
  Value fed = linear(inner, weights[Down], weights[DownBias], n);
  return arith::AddFOp::create(builder, loc, y, fed);
}

/// Embedding, all layers and the final norm. The function's arguments are
/// tokens, pos and n.
Value LlamaBuilder::buildTrunk(EntryPoint &entry, func::FuncOp func) {
  Value tokens = func.getArgument(0), pos = func.getArgument(1),
        n = func.getArgument(2);
  Value x = lm::EmbedOp::create(builder, loc,
                                rowsType(entry.rows, config.embedding), tokens,
                                weightRef(model.embedding), n,
                                /*layout=*/Attribute(), ValueRange())
                .getResult();
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    func::FuncOp callee = layerFunction(entry, layer);
    Value number = arith::ConstantIndexOp::create(builder, loc, index);
    SmallVector<Value> operands = {x, pos, n, number};
    forEachSlot(layer, [&](const LlamaWeight &weight) {
      if (weight)
        operands.push_back(weightRef(weight));
    });
    x = func::CallOp::create(builder, loc, callee, operands).getResult(0);
  }
  return norm(x, weightRef(model.outputNorm), n);
}

void LlamaBuilder::buildDecode() {
  EntryPoint entry{"decode", 1, {}};
  auto tokens = RankedTensorType::get({1}, builder.getI32Type());
  Type index = builder.getIndexType();
  Type logits = rowsType(1, config.vocabulary);
  func::FuncOp func = beginFunction(entry.name, {tokens, index, index}, logits,
                                    /*isPrivate=*/false);
  Value x = buildTrunk(entry, func);
  Value result = linear(x, weightRef(model.output), Value(),
                        func.getArgument(2));
  func::ReturnOp::create(builder, loc, result);
}

void LlamaBuilder::buildPrefill() {
  EntryPoint entry{"prefill", static_cast<int64_t>(shape.chunk), {}};
  auto tokens = RankedTensorType::get({entry.rows}, builder.getI32Type());
  Type index = builder.getIndexType();
  func::FuncOp func = beginFunction(entry.name, {tokens, index, index}, {},
                                    /*isPrivate=*/false);
  Value x = buildTrunk(entry, func);
  lm::StateWriteOp::create(builder, loc, x, func.getArgument(2),
                           stateRef(hiddenName, hiddenType()));
  func::ReturnOp::create(builder, loc);
}

void LlamaBuilder::buildHead() {
  func::FuncOp func = beginFunction("head", {builder.getIndexType()},
                                    {rowsType(1, config.vocabulary)},
                                    /*isPrivate=*/false);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value x = lm::StateReadOp::create(builder, loc,
                                    rowsType(1, config.embedding),
                                    stateRef(hiddenName, hiddenType()),
                                    func.getArgument(0), ValueRange())
                .getResult();
  Value result = linear(x, weightRef(model.output), Value(), one);
  func::ReturnOp::create(builder, loc, result);
}

OwningOpRef<ModuleOp> LlamaBuilder::build() {
  OwningOpRef<ModuleOp> owner(ModuleOp::create(loc));
  module = *owner;
  builder.setInsertionPointToEnd(module.getBody());
  buildModelOp();
  buildWeights();
  buildStates();
  buildDecode();
  buildPrefill();
  buildHead();
  return owner;
}

} // namespace

OwningOpRef<ModuleOp> nibble::buildLlamaModule(const ModelFile &file,
                                               const LlamaModel &model,
                                               const ProgramShape &shape,
                                               MLIRContext *context) {
  return LlamaBuilder(file, model, shape, context).build();
}
