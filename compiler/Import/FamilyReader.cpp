//===- FamilyReader.cpp - Building blocks to read a model family ----------===//
//
// Keys and the model's numbers; tensors are in FamilyTensors.cpp.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/FamilyReader.h"

#include "compiler/Import/ImportError.h"

#include <algorithm>
#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

/// Bound of every dimension: products of two stay far below 2^63.
constexpr uint64_t maxDimension = 1 << 24;

FamilyReader::FamilyReader(const ModelFile &file, StringRef architecture)
    : file(file), prefix(architecture.str() + ".") {
  model.architecture = architecture.str();
}

llvm::Expected<Decoder> FamilyReader::finish() {
  if (!failed())
    refuseSurplus();
  if (failed())
    return std::move(*problem);
  return std::move(model);
}

const Attention &Decoder::firstAttention() const {
  for (const Layer &layer : layers)
    if (auto *attention = std::get_if<Attention>(&layer.mixer))
      return *attention;
  static const Attention none;
  return none;
}

//===--- errors ---------------------------------------------------------------===//

void FamilyReader::fail(Error error) {
  if (failed())
    llvm::consumeError(std::move(error));
  else
    problem.emplace(std::move(error));
}

void FamilyReader::unsupportedKey(StringRef suffix, const Twine &message) {
  std::string key = prefix + suffix.str();
  fail(file.unsupportedKey(key, "unsupported: " + message));
}

void FamilyReader::refuseExperts() {
  if (uint64_t experts = count("expert_count", 0))
    unsupportedKey("expert_count", "expected no experts, found a mixture of " + Twine(experts));
}

/// Some architectures give these per layer; the layers of these families have one shape.
void FamilyReader::refusePerLayer(StringRef key) {
  const GGUFValue *value = file.find(prefix + key.str());
  if (value && value->type == GGUFValueType::Array)
    unsupportedKey(key, "expected one number for all layers, found an " + value->describeType());
}

//===--- keys -----------------------------------------------------------------===//

/// Whether there is a value; an error is kept.
template <typename T> bool FamilyReader::take(llvm::Expected<T> value, T &into) {
  if (!value) {
    fail(value.takeError());
    return false;
  }
  into = std::move(*value);
  return true;
}

uint64_t FamilyReader::count(StringRef key) {
  uint64_t value = 1;
  if (!failed())
    take(file.getUInt(prefix + key.str(), 1, maxDimension), value);
  return value;
}

uint64_t FamilyReader::count(StringRef key, uint64_t fallback) {
  std::optional<uint64_t> value;
  if (!failed())
    take(file.findUInt(prefix + key.str(), 0, maxDimension), value);
  return value.value_or(fallback);
}

double FamilyReader::number(StringRef key, double fallback) {
  std::optional<double> value;
  if (failed() || !take(file.findFloat(prefix + key.str()), value) || value.value_or(0) == 0)
    return fallback;
  if (!std::isfinite(*value))
    fail(file.keyError(prefix + key.str(), "expected a finite number, found " + std::to_string(*value)));
  return *value;
}

bool FamilyReader::flag(StringRef key, bool fallback) {
  std::optional<bool> value;
  if (!failed())
    take(file.findBool(prefix + key.str()), value);
  return value.value_or(fallback);
}

std::vector<uint64_t> FamilyReader::perLayer(StringRef suffix) {
  std::string key = prefix + suffix.str();
  const GGUFValue *value = file.find(key);
  if (failed() || !value || value->type != GGUFValueType::Array)
    return {};
  // Flags come as an array of bools, which no other key is.
  const std::vector<uint64_t> *numbers = &value->numbers;
  if (value->elementType != GGUFValueType::Bool && !take(file.findInts(key), numbers))
    return {};
  if (numbers->size() != layers) {
    fail(file.keyError(key, "expected one number for each of the " + Twine(layers) + " layers, found " +
                                Twine(numbers->size())));
    return {};
  }
  return *numbers;
}

//===--- the model's numbers --------------------------------------------------===//

