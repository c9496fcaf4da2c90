//===- Config.cpp - config.json in GGUF's words ---------------------------===//
//
// Names on the left are those of the configuration classes of `transformers`,
// on the right those of ggml's converters.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Config.h"

#include "compiler/Import/HuggingFace/RopeConfig.h"
#include "compiler/Import/ImportError.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace nibble;
using llvm::Error;
using llvm::StringRef;
using llvm::Twine;

static const HuggingFaceArchitecture architectures[] = {
    {"bert", "bert", "gelu"},
    {"bitnet", "bitnet-b1.58", "relu2"},
    {"gemma2", "gemma2", "gelu_pytorch_tanh", true, true},
    {"gemma3_text", "gemma3", "gelu_pytorch_tanh", true, true},
    {"granite", "granite", "silu"},
    {"lfm2", "lfm2", ""},
    {"llama", "llama", "silu"},
    {"mistral", "mistral", "silu"},
    {"olmo2", "olmo2", "silu", true},
    {"olmoe", "olmoe", "silu"},
    {"phi3", "phi3", "silu"},
    {"qwen2", "qwen2", "silu"},
    {"qwen2_moe", "qwen2moe", "silu"},
    {"qwen3", "qwen3", "silu"},
    {"smollm3", "smollm3", "silu"},
    {"stablelm", "stablelm", "silu"},
};

static const HuggingFaceArchitecture unknownArchitecture = {"", "", ""};

namespace {

/// A key of config.json and what follows the architecture's name in GGUF.
struct NameRow {
  StringRef json, gguf;
};

const NameRow counts[] = {
    {"conv_L_cache", "shortconv.l_cache"},
    {"head_dim", "attention.key_length"},
    {"head_dim", "attention.value_length"},
    {"hidden_size", "embedding_length"},
    {"intermediate_size", "feed_forward_length"},
    {"max_position_embeddings", "context_length"},
    {"moe_intermediate_size", "expert_feed_forward_length"},
    {"num_attention_heads", "attention.head_count"},
    {"num_experts", "expert_count"},
    {"num_experts_per_tok", "expert_used_count"},
    {"num_hidden_layers", "block_count"},
    {"num_key_value_heads", "attention.head_count_kv"},
    {"num_local_experts", "expert_count"},
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length"},
    {"type_vocab_size", "token_type_count"},
    {"vocab_size", "vocab_size"},
};

const NameRow reals[] = {
    {"attention_multiplier", "attention.scale"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"clip_qkv", "attention.clamp_kqv"},
    {"embedding_multiplier", "embedding_scale"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"layer_norm_eps", "attention.layer_norm_epsilon"},
    {"logits_scaling", "logit_scale"},
    {"norm_eps", "attention.layer_norm_rms_epsilon"},
    {"residual_multiplier", "residual_scale"},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon"},
};

const NameRow flags[] = {
    {"norm_topk_prob", "expert_weights_norm"},
    {"use_parallel_residual", "use_parallel_residual"},
};

/// Translates one config.json.
class ConfigReader {
public:
  ConfigReader(const JSONView &config, HuggingFaceFolder &folder)
      : config(config), folder(folder) {}

  Error read();
  const HuggingFaceArchitecture *row = nullptr;

private:
  Error readArchitecture();
  Error readActivation();
  Error readTables();
  Error readGemmaScale();
  Error readWindow();
  Error readLayerTypes();
  Error readRopeLayers();
  Error readEncoder();

  std::string keyOf(StringRef suffix) const {
    return name + "." + suffix.str();
  }
  bool isGemma() const { return row->normsLessOne; }

