//===- DecoderLayers.cpp - What a layer of a decoder computes -------------===//
//
// One layer, on M rows (M = 1 in @decode, the chunk in @prefill). Norms, positions and scales that a family does not
// have are left out:
//
//   x ── norm ─┬─ linear q ── norm ── rope ────────────┐
//   │          ├─ linear k ── norm ── rope ─┐          │
//   │          └─ linear v ──────────── kv_append ── attention ── norm ── linear o ── norm ── + ── y
//   └─────────────────────────────────────────────────────────────────────────────────────────┘   │
//   y ── norm ─┬─ linear gate ─┐                                                                  │
//   │          └─ linear up ── glu ── norm ── linear down ── norm ── + ── result                  │
//   └────────────────────────────────────────────────────────────────┘
//
// q, k and v, and gate and up, are separate linears of one input here, unless the file has them in one; the pass
// lm-fuse-linears joins them.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/DecoderIR.h"

#include "dialects/LM/LM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/FormatVariadic.h"

using namespace nibble;
using namespace mlir;

//===----------------------------------------------------------------------===//
// Weights and kinds of layers
//===----------------------------------------------------------------------===//

using Visit = llvm::function_ref<void(const Weight &)>;

static void visitNorm(const Norm &norm, Visit visit) {
  visit(norm.weight);
  visit(norm.bias);
}

/// Neighbours may share their order of columns.
static void visitLinears(llvm::ArrayRef<const Linear *> linears, Visit visit) {
  const GGUFTensor *last = nullptr;
  for (const Linear *linear : linears) {
    visit(linear->weight);
    visit(linear->bias);
    if (linear->order.tensor != last)
      visit(linear->order);
    last = linear->order.tensor;
  }
}

static void visitFeedForward(const FeedForward &feed, Visit visit) {
  visitLinears({&feed.gate, &feed.up, &feed.fused}, visit);
  visitNorm(feed.innerNorm, visit);
  visitLinears(&feed.down, visit);
}

void DecoderBuilder::forEachWeight(const Layer &layer, Visit visit) {
  visitNorm(layer.mixerNorm, visit);
  if (auto *attention = std::get_if<Attention>(&layer.mixer)) {
    visitLinears({&attention->query, &attention->key, &attention->value, &attention->fused}, visit);
    visitNorm(attention->queryNorm, visit);
    visitNorm(attention->keyNorm, visit);
    visitNorm(attention->innerNorm, visit);
    visitLinears(&attention->output, visit);
  } else {
    auto &conv = std::get<ShortConv>(layer.mixer);
    visitLinears(&conv.input, visit);
    visit(conv.kernel);
    visitLinears(&conv.output, visit);
  }
  visitNorm(layer.postMixerNorm, visit);
  visitNorm(layer.mixerSumNorm, visit);
  visitNorm(layer.feedForwardNorm, visit);
  if (auto *feed = std::get_if<FeedForward>(&layer.feedForward)) {
    visitFeedForward(*feed, visit);
  } else {
    auto &experts = std::get<Experts>(layer.feedForward);
    visitLinears({&experts.router, &experts.sharedGate}, visit);
    for (const Weight *weight : {&experts.gate, &experts.up, &experts.down, &experts.gateOrder, &experts.upOrder,
                                 &experts.downOrder})
      visit(*weight);
    visitFeedForward(experts.shared, visit);
  }
  visitNorm(layer.postFeedForwardNorm, visit);
  visitNorm(layer.feedForwardSumNorm, visit);
}

/// What the layer's function depends on: the types of its weights and which there are, and the numbers that are no
/// weights. Whether norms are centred and how a gate is activated is the same in all layers of a model.
std::string DecoderBuilder::signatureOf(uint64_t index) {
  const Layer &layer = model.layers[index];
  std::string signature;
  llvm::raw_string_ostream os(signature);
  forEachWeight(layer, [&](const Weight &weight) {
    if (weight)
      os << typeOf(weight);
    os << ';';
  });
  if (auto *attention = std::get_if<Attention>(&layer.mixer))
    os << llvm::formatv(" {0} {1} {2} {3} {4} {5}", placeOf(index).keys, attention->heads, attention->scale,
                        windowOf(*attention), attention->softcap, attention->rope);
  return signature;
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

Value DecoderBuilder::slice(Value rows, uint64_t first, uint64_t columns) {
  int64_t count = cast<RankedTensorType>(rows.getType()).getDimSize(0);
  SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0), builder.getIndexAttr(first)};
  SmallVector<OpFoldResult> sizes = {builder.getIndexAttr(count), builder.getIndexAttr(columns)};
  SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, loc, rowsType(count, columns), rows, offsets, sizes, strides);
}

