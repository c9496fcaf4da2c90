//===- Rope.cpp - Rotary settings of a model file -------------------------===//
//
// Reads PREFIX.rope.* in the meaning that converters and llama.cpp give them:
//   scaling.type absent, factor present   linear
//   yarn        cos and sin are scaled by attn_factor · (1 + 0.1·ln(factor)):
//               arXiv 2309.00071, section 3.4; the logarithmic term is the
//               paper's, attn_factor the file's correction to it
//   llama3      by metadata, or as the tensor rope_freqs.weight of divisors that
//               converters compute from it
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/FamilyReader.h"
#include "compiler/Import/ImportError.h"

#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

StringRef nibble::getName(RopeSettings::Scaling scaling) {
  switch (scaling) {
  case RopeSettings::Scaling::None:
    return "none";
  case RopeSettings::Scaling::Linear:
    return "linear";
  case RopeSettings::Scaling::Llama3:
    return "llama3";
  case RopeSettings::Scaling::Yarn:
    return "yarn";
  }
  return "none";
}

namespace {

/// Reads the keys of one file below one prefix.
class RopeReader {
public:
  RopeReader(const ModelFile &file, StringRef prefix, uint64_t headDim,
             llvm::StringSet<> &used)
      : file(file), prefix(prefix.str() + ".rope."), headDim(headDim),
        used(used) {}

  Error read(uint64_t trainedContext);
  RopeSettings settings;

private:
  /// Replaces `value` if the key is there; it must be a finite number above
  /// `above`.
  Error readPositive(StringRef key, double &value, double above = 0);
  Error readScalingType();
  Error readYarn();
  Error readFactorTensor(const GGUFTensor &factors, std::vector<float> &values);
  Error readFactors(StringRef tensor, StringRef suffix,
                    std::vector<float> &values);
  Error readAllFactors();

