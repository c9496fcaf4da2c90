//===- Llama.cpp - The architecture `llama` in GGUF files -----------------===//
//
// Reads the keys `llama.*` and finds the tensor of each role. See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/Llama.h"

#include "compiler/Import/ImportError.h"

#include "llvm/ADT/StringSet.h"

#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

class LlamaReader {
public:
  LlamaReader(const ModelFile &file, StringRef prefix)
      : file(file), prefix(prefix.str() + ".") {}

  Error read();
  LlamaModel model;

private:
  Error readUInt(StringRef key, uint64_t &value);
  Error refusePerLayer(StringRef key);
  Error refuseUnknownFeatures();
  Error readShape();
  Error readHeads();
  Error readNumbers();
  Error readTensors();
  Error readLayer(uint64_t index, LlamaLayer &layer);
  Error readTensor(const Twine &name, llvm::ArrayRef<uint64_t> dims,
                   bool required, LlamaWeight &weight);
  Error readVector(const Twine &name, uint64_t size, bool required,
                   LlamaWeight &weight);
  Error readLinear(const Twine &name, uint64_t rows, uint64_t columns,
                   LlamaLinear &linear);
  Error refuseSurplus();

  const ModelFile &file;
  std::string prefix;
  llvm::StringSet<> used;
};

/// Bound of every dimension: products of two stay far below 2^63.
constexpr uint64_t maxDimension = 1 << 24;

Error LlamaReader::readUInt(StringRef key, uint64_t &value) {
  auto found = file.getUInt(prefix + key.str(), 1, maxDimension);
  if (!found)
    return found.takeError();
  value = *found;
  return Error::success();
}

/// Some architectures give these per layer; llama models with it exist, but the
/// layers of a Nibble model have one shape.
Error LlamaReader::refusePerLayer(StringRef suffix) {
  std::string key = prefix + suffix.str();
  const GGUFValue *value = file.find(key);
  if (!value || value->type != GGUFValueType::Array)
    return Error::success();
  return file.unsupportedKey(key, "unsupported: expected one number for all layers, "
                             "found an " +
                                 value->describeType());
}

Error LlamaReader::refuseUnknownFeatures() {
  std::string experts = prefix + "expert_count";
  auto count = file.findUInt(experts);
  if (!count)
    return count.takeError();
  if (count->value_or(0) > 0)
    return file.unsupportedKey(experts, "unsupported: expected no experts, found "
                                   "a mixture of " +
                                       Twine(**count));
  std::string causal = prefix + "attention.causal";
  auto isCausal = file.findBool(causal);
  if (!isCausal)
    return isCausal.takeError();
  if (!isCausal->value_or(true))
    return file.unsupportedKey(causal, "unsupported: expected causal attention, "
                                  "found false");
  std::string window = prefix + "attention.sliding_window";
  auto width = file.findUInt(window);
  if (!width)
    return width.takeError();
  if (width->value_or(0) > 0 && **width < model.config.trainedContext)
    return file.unsupportedKey(window, "unsupported: expected attention to all " +
                                      Twine(model.config.trainedContext) +
                                      " positions, found a window of " +
                                      Twine(**width));
  return Error::success();
}

Error LlamaReader::readShape() {
  LlamaConfig &config = model.config;
  for (StringRef key : {"feed_forward_length", "attention.head_count",
                        "attention.head_count_kv"})
    if (Error error = refusePerLayer(key))
      return error;
  if (Error error = readUInt("block_count", config.layers))
    return error;
  if (Error error = readUInt("embedding_length", config.embedding))
    return error;
  if (Error error = readUInt("feed_forward_length", config.feedForward))
    return error;
  if (Error error = readUInt("context_length", config.trainedContext))
    return error;
  // Each layer has tensors, so this bounds every loop over layers.
  if (config.layers > file.tensors().size())
    return file.keyError(prefix + "block_count",
                         "expected tensors for " + Twine(config.layers) +
                             " layers, found " + Twine(file.tensors().size()) +
                             " tensors in the file");
  return Error::success();
}

