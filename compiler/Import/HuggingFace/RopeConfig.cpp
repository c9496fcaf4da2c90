//===- RopeConfig.cpp - Rotary settings of config.json --------------------===//
//
// The scalings are described in RopeTable.cpp; names and defaults are those of
// `transformers`, modeling_rope_utils.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/RopeConfig.h"

#include "compiler/Import/ImportError.h"

#include <algorithm>
#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace {

class RopeTranslator {
public:
  RopeTranslator(const JSONView &config, StringRef architecture,
                 HuggingFaceFolder &folder)
      : config(config), folder(folder), prefix(architecture.str() + ".rope.") {}

  Error read();

private:
  /// Adds `to` if `view` has the number `from`.
  Error copy(const JSONView &view, StringRef from, const Twine &to);
  Error readBases();
  Error readDims(const JSONView &view);
  Error readScaling(const JSONView &view);
  Error readYarn(const JSONView &view);
  Error readLongRope(const JSONView &view);
  Error readFactors(const JSONView &view, StringRef from, StringRef to);
  Expected<double> getOriginalContext(const JSONView &view);

  const JSONView &config;
  HuggingFaceFolder &folder;
  std::string prefix;
};

Error RopeTranslator::copy(const JSONView &view, StringRef from,
                           const Twine &to) {
  auto value = view.findNumber(from);
  if (!value)
    return value.takeError();
  if (*value)
    folder.addFloat((prefix + to).str(), **value, view.describe(from));
  return Error::success();
}

/// `dims` is a share of the head.
Error RopeTranslator::readDims(const JSONView &view) {
  auto share = view.findNumber("partial_rotary_factor");
  if (!share)
    return share.takeError();
  if (!*share || **share == 1)
    return Error::success();
  auto heads = config.findUInt("num_attention_heads", 1);
  if (!heads)
    return heads.takeError();
  auto width = config.findUInt("hidden_size");
  if (!width)
    return width.takeError();
  auto headDim = config.findUInt("head_dim");
  if (!headDim)
    return headDim.takeError();
  uint64_t dims = headDim->value_or(width->value_or(0) / heads->value_or(1));
  if (!(**share > 0 && **share < 1))
    return view.malformedKey("partial_rotary_factor",
                             "expected a number from 0 to 1");
  folder.addUInt(prefix + "dimension_count",
                 static_cast<uint64_t>(static_cast<double>(dims) * **share),
                 view.describe("partial_rotary_factor"));
  return Error::success();
}

Expected<double> RopeTranslator::getOriginalContext(const JSONView &view) {
  StringRef key = "original_max_position_embeddings";
  for (const JSONView *place : {&view, &config}) {
    auto value = place->findNumber(key);
    if (!value)
      return value.takeError();
    if (*value)
      return **value;
  }
  auto trained = config.findNumber("max_position_embeddings");
  if (!trained)
    return trained.takeError();
  return trained->value_or(0);
}

/// The program multiplies by 1 + 0.1 ln(factor) of itself (Rope.cpp).
Error RopeTranslator::readYarn(const JSONView &view) {
  if (Error error = copy(view, "beta_fast", "scaling.yarn_beta_fast"))
    return error;
  if (Error error = copy(view, "beta_slow", "scaling.yarn_beta_slow"))
    return error;
  for (StringRef key : {"mscale", "mscale_all_dim"})
    if (view.find(key))
      return view.unsupportedKey(key, "unsupported rotary scaling: expected "
                                      "yarn without it");
  auto attention = view.findNumber("attention_factor");
  if (!attention)
    return attention.takeError();
  auto factor = view.findNumber("factor");
  if (!factor)
    return factor.takeError();
  if (*attention)
    folder.addFloat(
        prefix + "scaling.attn_factor",
        **attention / (1 + 0.1 * std::log(std::max(1.0, factor->value_or(1)))),
        view.describe("attention_factor"));
  return Error::success();
}

Error RopeTranslator::readFactors(const JSONView &view, StringRef from,
                                  StringRef to) {
  auto array = view.findArray(from);
  if (!array)
    return array.takeError();
  if (!*array)
    return view.malformedKey(from, "expected the divisors of the frequencies, "
                                   "found none");
  std::vector<double> values;
  for (const llvm::json::Value &value : **array) {
    auto number = value.getAsNumber();
    if (!number || !std::isfinite(*number) || !(*number > 0))
      return view.malformedKey(from, "expected finite divisors above 0");
    values.push_back(*number);
  }
  folder.addFloats(prefix + to.str(), std::move(values), view.describe(from));
  return Error::success();
}

