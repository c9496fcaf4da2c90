//===- DecoderIR.cpp - Builds the lm module of a decoder ------------------===//
//
// Symbols and entry points; see the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/DecoderIR.h"

#include "dialects/LM/LM.h"
#include "dialects/LowBit/LowBit.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace nibble;
using namespace mlir;

constexpr llvm::StringLiteral hiddenName = "hidden";

constexpr llvm::StringLiteral historyName = "history";

/// What each layer caches. A window that the program's context never leaves is none.
static std::vector<CacheSpec> cacheSpecs(const Decoder &model, uint64_t context) {
  std::vector<CacheSpec> specs;
  for (const Layer &layer : model.layers) {
    auto *attention = std::get_if<Attention>(&layer.mixer);
    specs.push_back(attention ? CacheSpec{attention->kvHeads, attention->headDim,
                                          attention->window < context ? attention->window : 0}
                              : CacheSpec());
  }
  if (model.encoder)
    specs.resize(1); // a layer's rows are kept as long as it is computed
  return specs;
}

DecoderBuilder::DecoderBuilder(const ModelFile &file, const Decoder &model, const SplitTensors &split,
                               const ProgramShape &shape, MLIRContext *context)
    : file(file), model(model), split(split), shape(shape),
      caches(context, cacheSpecs(model, shape.context), shape.context, shape.chunk, shape.kv), builder(context),
      loc(builder.getUnknownLoc()) {
  for (auto [index, layer] : llvm::enumerate(model.layers))
    stateIndex.push_back(std::holds_alternative<ShortConv>(layer.mixer) ? convLayers++ : placeOf(index).index);
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

RankedTensorType DecoderBuilder::rowsType(int64_t rows, uint64_t columns) {
  return RankedTensorType::get({rows, static_cast<int64_t>(columns)}, builder.getF32Type());
}

/// dims {K, N} of the file are a tensor of N rows and K columns; {K, N, E}, or E tensors {K, N}, one of E·N rows.
RankedTensorType DecoderBuilder::typeOf(const Weight &weight) {
  SmallVector<int64_t> dims(llvm::reverse(weight.tensor->dims));
  if (weight.isRow)
    dims.insert(dims.begin(), 1);
  if (dims.size() == 3)
    dims = {dims[0] * dims[1], dims[2]};
  dims[0] *= static_cast<int64_t>(weight.others.size()) + 1;
  MLIRContext *context = builder.getContext();
  Type element;
  if (weight.tensor->isColumnOrder)
    element = builder.getI32Type();
  else if (const PackedTensor *packed = packingOf(weight, *weight.tensor))
    element = lowbit::BlockType::get(context, packed->code, packed->group, packed->scale, packed->zero);
  else
    element = weight.isWidened ? Type(builder.getF32Type()) : lowbit::elementType(context, *weight.format);
  return RankedTensorType::get(dims, element);
}

lm::SourceAttr DecoderBuilder::sourceOf(const PackedPart &part) {
  if (!part)
    return nullptr;
  return lm::SourceAttr::get(builder.getContext(), file.getFile(part.fileIndex).getPath(), part.offset, part.byteSize,
                             part.format);
}

/// What is needed to read a tensor of the weight; null of blocks that are as the weight has them. All tensors of a
/// weight have one type.
const PackedTensor *DecoderBuilder::packingOf(const Weight &weight, const GGUFTensor &tensor) {
  auto isSplit = [&](const GGUFTensor *one) { return split.contains(one); };
  if (isSplit(weight.tensor) && llvm::all_of(weight.others, isSplit))
    return split.at(&tensor).get();
  return tensor.packed.get();
}

lm::SourceAttr DecoderBuilder::packedSourceOf(const GGUFTensor &tensor, const PackedTensor &packed, Type element) {
  auto number = [&](double value, bool present) { return present ? builder.getF64FloatAttr(value) : FloatAttr(); };
  auto flag = [&](bool value) { return value ? builder.getUnitAttr() : UnitAttr(); };
  uint64_t rows = tensor.dims.size() == 1 ? 1 : tensor.getElementCount() / tensor.dims[0];
  auto packing = lm::PackingAttr::get(
      builder.getContext(), element, rows, sourceOf(packed.scales), packed.scaleRows, flag(packed.byGroup),
      number(packed.factor, packed.factor != 1), flag(packed.inverse), sourceOf(packed.levels),
      sourceOf(packed.outerScales), packed.outerGroup, number(packed.outerOffset, bool(packed.levels)),
      sourceOf(packed.zeros), packed.zeroPlus, sourceOf(packed.order));
  return lm::SourceAttr::get(builder.getContext(), file.getFile(tensor.fileIndex).getPath(), tensor.offset,
                             tensor.byteSize, packed.blocks ? packed.blocks->name : packed.packing->name, StringAttr(),
                             FloatAttr(), ArrayAttr(), packing);
}

lm::SourceAttr DecoderBuilder::sourceOf(const GGUFTensor &tensor, StringRef format) {
  FloatAttr plus = tensor.plus != 0 ? builder.getF64FloatAttr(tensor.plus) : FloatAttr();
  return lm::SourceAttr::get(builder.getContext(), file.getFile(tensor.fileIndex).getPath(), tensor.offset,
                             tensor.byteSize, format, /*requantized=*/StringAttr(), plus, /*adapters=*/ArrayAttr(),
                             /*packing=*/lm::PackingAttr());
}

ArrayAttr DecoderBuilder::sourcesOf(const Weight &weight) {
  MLIRContext *context = builder.getContext();
  SmallVector<Attribute> sources;
  SmallVector<const GGUFTensor *> tensors = {weight.tensor};
  llvm::append_range(tensors, weight.others);
  for (const GGUFTensor *one : tensors)
    if (one->isColumnOrder)
      sources.push_back(
          lm::ColumnOrderAttr::get(context, lm::SourceAttr::get(context, file.getFile(one->fileIndex).getPath(),
                                                                one->offset, one->byteSize, "i32")));
    else if (const PackedTensor *packed = packingOf(weight, *one))
      sources.push_back(packedSourceOf(*one, *packed, typeOf(weight).getElementType()));
    else
      sources.push_back(sourceOf(*one, weight.format->name));
  return builder.getArrayAttr(sources);
}

/// Rounded like keys are, unless those are kept in a way of their own.
MemRefType DecoderBuilder::historyType() {
  Type element = shape.kv.keys == KVType::F32 ? Type(builder.getF32Type()) : Type(builder.getF16Type());
  return MemRefType::get({convLayers, static_cast<int64_t>(shape.context), static_cast<int64_t>(model.embedding)},
                         element);
}

MemRefType DecoderBuilder::hiddenType() {
  int64_t rows = model.encoder ? 1 : static_cast<int64_t>(shape.chunk);
  return MemRefType::get({rows, static_cast<int64_t>(model.embedding)}, builder.getF32Type());
}

RankedTensorType DecoderBuilder::ropeTableType(const RopeSettings &rope) {
  int64_t strides = llvm::divideCeil(shape.context, lm::kRopeFineRows);
  return RankedTensorType::get({lm::kRopeFineRows + strides, static_cast<int64_t>(rope.dims / 2), 2},
                               builder.getF32Type());
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

void DecoderBuilder::buildModelOp() {
  auto number = [&](uint64_t value) { return static_cast<int64_t>(value); };
  const Attention &attention = model.firstAttention();
  lm::ModelOp::create(builder, loc, "model", model.architecture, number(model.layers.size()), number(model.embedding),
                      number(attention.heads), number(attention.kvHeads), number(attention.headDim),
                      number(model.feedForward), number(model.vocabulary), number(shape.context), number(shape.chunk),
                      /*source_hash=*/StringAttr(),
                      model.encoder ? builder.getI64IntegerAttr(number(model.embedding)) : IntegerAttr());
}

void DecoderBuilder::buildWeight(const Weight &weight) {
  if (!weight)
    return;
  StringRef name = weight.name();
  lm::WeightOp::create(builder, NameLoc::get(builder.getStringAttr(name)), name, typeOf(weight), sourcesOf(weight),
                       IntegerAttr());
}

void DecoderBuilder::buildWeights() {
  buildWeight(model.table);
  if (model.encoder)
    for (const Weight *weight : {&model.encoder->positions, &model.encoder->types, &model.encoder->norm.weight,
                                 &model.encoder->norm.bias})
      buildWeight(*weight);
  for (size_t index = 0; index < model.ropes.size(); ++index)
    buildRopeTable(static_cast<int>(index));
  for (const Layer &layer : model.layers)
    forEachWeight(layer, [&](const Weight &weight) { buildWeight(weight); });
  buildWeight(model.outputNorm.weight);
  buildWeight(model.outputNorm.bias);
  if (!model.tied)
    buildWeight(model.output.weight);
  buildWeight(model.output.bias);
}

std::string DecoderBuilder::ropeTableName(int index) const {
  return index == 0 ? "rope_table" : "rope_table." + std::to_string(index);
}

void DecoderBuilder::buildRopeTable(int index) {
  using Scaling = RopeSettings::Scaling;
  const RopeSettings &rope = model.ropes[index];
  auto number = [&](double value, bool present) {
    return present ? builder.getF64FloatAttr(value) : FloatAttr();
  };
  bool scaled = rope.scaling != Scaling::None;
  bool llama3 = rope.scaling == Scaling::Llama3;
  bool yarn = rope.scaling == Scaling::Yarn;
  bool isLong = !rope.longFactors.empty() && static_cast<double>(shape.context) > rope.originalContext;
  ArrayRef<float> factors = isLong ? rope.longFactors : rope.factors;
  auto table = lm::RopeTableAttr::get(
      builder.getContext(), number(rope.base, true), rope.dims, getName(rope.scaling), number(rope.factor, scaled),
      number(rope.lowFrequencyFactor, llama3), number(rope.highFrequencyFactor, llama3),
      number(rope.originalContext, llama3 || yarn), number(rope.attentionFactor, rope.attentionFactor != 1),
      number(rope.betaFast, yarn), number(rope.betaSlow, yarn), number(rope.extrapolationFactor, yarn),
      factors.empty() ? DenseF32ArrayAttr() : builder.getDenseF32ArrayAttr(factors));
  lm::WeightOp::create(builder, loc, ropeTableName(index), ropeTableType(rope), builder.getArrayAttr({table}),
                       IntegerAttr());
}

void DecoderBuilder::buildStates() {
  caches.build(builder, loc);
  if (convLayers)
    lm::StateOp::create(builder, loc, historyName, historyType(), IntegerAttr());
  lm::StateOp::create(builder, loc, hiddenName, hiddenType(), IntegerAttr());
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

Value DecoderBuilder::weightRef(const Weight &weight) {
  return lm::WeightRefOp::create(builder, NameLoc::get(builder.getStringAttr(weight.name())), typeOf(weight),
                                 weight.name());
}

Value DecoderBuilder::stateRef(const Twine &name, Type type) {
  return lm::StateRefOp::create(builder, loc, type, name.str());
}

/// Leaves the builder at the start of the body.
func::FuncOp DecoderBuilder::beginFunction(StringRef name, TypeRange arguments, TypeRange results, bool isPrivate) {
  builder.setInsertionPointToEnd(module.getBody());
  auto func = func::FuncOp::create(builder, NameLoc::get(builder.getStringAttr(name)), name,
                                   builder.getFunctionType(arguments, results));
  if (isPrivate)
    func.setPrivate();
  builder.setInsertionPointToStart(func.addEntryBlock());
  return func;
}

/// The function for layers of this layer's kind, built on first use.
func::FuncOp DecoderBuilder::layerFunction(EntryPoint &entry, uint64_t index) {
  std::string signature = signatureOf(index);
  for (auto &[known, func] : entry.layers)
    if (known == signature)
      return func;

  OpBuilder::InsertionGuard guard(builder);
  const Layer &layer = model.layers[index];
  Type x = rowsType(entry.rows, model.embedding), number = builder.getIndexType();
  SmallVector<Type> types = {x, number, number, number};
  forEachWeight(layer, [&](const Weight &weight) {
    if (weight)
      types.push_back(typeOf(weight));
  });
  std::string name = entry.name + ".layer" + std::to_string(entry.layers.size());
  func::FuncOp func = beginFunction(name, types, x, /*isPrivate=*/true);
  LayerArguments arguments;
  arguments.x = func.getArgument(0);
  arguments.pos = func.getArgument(1);
  arguments.n = func.getArgument(2);
  arguments.layer = func.getArgument(3);
  unsigned next = 4;
  forEachWeight(layer, [&](const Weight &weight) {
    if (weight)
      arguments.weights[weight.tensor] = func.getArgument(next++);
  });
  Value result = layerBody(arguments, index);
  func::ReturnOp::create(builder, loc, result);
  entry.layers.emplace_back(std::move(signature), func);
  return func;
}

/// The function's arguments are tokens, pos and n.
Value DecoderBuilder::embeddings(EntryPoint &entry, func::FuncOp func) {
  Value tokens = func.getArgument(0), pos = func.getArgument(1), n = func.getArgument(2);
  bool isScaled = model.embeddingScale != 1;
  Value x = lm::EmbedOp::create(builder, loc, rowsType(entry.rows, model.embedding), tokens, weightRef(model.table), n,
                                isScaled ? builder.getF64FloatAttr(model.embeddingScale) : FloatAttr(),
                                /*layout=*/Attribute(), ValueRange())
                .getResult();
  if (!model.encoder)
    return x;
  const Norm &first = model.encoder->norm;
  x = lm::AddPositionsOp::create(builder, loc, x.getType(), x, weightRef(model.encoder->positions),
                                 weightRef(model.encoder->types), pos, n, ValueRange())
          .getResult();
  return norm(x, weightRef(first.weight), first.bias ? weightRef(first.bias) : Value(), first.centred, n);
}

/// Embedding, all layers and the final norm.
Value DecoderBuilder::buildTrunk(EntryPoint &entry, func::FuncOp func) {
  Value x = embeddings(entry, func), pos = func.getArgument(1), n = func.getArgument(2);
  for (auto [index, layer] : llvm::enumerate(model.layers)) {
    func::FuncOp callee = layerFunction(entry, index);
    Value number = arith::ConstantIndexOp::create(builder, loc, stateIndex[index]);
    SmallVector<Value> operands = {x, pos, n, number};
    forEachWeight(layer, [&](const Weight &weight) {
      if (weight)
        operands.push_back(weightRef(weight));
    });
    x = func::CallOp::create(builder, loc, callee, operands).getResult(0);
  }
  if (!model.outputNorm)
    return x;
  Value bias = model.outputNorm.bias ? weightRef(model.outputNorm.bias) : Value();
  return norm(x, weightRef(model.outputNorm.weight), bias, model.outputNorm.centred, n);
}

Value DecoderBuilder::logits(Value x, Value n) {
  Value bias = model.output.bias ? weightRef(model.output.bias) : Value();
  Value weight = weightRef(model.output.weight);
  auto type = rowsType(1, model.vocabulary);
  Value y = lm::LinearOp::create(builder, weight.getLoc(), type, x, weight, n, bias, /*compute=*/Attribute());
  if (model.logitScale == 1 && model.logitSoftcap == 0)
    return y;
  auto number = [&](double value, bool present) { return present ? builder.getF64FloatAttr(value) : FloatAttr(); };
  return lm::LogitsOp::create(builder, loc, type, y, n, number(model.logitScale, model.logitScale != 1),
                              number(model.logitSoftcap, model.logitSoftcap != 0), ValueRange())
      .getResult();
}

/// The vector of a text.
Value DecoderBuilder::pooled(Value x, Value n) {
  return lm::PoolOp::create(builder, loc, rowsType(1, model.embedding), x, n, model.encoder->pooling,
                            model.encoder->normalizes, ValueRange())
      .getResult();
}

void DecoderBuilder::buildDecode() {
  EntryPoint entry{"decode", 1, {}};
  auto tokens = RankedTensorType::get({1}, builder.getI32Type());
  Type index = builder.getIndexType();
  func::FuncOp func =
      beginFunction(entry.name, {tokens, index, index}, rowsType(1, model.vocabulary), /*isPrivate=*/false);
  Value x = buildTrunk(entry, func);
  func::ReturnOp::create(builder, loc, logits(x, func.getArgument(2)));
}

void DecoderBuilder::buildPrefill() {
  EntryPoint entry{"prefill", static_cast<int64_t>(shape.chunk), {}};
  auto tokens = RankedTensorType::get({entry.rows}, builder.getI32Type());
  Type index = builder.getIndexType();
  func::FuncOp func = beginFunction(entry.name, {tokens, index, index}, {}, /*isPrivate=*/false);
  Value x = buildTrunk(entry, func), n = func.getArgument(2);
  if (model.encoder) {
    x = pooled(x, n);
    n = arith::ConstantIndexOp::create(builder, loc, 1);
  }
  lm::StateWriteOp::create(builder, loc, x, n, stateRef(hiddenName, hiddenType()));
  func::ReturnOp::create(builder, loc);
}

void DecoderBuilder::buildHead() {
  func::FuncOp func =
      beginFunction("head", {builder.getIndexType()}, {rowsType(1, outputWidth())}, /*isPrivate=*/false);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value row = model.encoder ? arith::ConstantIndexOp::create(builder, loc, 0).getResult() : func.getArgument(0);
  Value x = lm::StateReadOp::create(builder, loc, rowsType(1, model.embedding), stateRef(hiddenName, hiddenType()), row,
                                    ValueRange())
                .getResult();
  func::ReturnOp::create(builder, loc, model.encoder ? x : logits(x, one));
}

OwningOpRef<ModuleOp> DecoderBuilder::build() {
  OwningOpRef<ModuleOp> owner(ModuleOp::create(loc));
  module = *owner;
  builder.setInsertionPointToEnd(module.getBody());
  buildModelOp();
  buildWeights();
  buildStates();
  if (!model.encoder)
    buildDecode();
  buildPrefill();
  buildHead();
  return owner;
}