Error LlamaReader::readHeads() {
  LlamaConfig &config = model.config;
  if (Error error = readUInt("attention.head_count", config.heads))
    return error;
  std::string kvKey = prefix + "attention.head_count_kv";
  auto kvHeads = file.findUInt(kvKey, 1, maxDimension);
  if (!kvHeads)
    return kvHeads.takeError();
  config.kvHeads = kvHeads->value_or(config.heads);
  if (config.heads % config.kvHeads != 0)
    return file.keyError(kvKey, "expected a divisor of the " +
                                    Twine(config.heads) + " heads, found " +
                                    Twine(config.kvHeads));

  std::string keyLength = prefix + "attention.key_length";
  auto headDim = file.findUInt(keyLength, 1, maxDimension);
  if (!headDim)
    return headDim.takeError();
  if (!*headDim && config.embedding % config.heads != 0)
    return file.keyError(prefix + "attention.head_count",
                         "expected a divisor of the embedding length " +
                             Twine(config.embedding) + ", found " +
                             Twine(config.heads));
  config.headDim = headDim->value_or(config.embedding / config.heads);
  std::string valueLength = prefix + "attention.value_length";
  auto valueDim = file.findUInt(valueLength, 1, maxDimension);
  if (!valueDim)
    return valueDim.takeError();
  if (valueDim->value_or(config.headDim) != config.headDim)
    return file.unsupportedKey(valueLength,
                          "unsupported: expected the key length " +
                              Twine(config.headDim) + ", found " +
                              Twine(**valueDim));
  return Error::success();
}

Error LlamaReader::readNumbers() {
  LlamaConfig &config = model.config;
  std::string key = prefix + "attention.layer_norm_rms_epsilon";
  auto epsilon = file.getFloat(key);
  if (!epsilon)
    return epsilon.takeError();
  if (!(*epsilon >= 0 && *epsilon < 1))
    return file.keyError(key, "expected a number from 0 to 1, found " +
                                  std::to_string(*epsilon));
  config.normEpsilon = *epsilon;

  config.attentionScale = 1 / std::sqrt(static_cast<double>(config.headDim));
  key = prefix + "attention.scale";
  auto scale = file.findFloat(key);
  if (!scale)
    return scale.takeError();
  // Converters write 0 for "the usual".
  if (scale->value_or(0) != 0) {
    if (!std::isfinite(**scale))
      return file.keyError(key, "expected a finite number, found " +
                                    std::to_string(**scale));
    config.attentionScale = **scale;
  }
  auto rope = readRope(file, StringRef(prefix).drop_back(), config.headDim,
                       config.trainedContext);
  if (!rope)
    return rope.takeError();
  config.rope = *rope;
  if (rope->factors)
    used.insert(rope->factors->name);
  return Error::success();
}

Error LlamaReader::readTensor(const Twine &twine, llvm::ArrayRef<uint64_t> dims,
                              bool required, LlamaWeight &weight) {
  std::string name = twine.str();
  const GGUFTensor *tensor = file.findTensor(name);
  if (!tensor) {
    if (!required)
      return Error::success();
    return malformed(file.getPath() + ": tensor '" + name + "': expected " +
                     describeDims(dims) + ", found no such tensor");
  }
  if (llvm::ArrayRef(tensor->dims) != dims)
    return file.tensorError(*tensor, "expected dimensions " +
                                         describeDims(dims) + ", found " +
                                         describeDims(tensor->dims));
  weight.format = lowbit::findFormatByGGUFId(tensor->typeId);
  if (!weight.format) {
    std::string known;
    for (const lowbit::Format &format : lowbit::formats())
      known += (known.empty() ? "" : ", ") + std::string(format.name);
    return file.unsupportedTensor(*tensor,
                             "unsupported tensor type: expected one of " +
                                 known + "; found " + tensor->getType().name);
  }
  weight.tensor = tensor;
  used.insert(name);
  return Error::success();
}

Error LlamaReader::readVector(const Twine &name, uint64_t size, bool required,
                              LlamaWeight &weight) {
  if (Error error = readTensor(name, {size}, required, weight))
    return error;
  if (weight && weight.tensor->getType().name != "f32")
    return file.unsupportedTensor(*weight.tensor,
                             "unsupported tensor type: expected f32 for a "
                             "vector, found " +
                                 weight.tensor->getType().name);
  return Error::success();
}