/// LongRoPE, arXiv 2402.13753: a divisor for each frequency; cosine and sine are
/// scaled by sqrt(1 + ln(context / original) / ln(original)).
Error RopeTranslator::readLongRope(const JSONView &view) {
  if (Error error = readFactors(view, "short_factor", "scaling.short_factors"))
    return error;
  if (Error error = readFactors(view, "long_factor", "scaling.long_factors"))
    return error;
  auto attention = view.findNumber("attention_factor");
  if (!attention)
    return attention.takeError();
  auto original = getOriginalContext(view);
  if (!original)
    return original.takeError();
  auto trained = config.findNumber("max_position_embeddings");
  if (!trained)
    return trained.takeError();
  double ratio = trained->value_or(0) / *original;
  double scale =
      ratio <= 1 ? 1 : std::sqrt(1 + std::log(ratio) / std::log(*original));
  folder.addFloat(prefix + "scaling.attn_factor", attention->value_or(scale),
                  view.describe("attention_factor"));
  return Error::success();
}

Error RopeTranslator::readScaling(const JSONView &view) {
  auto name = view.findString("rope_type");
  if (!name)
    return name.takeError();
  if (!*name)
    name = view.findString("type");
  if (!name)
    return name.takeError();
  StringRef kind = name->value_or("default");
  // "dynamic" stretches past the trained context only, where no program goes.
  if (kind == "default" || kind == "dynamic")
    return Error::success();
  if (kind == "su")
    kind = "longrope";
  if (kind != "linear" && kind != "llama3" && kind != "yarn" &&
      kind != "longrope")
    return view.unsupportedKey(
        "rope_type", "unsupported rotary scaling: expected default, linear, "
                     "dynamic, llama3, yarn or longrope, found " +
                         quote(kind));
  folder.addString(prefix + "scaling.type", kind, view.describe("rope_type"));
  if (Error error = copy(view, "factor", "scaling.factor"))
    return error;
  if (kind == "linear")
    return Error::success();
  auto original = getOriginalContext(view);
  if (!original)
    return original.takeError();
  if (!(*original >= 1 && *original < 1e9))
    return view.malformedKey("original_max_position_embeddings",
                             "expected a number of positions");
  folder.addUInt(prefix + "scaling.original_context_length",
                 static_cast<uint64_t>(*original),
                 view.describe("original_max_position_embeddings"));
  if (Error error = copy(view, "low_freq_factor", "scaling.low_freq_factor"))
    return error;
  if (Error error = copy(view, "high_freq_factor", "scaling.high_freq_factor"))
    return error;
  if (kind == "yarn")
    return readYarn(view);
  return kind == "longrope" ? readLongRope(view) : Error::success();
}

Error RopeTranslator::readBases() {
  if (Error error = copy(config, "rope_theta", "freq_base"))
    return error;
  return copy(config, "rope_local_base_freq", "freq_base_swa");
}

Error RopeTranslator::read() {
  if (Error error = readBases())
    return error;
  if (Error error = readDims(config))
    return error;
  auto scaling = config.findObject("rope_scaling");
  if (!scaling)
    return scaling.takeError();
  auto parameters = config.findObject("rope_parameters");
  if (!parameters)
    return parameters.takeError();
  if (!*parameters)
    return *scaling ? readScaling(**scaling) : Error::success();

  auto full = (*parameters)->findObject("full_attention");
  if (!full)
    return full.takeError();
  auto sliding = (*parameters)->findObject("sliding_attention");
  if (!sliding)
    return sliding.takeError();
  if (*sliding)
    if (Error error = copy(**sliding, "rope_theta", "freq_base_swa"))
      return error;
  const JSONView &view = *full ? **full : **parameters;
  if (Error error = copy(view, "rope_theta", "freq_base"))
    return error;
  if (Error error = readDims(view))
    return error;
  return readScaling(view);
}

} // namespace

Error nibble::translateRope(const JSONView &config, StringRef architecture,
                            HuggingFaceFolder &folder) {
  return RopeTranslator(config, architecture, folder).read();
}