Value DecoderBuilder::linear(const LayerArguments &arguments, const Linear &linear, Value x) {
  Value weight = arguments.of(linear.weight);
  int64_t rows = cast<RankedTensorType>(x.getType()).getDimSize(0);
  int64_t columns = cast<RankedTensorType>(weight.getType()).getDimSize(0);
  if (linear.order) {
    Value &ordered = arguments.ordered[{x, linear.order.tensor}];
    if (!ordered)
      ordered =
          lm::ReorderOp::create(builder, loc, x.getType(), x, arguments.of(linear.order), arguments.n, ValueRange())
              .getResult();
    x = ordered;
  }
  return lm::LinearOp::create(builder, weight.getLoc(), rowsType(rows, columns), x, weight, arguments.n,
                              linear.bias ? arguments.of(linear.bias) : Value(), /*compute=*/Attribute());
}

/// A weight narrower than the rows is of each head.
Value DecoderBuilder::norm(Value x, Value weight, Value bias, bool centred, Value n) {
  llvm::APFloat epsilon(model.normEpsilon);
  if (centred)
    return lm::LayerNormOp::create(builder, loc, x.getType(), x, weight, bias, n, epsilon, ValueRange()).getResult();
  return lm::RMSNormOp::create(builder, loc, x.getType(), x, weight, n, /*residual=*/Value(), epsilon, ValueRange())
      .getResult();
}

Value DecoderBuilder::norm(const LayerArguments &arguments, const Norm &which, Value x) {
  if (!which)
    return x;
  return norm(x, arguments.of(which.weight), which.bias ? arguments.of(which.bias) : Value(), which.centred,
              arguments.n);
}

Value DecoderBuilder::rope(const LayerArguments &arguments, const Attention &attention, Value x) {
  if (attention.rope < 0)
    return x;
  Value table = lm::WeightRefOp::create(builder, loc, ropeTableType(model.ropes[attention.rope]),
                                        ropeTableName(attention.rope));
  return lm::RopeOp::create(builder, loc, x.getType(), x, table, arguments.pos, arguments.n, attention.headDim,
                            model.pairing, ValueRange())
      .getResult();
}

Value DecoderBuilder::attention(const LayerArguments &arguments, const Attention &attention,
                                const CacheStates::Place &place, Value x) {
  Value q, k, v;
  uint64_t queries = attention.heads * attention.headDim, keys = attention.kvHeads * attention.headDim;
  if (attention.fused) {
    Value all = linear(arguments, attention.fused, x);
    q = slice(all, 0, queries);
    k = slice(all, queries, keys);
    v = slice(all, queries + keys, keys);
  } else {
    q = linear(arguments, attention.query, x);
    k = linear(arguments, attention.key, x);
    v = linear(arguments, attention.value, x);
  }
  q = rope(arguments, attention, norm(arguments, attention.queryNorm, q));
  k = rope(arguments, attention, norm(arguments, attention.keyNorm, k));
  Value keyCache = stateRef(place.keys, place.keysType), valueCache = stateRef(place.values, place.valuesType);
  lm::KVAppendOp::create(builder, loc, k, v, keyCache, valueCache, arguments.layer, arguments.pos, arguments.n,
                         /*table=*/Value(), /*pairing=*/nullptr);
  uint64_t window = windowOf(attention);
  Value mixed = lm::AttentionOp::create(
                    builder, loc, q.getType(), q, keyCache, valueCache, arguments.layer, arguments.pos, arguments.n,
                    /*table=*/Value(), attention.heads, attention.kvHeads, llvm::APFloat(attention.scale),
                    window ? builder.getI64IntegerAttr(window) : IntegerAttr(),
                    attention.softcap ? builder.getF64FloatAttr(attention.softcap) : FloatAttr(),
                    /*bidirectional=*/model.encoder.has_value(), /*pairing=*/nullptr, /*slot=*/nullptr, ValueRange())
                    .getResult();
  return linear(arguments, attention.output, norm(arguments, attention.innerNorm, mixed));
}

Value DecoderBuilder::shortConv(const LayerArguments &arguments, const ShortConv &conv, Value x) {
  Value bcx = linear(arguments, conv.input, x);
  Value mixed = lm::ShortConvOp::create(builder, loc, x.getType(), bcx, arguments.of(conv.kernel),
                                        stateRef("history", historyType()), arguments.layer, arguments.pos,
                                        arguments.n, ValueRange())
                    .getResult();
  return linear(arguments, conv.output, mixed);
}

Value DecoderBuilder::feedForward(const LayerArguments &arguments, const FeedForward &feed, Value x) {
  Value gate, up;
  if (!feed.gate && !feed.fused) {
    up = linear(arguments, feed.up, x);
    up = lm::ActivateOp::create(builder, loc, up.getType(), up, arguments.n, feed.activation, ValueRange()).getResult();
    return linear(arguments, feed.down, norm(arguments, feed.innerNorm, up));
  }
  if (feed.fused) {
    Value both = linear(arguments, feed.fused, x);
    uint64_t inner = cast<RankedTensorType>(both.getType()).getDimSize(1) / 2;
    gate = slice(both, 0, inner);
    up = slice(both, inner, inner);
  } else {
    gate = linear(arguments, feed.gate, x);
    up = linear(arguments, feed.up, x);
  }
  Value inner = lm::GluOp::create(builder, loc, gate.getType(), gate, up, arguments.n, feed.activation, ValueRange())
                    .getResult();
  return linear(arguments, feed.down, norm(arguments, feed.innerNorm, inner));
}

