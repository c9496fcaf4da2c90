//===- TensorNames.cpp - Tensor names of a folder in GGUF's words ---------===//
//
// Names on the left are those of the modules of `transformers`, on the right
// those of ggml's converters. Modules of the same name mean the same in all
// families but one: a norm behind the attention (Config.h, postNorms).
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/HuggingFace/Config.h"

#include "llvm/ADT/STLExtras.h"

using namespace nibble;
using llvm::StringRef;

namespace {

struct ModuleRow {
  StringRef module, gguf;
};

/// Modules of a layer, by what follows `model.layers.N.`.
const ModuleRow layerModules[] = {
    {"attention.output.LayerNorm", "attn_output_norm"},
    {"attention.output.dense", "attn_output"},
    {"attention.self.key", "attn_k"},
    {"attention.self.query", "attn_q"},
    {"attention.self.value", "attn_v"},
    {"conv.conv", "shortconv.conv"},
    {"conv.in_proj", "shortconv.in_proj"},
    {"conv.out_proj", "shortconv.out_proj"},
    {"feed_forward.w1", "ffn_gate"},
    {"feed_forward.w2", "ffn_down"},
    {"feed_forward.w3", "ffn_up"},
    {"ffn_norm", "ffn_norm"},
    {"input_layernorm", "attn_norm"},
    {"intermediate.dense", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.ffn_sub_norm", "ffn_sub_norm"},
    {"mlp.gate", "ffn_gate_inp"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.gate_up_proj", "ffn_up"},
    {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
    {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
    {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
    {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"},
    {"mlp.up_proj", "ffn_up"},
    {"operator_norm", "attn_norm"},
    {"output.LayerNorm", "layer_output_norm"},
    {"output.dense", "ffn_down"},
    {"post_attention_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"self_attn.attn_sub_norm", "attn_sub_norm"},
    {"self_attn.k_layernorm", "attn_k_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.out_proj", "attn_output"},
    {"self_attn.q_layernorm", "attn_q_norm"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.qkv_proj", "attn_qkv"},
    {"self_attn.v_proj", "attn_v"},
};

const ModuleRow globalModules[] = {
    {"embed_tokens", "token_embd"},
    {"embedding_norm", "token_embd_norm"},
    {"embeddings.LayerNorm", "token_embd_norm"},
    {"embeddings.position_embeddings", "position_embd"},
    {"embeddings.token_type_embeddings", "token_types"},
    {"embeddings.word_embeddings", "token_embd"},
    {"lm_head", "output"},
    {"norm", "output_norm"},
};

StringRef findModule(llvm::ArrayRef<ModuleRow> rows, StringRef module) {
  const auto *row = llvm::find_if(
      rows, [&](const ModuleRow &candidate) { return candidate.module == module; });
  return row == rows.end() ? StringRef() : row->gguf;
}

/// Tables that old checkpoints carry and every program computes; and the matrix behind [CLS] that BERT was trained with
/// to tell pairs of sentences, which is no part of a text's vector.
bool isComputed(StringRef name) {
  return name.ends_with(".rotary_emb.inv_freq") ||
         name.ends_with("embeddings.position_ids") ||
         name.starts_with("pooler.dense.") || name.starts_with("bert.pooler.dense.") ||
         name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

} // namespace

std::string
nibble::translateTensorName(StringRef name,
                            const HuggingFaceArchitecture &architecture) {
  if (isComputed(name))
    return "";
  StringRef rest = name;
  if (!rest.consume_front("model."))
    rest.consume_front("bert.");
  auto [module, parameter] = rest.rsplit('.');
  if (parameter != "weight" && parameter != "bias")
    return name.str();
  std::string block, expertName;
  StringRef translated;
  if (module.consume_front("layers.") || module.consume_front("encoder.layer.")) {
    auto [number, inner] = module.split('.');
    uint64_t layer;
    if (number.getAsInteger(10, layer))
      return name.str();
    block = "blk." + std::to_string(layer) + ".";
    translated = findModule(layerModules, inner);
    // One of several units of a layer: its number stands behind the name.
    if (inner.consume_front("mlp.experts.")) {
      auto [expert, unit] = inner.split('.');
      expertName = (findModule(layerModules, ("mlp." + unit).str()) + "." + expert).str();
      translated = expertName;
    }
    if (inner == "post_attention_layernorm" && architecture.postNorms)
      translated = "post_attention_norm";
  } else {
    translated = findModule(globalModules, module);
  }
  if (translated.empty())
    return name.str();
  return block + translated.str() + "." + parameter.str();
}