  const ModelFile &file;
  std::string prefix;
  uint64_t headDim;
  llvm::StringSet<> &used;
};

Error RopeReader::readPositive(StringRef suffix, double &value, double above) {
  std::string key = prefix + suffix.str();
  auto found = file.findFloat(key);
  if (!found)
    return found.takeError();
  if (!*found)
    return Error::success();
  if (!std::isfinite(**found) || !(**found > above))
    return file.keyError(key, "expected a finite number above " +
                                  std::to_string(above) + ", found " +
                                  std::to_string(**found));
  value = **found;
  return Error::success();
}

Error RopeReader::readScalingType() {
  using Scaling = RopeSettings::Scaling;
  std::string key = prefix + "scaling.type";
  auto name = file.findString(key);
  if (!name)
    return name.takeError();
  bool hasFactor = file.find(prefix + "scaling.factor") != nullptr;
  StringRef kind = name->value_or(hasFactor ? "linear" : "none");
  if (kind == "none" || kind == "longrope")
    settings.scaling = Scaling::None;
  else if (kind == "linear")
    settings.scaling = Scaling::Linear;
  else if (kind == "llama3")
    settings.scaling = Scaling::Llama3;
  else if (kind == "yarn")
    settings.scaling = Scaling::Yarn;
  else
    return file.unsupportedKey(key, "unsupported rotary scaling: expected "
                                    "none, linear, llama3, yarn or longrope, "
                                    "found " +
                                        quote(kind));
  return Error::success();
}

Error RopeReader::readYarn() {
  if (Error error = readPositive("scaling.yarn_beta_fast", settings.betaFast))
    return error;
  if (Error error = readPositive("scaling.yarn_beta_slow", settings.betaSlow))
    return error;
  if (Error error = readPositive("scaling.yarn_ext_factor",
                                 settings.extrapolationFactor))
    return error;
  // Replaces the 0.1 of the logarithmic term; no model of this family has it.
  std::string multiplier = prefix + "scaling.yarn_log_multiplier";
  if (file.find(multiplier))
    return file.unsupportedKey(multiplier,
                               "unsupported rotary scaling: expected yarn "
                               "without a logarithmic multiplier, found one");
  double attention = 1;
  if (Error error = readPositive("scaling.attn_factor", attention))
    return error;
  if (Error error = readPositive("scaling.yarn_attn_factor", attention))
    return error;
  settings.attentionFactor =
      attention * (1 + 0.1 * std::log(std::max(1.0, settings.factor)));
  return Error::success();
}

/// The divisors in a tensor, which is marked as used.
Error RopeReader::readFactorTensor(const GGUFTensor &factors,
                                   std::vector<float> &values) {
  used.insert(factors.name);
  if (factors.dims != std::vector<uint64_t>{settings.dims / 2})
    return file.tensorError(factors, "expected " +
                                         llvm::Twine(settings.dims / 2) +
                                         " values, found dimensions " +
                                         describeDims(factors.dims));
  if (factors.getType().name != "f32")
    return file.unsupportedTensor(factors,
                                  "unsupported tensor type: expected f32, "
                                  "found " +
                                      factors.getType().name);
  values.resize(settings.dims / 2);
  llvm::MutableArrayRef<uint8_t> bytes(
      reinterpret_cast<uint8_t *>(values.data()), factors.byteSize);
  if (Error error = file.readAt(factors.fileIndex, factors.offset, bytes))
    return error;
  // At most head_dim / 2 values: the only tensors whose bytes are judged here,
  // because a zero or a NaN in them would poison every angle.
  for (float value : values)
    if (!std::isfinite(value) || !(value > 0))
      return file.tensorError(factors,
                              "expected finite divisors above 0, found " +
                                  std::to_string(value));
  return Error::success();
}

/// The divisors in a tensor or in a key; none if there is neither.
Error RopeReader::readFactors(StringRef tensor, StringRef suffix,
                              std::vector<float> &values) {
  if (const GGUFTensor *factors = file.findTensor(tensor))
    return readFactorTensor(*factors, values);
  std::string key = prefix + suffix.str();
  auto found = file.findFloats(key);
  if (!found)
    return found.takeError();
  if (!*found)
    return Error::success();
  if ((*found)->size() != settings.dims / 2)
    return file.keyError(key, "expected " + llvm::Twine(settings.dims / 2) +
                                  " divisors, found " +
                                  llvm::Twine((*found)->size()));
  for (double value : **found) {
    if (!std::isfinite(value) || !(value > 0))
      return file.keyError(key, "expected finite divisors above 0, found " +
                                    std::to_string(value));
    values.push_back(static_cast<float>(value));
  }
  return Error::success();
}

/// Every list of divisors that there is; the long one only beside a short one.
Error RopeReader::readAllFactors() {
  if (Error error = readFactors("rope_freqs.weight", "scaling.factors",
                                settings.factors))
    return error;
  if (Error error = readFactors("rope_factors_short.weight",
                                "scaling.short_factors", settings.factors))
    return error;
  if (Error error = readFactors("rope_factors_long.weight",
                                "scaling.long_factors", settings.longFactors))
    return error;
  if (settings.longFactors.empty())
    return Error::success();
  if (settings.factors.empty())
    return malformed(file.getPath() + ": rotary divisors for long contexts "
                                      "stand without those for short ones");
  // Absent in files whose list was made with a factor of 1.
  return readPositive("scaling.attn_factor", settings.attentionFactor);
}

Error RopeReader::read(uint64_t trainedContext) {
  if (Error error = readPositive("freq_base", settings.base, 1))
    return error;
  auto dims = file.findUInt(prefix + "dimension_count", 2, headDim);
  if (!dims)
    return dims.takeError();
  settings.dims = dims->value_or(headDim);
  if (settings.dims % 2 != 0)
    return file.keyError(prefix + "dimension_count",
                         "expected an even number, found " +
                             llvm::Twine(settings.dims));
  if (Error error = readScalingType())
    return error;

  // scale_linear: the name of the factor in files of 2023.
  if (Error error = readPositive("scale_linear", settings.factor))
    return error;
  if (settings.factor != 1 && settings.scaling == RopeSettings::Scaling::None)
    settings.scaling = RopeSettings::Scaling::Linear;
  if (Error error = readPositive("scaling.factor", settings.factor))
    return error;

  auto original =
      file.findUInt(prefix + "scaling.original_context_length", 1);
  if (!original)
    return original.takeError();
  settings.originalContext =
      static_cast<double>(original->value_or(trainedContext));
  if (settings.scaling == RopeSettings::Scaling::Yarn)
    if (Error error = readYarn())
      return error;
  if (settings.scaling == RopeSettings::Scaling::Llama3) {
    if (Error error = readPositive("scaling.low_freq_factor",
                                   settings.lowFrequencyFactor))
      return error;
    if (Error error = readPositive("scaling.high_freq_factor",
                                   settings.highFrequencyFactor,
                                   settings.lowFrequencyFactor))
      return error;
  }
  return readAllFactors();
}

} // namespace

Expected<RopeSettings> nibble::readRope(const ModelFile &file, StringRef prefix,
                                        uint64_t headDim,
                                        uint64_t trainedContext,
                                        llvm::StringSet<> &used) {
  RopeReader reader(file, prefix, headDim, used);
  if (Error error = reader.read(trainedContext))
    return std::move(error);
  return reader.settings;
}