Value DecoderBuilder::experts(const LayerArguments &arguments, const Experts &experts, Value x, Value normed) {
  int64_t rows = cast<RankedTensorType>(x.getType()).getDimSize(0), used = static_cast<int64_t>(experts.used);
  Type types[] = {RankedTensorType::get({rows, used}, builder.getI32Type()), rowsType(rows, experts.used)};
  auto top = lm::TopKOp::create(builder, loc, types, linear(arguments, experts.router, normed), arguments.n, used,
                                experts.normalizes, ValueRange());
  Value chosen = top.getResults()[0], weights = top.getResults()[1];
  auto product = [&](const Weight &weight, Value input, Value n, uint64_t columns) -> Value {
    Value all = arguments.of(weight);
    return lm::ExpertLinearOp::create(builder, all.getLoc(), rowsType(rows * used, columns), input, all, chosen, n,
                                      static_cast<int64_t>(experts.count), /*compute=*/Attribute());
  };
  // Rows for each expert that was chosen for a token, as many as `count`.
  Value count = arith::MulIOp::create(builder, loc, arguments.n, arith::ConstantIndexOp::create(builder, loc, used));
  auto ordered = [&](const Weight &order, Value input, Value n) -> Value {
    auto columns = static_cast<uint64_t>(cast<RankedTensorType>(input.getType()).getDimSize(1));
    return lm::ExpertReorderOp::create(builder, loc, rowsType(rows * used, columns), input, arguments.of(order), chosen,
                                       n, ValueRange())
        .getResult();
  };
  bool isOrdered = bool(experts.gateOrder);
  Value toGate = isOrdered ? ordered(experts.gateOrder, normed, arguments.n) : normed;
  Value toUp = experts.upOrder ? ordered(experts.upOrder, normed, arguments.n) : experts.sharesOrder ? toGate : normed;
  Value gate = product(experts.gate, toGate, toGate == normed ? arguments.n : count, experts.inner);
  Value up = product(experts.up, toUp, toUp == normed ? arguments.n : count, experts.inner);
  Value inner = lm::GluOp::create(builder, loc, gate.getType(), gate, up, count, experts.activation, ValueRange())
                    .getResult();
  if (experts.downOrder)
    inner = ordered(experts.downOrder, inner, count);
  Value branch = product(experts.down, inner, count, model.embedding);
  x = lm::ExpertSumOp::create(builder, loc, x.getType(), x, branch, weights, arguments.n, /*sigmoid=*/false,
                              ValueRange())
          .getResult();
  if (!experts.sharedGate)
    return x;
  Value shared = feedForward(arguments, experts.shared, normed);
  Value share = linear(arguments, experts.sharedGate, normed);
  return lm::ExpertSumOp::create(builder, loc, x.getType(), x, shared, share, arguments.n, /*sigmoid=*/true,
                                 ValueRange())
      .getResult();
}

Value DecoderBuilder::residual(const LayerArguments &arguments, Value x, Value branch) {
  if (model.residualScale == 1)
    return arith::AddFOp::create(builder, loc, x, branch);
  return lm::ResidualOp::create(builder, loc, x.getType(), x, branch, arguments.n, llvm::APFloat(model.residualScale),
                                ValueRange())
      .getResult();
}

/// A window that the program's context never leaves is none.
uint64_t DecoderBuilder::windowOf(const Attention &attention) const {
  return attention.window < shape.context ? attention.window : 0;
}

Value DecoderBuilder::layerBody(const LayerArguments &arguments, uint64_t index) {
  const Layer &layer = model.layers[index];
  Value x = arguments.x, mixed = norm(arguments, layer.mixerNorm, x);
  if (auto *which = std::get_if<Attention>(&layer.mixer))
    mixed = attention(arguments, *which, placeOf(index), mixed);
  else
    mixed = shortConv(arguments, std::get<ShortConv>(layer.mixer), mixed);
  Value y = residual(arguments, x, norm(arguments, layer.postMixerNorm, mixed));
  y = norm(arguments, layer.mixerSumNorm, y);
  Value normed = norm(arguments, layer.feedForwardNorm, y);
  if (auto *mixture = std::get_if<Experts>(&layer.feedForward))
    return experts(arguments, *mixture, y, normed);
  Value fed = feedForward(arguments, std::get<FeedForward>(layer.feedForward), normed);
  y = residual(arguments, y, norm(arguments, layer.postFeedForwardNorm, fed));
  return norm(arguments, layer.feedForwardSumNorm, y);
}
