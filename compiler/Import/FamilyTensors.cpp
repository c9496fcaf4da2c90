//===- FamilyTensors.cpp - The tensors of a model family ------------------===//
//
// See FamilyReader.h.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/FamilyReader.h"
#include "compiler/Import/ImportError.h"

using namespace nibble;
using llvm::StringRef;
using llvm::Twine;

Weight FamilyReader::tensor(const std::string &name, llvm::ArrayRef<uint64_t> dims, bool required) {
  Weight weight;
  if (failed())
    return weight;
  const GGUFTensor *tensor = file.findTensor(name);
  if (!tensor) {
    if (required)
      fail(malformed(file.getPath() + ": tensor '" + name + "': expected " + describeDims(dims) +
                     ", found no such tensor"));
    return weight;
  }
  used.insert(name);
  if (llvm::ArrayRef(tensor->dims) != dims) {
    fail(file.tensorError(*tensor, "expected dimensions " + describeDims(dims) + ", found " +
                                       describeDims(tensor->dims)));
    return weight;
  }
  weight.tensor = tensor;
  if (tensor->packed)
    return weight;
  weight.format = lowbit::findFormatByGGUFId(tensor->typeId);
  if (!weight.format) {
    std::string known;
    for (const lowbit::Format &format : lowbit::formats())
      known += (known.empty() ? "" : ", ") + std::string(format.name);
    fail(file.unsupportedTensor(*tensor, "unsupported tensor type: expected one of " + known + "; found " +
                                        tensor->getTypeName()));
  }
  return weight;
}

/// What is not multiplied as a matrix is held as f32, which has every number of the other floats.
Weight FamilyReader::widened(Weight weight, StringRef what) {
  if (failed() || !weight)
    return weight;
  if (!weight.format || !weight.format->isFloat)
    fail(file.unsupportedTensor(*weight.tensor, "unsupported tensor type: expected f32, f16 or bf16" + what +
                                                    ", found " + weight.tensor->getTypeName()));
  weight.isWidened = true;
  return weight;
}

Weight FamilyReader::floats(StringRef name, llvm::ArrayRef<uint64_t> dims) {
  return widened(tensor(block + name.str() + ".weight", dims), "");
}

Weight FamilyReader::vector(const std::string &name, uint64_t size, bool required) {
  return widened(tensor(name, {size}, required), " for a vector");
}

Norm FamilyReader::norm(StringRef name, uint64_t size) {
  return {vector(block + name.str() + ".weight", size), Weight(), /*centred=*/false};
}

Norm FamilyReader::layerNorm(StringRef name, uint64_t size) {
  return {vector(block + name.str() + ".weight", size),
          vector(block + name.str() + ".bias", size, /*required=*/false), /*centred=*/true};
}

Linear FamilyReader::linear(StringRef name, uint64_t rows, uint64_t columns) {
  Linear linear = {tensor(block + name.str() + ".weight", {columns, rows}),
                   vector(block + name.str() + ".bias", rows, /*required=*/false)};
  if (!failed() && linear.weight.tensor->packed && !linear.weight.tensor->packed->orderName.empty()) {
    linear.order.tensor = file.findTensor(linear.weight.tensor->packed->orderName);
    used.insert(linear.order.tensor->name);
  }
  return linear;
}

/// Neighbours with one input and one order of columns have one tensor for it.
static void shareOrder(const Linear &first, Linear &second) {
  bool isShared = first.order && second.order &&
                  first.weight.tensor->packed->orderBytes == second.weight.tensor->packed->orderBytes;
  if (isShared)
    second.order = first.order;
}

Attention FamilyReader::attention(Attention attention) {
  uint64_t width = model.embedding, queries = attention.heads * attention.headDim,
           keys = attention.kvHeads * attention.headDim;
  if (hasTensor("attn_qkv.weight")) {
    attention.fused = linear("attn_qkv", queries + 2 * keys, width);
  } else {
    attention.query = linear("attn_q", queries, width);
    attention.key = linear("attn_k", keys, width);
    attention.value = linear("attn_v", keys, width);
    shareOrder(attention.query, attention.key);
    shareOrder(attention.key, attention.value);
  }
  attention.output = linear("attn_output", width, queries);
  return attention;
}

FeedForward FamilyReader::feedForward(lm::Activation activation) {
  uint64_t width = model.embedding, inner = model.feedForward;
  FeedForward feed;
  feed.activation = activation;
  const GGUFTensor *up = file.findTensor(block + "ffn_up.weight");
  bool isFused = up && up->dims.size() == 2 && up->dims[1] == 2 * inner && !hasTensor("ffn_gate.weight");
  if (isFused) {
    feed.fused = linear("ffn_up", 2 * inner, width);
  } else {
    feed.gate = linear("ffn_gate", inner, width);
    feed.up = linear("ffn_up", inner, width);
    shareOrder(feed.gate, feed.up);
  }
  feed.down = linear("ffn_down", width, inner);
  return feed;
}

void FamilyReader::table() {
  if (failed())
    return;
  const GGUFTensor *table = file.findTensor("token_embd.weight");
  if (!table)
    return fail(malformed(file.getPath() +
                          ": tensor 'token_embd.weight': expected the embedding table, found no such tensor"));
  if (table->dims.size() != 2 || table->dims[1] > 1 << 24)
    return fail(file.tensorError(*table, "expected dimensions " + Twine(model.embedding) + " x vocabulary, found " +
                                             describeDims(table->dims)));
  model.vocabulary = table->dims[1];
  auto tokens = file.findStrings("tokenizer.ggml.tokens");
  if (!tokens)
    return fail(tokens.takeError());
  if (*tokens && (*tokens)->size() != model.vocabulary)
    return fail(file.tensorError(*table, "expected one row for each of the " + Twine((*tokens)->size()) +
                                             " tokens, found " + Twine(model.vocabulary)));
  model.table = tensor("token_embd.weight", {model.embedding, model.vocabulary});
}

void FamilyReader::ends(bool centred, StringRef normName) {
  table();
  std::vector<uint64_t> dims = {model.embedding, model.vocabulary};
  model.outputNorm = centred ? layerNorm(normName) : norm(normName);
  model.output.weight = tensor("output.weight", dims, /*required=*/false);
  model.output.bias = vector("output.bias", model.vocabulary, /*required=*/false);
  model.tied = !model.output.weight;
  if (model.tied)
    model.output.weight = model.table;
}

void FamilyReader::eachLayer(llvm::function_ref<void(uint64_t index, Layer &layer)> read) {
  if (failed())
    return;
  model.layers.resize(layers);
  for (uint64_t index = 0; index < layers && !failed(); ++index) {
    block = "blk." + std::to_string(index) + ".";
    read(index, model.layers[index]);
  }
  block.clear();
}

void FamilyReader::refuseSurplus() {
  for (const GGUFTensor &tensor : file.tensors()) {
    StringRef base = tensor.name;
    bool isScale = base.consume_back(".scale") || base.consume_back(".input_scale");
    if (isScale && !used.contains(tensor.name) && used.contains(base.str() + ".weight"))
      return fail(
          file.unsupportedTensor(tensor, "unsupported: a scale for all of '" + base +
                                             ".weight', which is not one "
                                             "f32 for a matrix of codes with scales of one level, as of nvfp4"));
    if (!used.contains(tensor.name))
      return fail(file.unsupportedTensor(tensor, "unsupported: expected the tensors of " + Twine(layers) + " " +
                                                model.architecture +
                                                " layers, found one that this architecture does not use"));
  }
}