Error LlamaReader::readLinear(const Twine &name, uint64_t rows,
                              uint64_t columns, LlamaLinear &linear) {
  if (Error error = readTensor(name + ".weight", {columns, rows},
                               /*required=*/true, linear.weight))
    return error;
  return readVector(name + ".bias", rows, /*required=*/false, linear.bias);
}

Error LlamaReader::readLayer(uint64_t index, LlamaLayer &layer) {
  const LlamaConfig &config = model.config;
  uint64_t width = config.embedding, inner = config.feedForward;
  uint64_t queries = config.heads * config.headDim;
  uint64_t keys = config.kvHeads * config.headDim;
  std::string block = "blk." + std::to_string(index) + ".";
  if (Error error = readVector(block + "attn_norm.weight", width,
                               /*required=*/true, layer.attentionNorm))
    return error;
  if (Error error = readVector(block + "ffn_norm.weight", width,
                               /*required=*/true, layer.feedForwardNorm))
    return error;
  struct Role {
    StringRef name;
    uint64_t rows, columns;
    LlamaLinear &linear;
  };
  const Role roles[] = {
      {"attn_q", queries, width, layer.query},
      {"attn_k", keys, width, layer.key},
      {"attn_v", keys, width, layer.value},
      {"attn_output", width, queries, layer.attentionOutput},
      {"ffn_gate", inner, width, layer.gate},
      {"ffn_up", inner, width, layer.up},
      {"ffn_down", width, inner, layer.down},
  };
  for (const Role &role : roles)
    if (Error error =
            readLinear(block + role.name, role.rows, role.columns, role.linear))
      return error;
  return Error::success();
}

Error LlamaReader::readTensors() {
  LlamaConfig &config = model.config;
  const GGUFTensor *table = file.findTensor("token_embd.weight");
  if (!table)
    return malformed(file.getPath() + ": tensor 'token_embd.weight': expected "
                                      "the embedding table, found no such "
                                      "tensor");
  if (table->dims.size() != 2 || table->dims[1] > maxDimension)
    return file.tensorError(*table, "expected dimensions " +
                                        Twine(config.embedding) +
                                        " x vocabulary, found " +
                                        describeDims(table->dims));
  config.vocabulary = table->dims[1];
  auto tokens = file.findStrings("tokenizer.ggml.tokens");
  if (!tokens)
    return tokens.takeError();
  if (*tokens && (*tokens)->size() != config.vocabulary)
    return file.tensorError(*table, "expected one row for each of the " +
                                        Twine((*tokens)->size()) +
                                        " tokens, found " +
                                        Twine(config.vocabulary));
  std::vector<uint64_t> tableDims = {config.embedding, config.vocabulary};
  if (Error error = readTensor("token_embd.weight", tableDims,
                               /*required=*/true, model.embedding))
    return error;
  if (Error error = readVector("output_norm.weight", config.embedding,
                               /*required=*/true, model.outputNorm))
    return error;
  if (Error error = readTensor("output.weight", tableDims,
                               /*required=*/false, model.output))
    return error;
  model.tied = !model.output;
  if (model.tied)
    model.output = model.embedding;
  model.layers.resize(config.layers);
  for (uint64_t i = 0; i < config.layers; ++i)
    if (Error error = readLayer(i, model.layers[i]))
      return error;
  return refuseSurplus();
}

Error LlamaReader::refuseSurplus() {
  for (const GGUFTensor &tensor : file.tensors())
    if (!used.contains(tensor.name))
      return file.unsupportedTensor(
          tensor, "unsupported: expected the tensors of " +
                      Twine(model.config.layers) + " llama layers, found one "
                      "that this architecture does not use");
  return Error::success();
}

Error LlamaReader::read() {
  if (Error error = readShape())
    return error;
  if (Error error = refuseUnknownFeatures())
    return error;
  if (Error error = readHeads())
    return error;
  if (Error error = readNumbers())
    return error;
  return readTensors();
}

} // namespace

Expected<LlamaModel> nibble::readLlama(const ModelFile &file,
                                       StringRef prefix) {
  LlamaReader reader(file, prefix);
  if (Error error = reader.read())
    return std::move(error);
  return std::move(reader.model);
}