void FamilyReader::shape(StringRef epsilonKey, bool causal) {
  refusePerLayer("feed_forward_length");
  layers = count("block_count");
  model.embedding = count("embedding_length");
  model.feedForward = count("feed_forward_length");
  model.trainedContext = count("context_length");
  // Each layer has tensors, so this bounds every loop over layers.
  if (!failed() && layers > file.tensors().size())
    fail(file.keyError(prefix + "block_count", "expected tensors for " + Twine(layers) + " layers, found " +
                                                   Twine(file.tensors().size()) + " tensors in the file"));
  if (causal && !flag("attention.causal", true))
    unsupportedKey("attention.causal", "expected causal attention, found false");
  if (!causal && flag("attention.causal", false))
    unsupportedKey("attention.causal", "expected attention to all rows, found causal attention");
  std::string key = prefix + epsilonKey.str();
  double epsilon = 0;
  if (failed() || !take(file.getFloat(key), epsilon))
    return;
  if (!(epsilon >= 0 && epsilon < 1))
    fail(file.keyError(key, "expected a number from 0 to 1, found " + std::to_string(epsilon)));
  model.normEpsilon = epsilon;
}

/// The number for all layers, or the one of those that have any.
uint64_t FamilyReader::readKeyValueHeads(uint64_t heads, bool mayVary) {
  StringRef key = "attention.head_count_kv";
  if (!mayVary)
    refusePerLayer(key);
  std::vector<uint64_t> counts = perLayer(key);
  if (counts.empty())
    return has(key) ? count(key) : heads;
  uint64_t largest = *std::max_element(counts.begin(), counts.end());
  for (uint64_t each : counts)
    if (each != 0 && each != largest)
      unsupportedKey(key, "expected 0 or the same number for all layers, found " + Twine(each) + " and " +
                              Twine(largest));
  return std::max<uint64_t>(largest, 1);
}

Attention FamilyReader::heads(bool perLayer) {
  Attention shape;
  refusePerLayer("attention.head_count");
  shape.heads = count("attention.head_count");
  shape.kvHeads = readKeyValueHeads(shape.heads, perLayer);
  if (!failed() && shape.heads % shape.kvHeads != 0)
    fail(file.keyError(prefix + "attention.head_count_kv", "expected a divisor of the " + Twine(shape.heads) +
                                                               " heads, found " + Twine(shape.kvHeads)));
  bool isWide = has("attention.key_length");
  if (!failed() && !isWide && model.embedding % shape.heads != 0)
    fail(file.keyError(prefix + "attention.head_count", "expected a divisor of the embedding length " +
                                                            Twine(model.embedding) + ", found " + Twine(shape.heads)));
  shape.headDim = isWide ? count("attention.key_length") : std::max<uint64_t>(model.embedding / shape.heads, 1);
  uint64_t valueDim = count("attention.value_length", shape.headDim);
  if (valueDim != shape.headDim)
    unsupportedKey("attention.value_length",
                   "expected the key length " + Twine(shape.headDim) + ", found " + Twine(valueDim));
  shape.scale = number("attention.scale", 1 / std::sqrt(static_cast<double>(shape.headDim)));
  return shape;
}

uint64_t FamilyReader::window() {
  uint64_t width = count("attention.sliding_window", 0);
  return width < model.trainedContext ? width : 0;
}

std::vector<bool> FamilyReader::slidingLayers(uint64_t period) {
  std::vector<bool> slides(layers, false);
  if (count("attention.sliding_window", 0) == 0)
    return slides;
  StringRef key = "attention.sliding_window_pattern";
  std::vector<uint64_t> flags = perLayer(key);
  if (flags.empty())
    period = count(key, period);
  for (uint64_t index = 0; index < layers && !failed(); ++index)
    slides[index] = flags.empty() ? period == 0 || (index + 1) % period != 0 : flags[index] != 0;
  return slides;
}

RopeSettings &FamilyReader::rope(uint64_t headDim, bool reordered) {
  model.pairing = reordered && file.hasInterleavedRope() ? lm::Pairing::Interleaved : lm::Pairing::Halves;
  model.ropes.emplace_back();
  if (!failed())
    take(readRope(file, StringRef(prefix).drop_back(), headDim, model.trainedContext, used), model.ropes.back());
  return model.ropes.back();
}

int FamilyReader::slidingRope(double base) {
  RopeSettings sliding;
  sliding.dims = model.ropes.back().dims;
  sliding.base = number("rope.freq_base_swa", base);
  model.ropes.push_back(sliding);
  return static_cast<int>(model.ropes.size()) - 1;
}