  const JSONView &config;
  HuggingFaceFolder &folder;
  std::string name; ///< of the architecture
};

Error ConfigReader::readArchitecture() {
  auto type = config.findString("model_type");
  if (!type)
    return type.takeError();
  if (!*type)
    return config.malformedKey("model_type",
                               "expected the name of a model family, found "
                               "none");
  const auto *found = llvm::find_if(architectures, [&](const auto &candidate) {
    return candidate.modelType == **type;
  });
  bool known = found != std::end(architectures);
  row = known ? found : &unknownArchitecture;
  name = known ? row->architecture.str() : (*type)->str();
  folder.addString("general.architecture", name, config.describe("model_type"));
  return Error::success();
}

Error ConfigReader::readActivation() {
  for (StringRef key : {"hidden_activation", "hidden_act"}) {
    auto name = config.findString(key);
    if (!name)
      return name.takeError();
    if (!*name || row->activation.empty())
      continue;
    if (**name != row->activation)
      return config.unsupportedKey(key, "unsupported activation: expected " +
                                            row->activation + ", found " +
                                            quote(**name));
    return Error::success();
  }
  return Error::success();
}

Error ConfigReader::readTables() {
  for (const NameRow &row : counts) {
    auto value = config.findUInt(row.json);
    if (!value)
      return value.takeError();
    if (*value)
      folder.addUInt(keyOf(row.gguf), **value, config.describe(row.json));
  }
  for (const NameRow &row : reals) {
    auto value = config.findNumber(row.json);
    if (!value)
      return value.takeError();
    if (*value)
      folder.addFloat(keyOf(row.gguf), **value, config.describe(row.json));
  }
  for (const NameRow &row : flags) {
    auto value = config.findBool(row.json);
    if (!value)
      return value.takeError();
    if (*value)
      folder.addBool(keyOf(row.gguf), **value, config.describe(row.json));
  }
  return Error::success();
}

/// Gemma's scores are divided by the root of a number of its own.
Error ConfigReader::readGemmaScale() {
  auto scalar = config.findNumber("query_pre_attn_scalar");
  if (!scalar)
    return scalar.takeError();
  if (!*scalar)
    return Error::success();
  if (!(**scalar > 0))
    return config.malformedKey("query_pre_attn_scalar",
                               "expected a number above 0");
  folder.addFloat(keyOf("attention.scale"), 1 / std::sqrt(**scalar),
                  config.describe("query_pre_attn_scalar"));
  return Error::success();
}

Error ConfigReader::readWindow() {
  auto window = config.findUInt("sliding_window");
  if (!window)
    return window.takeError();
  auto used = config.findBool("use_sliding_window");
  if (!used)
    return used.takeError();
  if (*window && **window > 0 && used->value_or(true))
    folder.addUInt(keyOf("attention.sliding_window"), **window,
                   config.describe("sliding_window"));
  return Error::success();
}

/// 'layer_types' says of each layer what it attends to; older files give the
/// distance of full layers, Gemma 2 alternates without saying so.
Error ConfigReader::readLayerTypes() {
  auto types = config.findArray("layer_types");
  if (!types)
    return types.takeError();
  std::vector<uint64_t> slides;
  bool any = false;
  if (*types) {
    for (const llvm::json::Value &value : **types) {
      auto name = value.getAsString();
      bool known = name && (*name == "sliding_attention" ||
                            *name == "full_attention" || *name == "conv");
      if (!known)
        return config.unsupportedKey(
            "layer_types", "expected sliding_attention, full_attention or "
                           "conv, found " +
                               quote(name.value_or("no name")));
      if (*name == "conv")
        slides.push_back(2);
      else
        slides.push_back(*name == "sliding_attention");
      any |= slides.back() != 0;
    }
  } else if (isGemma()) {
    auto layers = config.findUInt("num_hidden_layers", 1, 1 << 16);
    if (!layers)
      return layers.takeError();
    auto pattern = config.findUInt("sliding_window_pattern", 1, 1 << 16);
    if (!pattern)
      return pattern.takeError();
    uint64_t period =
        pattern->value_or(row->architecture == "gemma2" ? 2 : 6);
    for (uint64_t i = 0; i < layers->value_or(0); ++i)
      slides.push_back((i + 1) % period != 0);
    any = true;
  }
  if (!any)
    return Error::success();
  std::string origin = config.describe("layer_types");
  if (!llvm::is_contained(slides, 2)) {
    folder.addInts(keyOf("attention.sliding_window_pattern"), slides, origin);
    return Error::success();
  }
  // Layers of a convolution have no keys and values.
  auto heads = config.findUInt("num_key_value_heads", 1);
  if (!heads)
    return heads.takeError();
  for (uint64_t &slide : slides)
    slide = slide == 2 ? 0 : heads->value_or(1);
  folder.addInts(keyOf("attention.head_count_kv"), slides, origin);
  return Error::success();
}

/// 1 for a layer that rotates.
Error ConfigReader::readRopeLayers() {
  auto layers = config.findArray("no_rope_layers");
  if (!layers || !*layers)
    return layers.takeError();
  std::vector<uint64_t> rotates;
  for (const llvm::json::Value &value : **layers) {
    auto flag = value.getAsInteger();
    if (!flag || *flag < 0 || *flag > 1)
      return config.malformedKey("no_rope_layers", "expected 0 and 1");
    rotates.push_back(static_cast<uint64_t>(*flag));
  }
  folder.addInts(keyOf("rope.layers"), std::move(rotates),
                 config.describe("no_rope_layers"));
  return Error::success();
}

/// Positions are learned, a row for each.
Error ConfigReader::readEncoder() {
  StringRef key = "position_embedding_type";
  auto positions = config.findString(key);
  if (!positions)
    return positions.takeError();
  if (positions->value_or("absolute") != "absolute")
    return config.unsupportedKey(key, "unsupported: expected absolute, found " +
                                          quote(**positions));
  return translatePooling(name, folder);
}

Error ConfigReader::read() {
  if (Error error = readArchitecture())
    return error;
  if (Error error = readActivation())
    return error;
  if (Error error = readTables())
    return error;
  if (Error error = readGemmaScale())
    return error;
  if (Error error = readWindow())
    return error;
  if (Error error = readLayerTypes())
    return error;
  if (Error error = readRopeLayers())
    return error;
  if (name == "bert")
    return readEncoder();
  return translateRope(config, name, folder);
}

} // namespace

llvm::Expected<const HuggingFaceArchitecture *>
nibble::translateConfig(const JSONView &config, HuggingFaceFolder &folder) {
  ConfigReader reader(config, folder);
  if (Error error = reader.read())
    return std::move(error);
  return reader.row;
}
