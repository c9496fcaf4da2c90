#!/usr/bin/env python3
"""Converts a Hugging Face folder of this directory's cases to GGUF, as the converters of the field do.

    to_gguf.py FOLDER -o model.gguf

Only the standard library is used, and nothing of the compiler. What a converter changes beside names:

  * llama and its kin (INTERLEAVED): rows of query and key are reordered such that the dimensions 2i and 2i+1 of a head
    turn together, where the folder turns i and i + dims/2;
  * gemma: norms are multiplied with 1 + w, which is what GGUF files hold;
  * llama3 scaling of rotary frequencies becomes a tensor of divisors, LongRoPE two;
  * experts become one tensor.
"""
import argparse
import json
import math
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Inputs"))

from gguf_writer import ARRAY, BOOL, F32, I32, STRING, U32, Tensor, Writer
from safetensors_reader import read_tensors, rows_of

ARCHITECTURES = {"gemma3_text": "gemma3", "mistral": "llama", "qwen2_moe": "qwen2moe", "bitnet": "bitnet-b1.58"}
INTERLEAVED = ("llama", "mistral", "granite", "smollm3")
NAMES = [  # (Hugging Face, GGUF), as regular expressions that match whole names
    (r"model\.embed_tokens", "token_embd"), (r"model\.norm", "output_norm"), (r"lm_head", "output"),
    (r"model\.embedding_norm", "token_embd_norm"),
    (r"model\.layers\.(\d+)\.self_attn\.([qkv])_proj", r"blk.\1.attn_\2"),
    (r"model\.layers\.(\d+)\.self_attn\.qkv_proj", r"blk.\1.attn_qkv"),
    (r"model\.layers\.(\d+)\.self_attn\.(?:o_proj|out_proj)", r"blk.\1.attn_output"),
    (r"model\.layers\.(\d+)\.self_attn\.([qk])_(?:norm|layernorm)", r"blk.\1.attn_\2_norm"),
    (r"model\.layers\.(\d+)\.self_attn\.attn_sub_norm", r"blk.\1.attn_sub_norm"),
    (r"model\.layers\.(\d+)\.(?:mlp|feed_forward)\.(?:gate_proj|w1)", r"blk.\1.ffn_gate"),
    (r"model\.layers\.(\d+)\.(?:mlp|feed_forward)\.(?:up_proj|w3|gate_up_proj)", r"blk.\1.ffn_up"),
    (r"model\.layers\.(\d+)\.(?:mlp|feed_forward)\.(?:down_proj|w2)", r"blk.\1.ffn_down"),
    (r"model\.layers\.(\d+)\.mlp\.ffn_sub_norm", r"blk.\1.ffn_sub_norm"),
    (r"model\.layers\.(\d+)\.mlp\.gate", r"blk.\1.ffn_gate_inp"),
    (r"model\.layers\.(\d+)\.mlp\.experts\.(gate|up|down)_proj", r"blk.\1.ffn_\2_exps"),
    (r"model\.layers\.(\d+)\.mlp\.shared_expert\.(gate|up|down)_proj", r"blk.\1.ffn_\2_shexp"),
    (r"model\.layers\.(\d+)\.mlp\.shared_expert_gate", r"blk.\1.ffn_gate_inp_shexp"),
    (r"model\.layers\.(\d+)\.conv\.(conv|in_proj|out_proj)", r"blk.\1.shortconv.\2"),
    (r"model\.layers\.(\d+)\.(?:input_layernorm|operator_norm)", r"blk.\1.attn_norm"),
    (r"model\.layers\.(\d+)\.(?:ffn_norm|pre_feedforward_layernorm)", r"blk.\1.ffn_norm"),
    (r"model\.layers\.(\d+)\.post_feedforward_layernorm", r"blk.\1.post_ffw_norm"),
    (r"embeddings\.word_embeddings", "token_embd"), (r"embeddings\.position_embeddings", "position_embd"),
    (r"embeddings\.token_type_embeddings", "token_types"), (r"embeddings\.LayerNorm", "token_embd_norm"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.(q)uery", r"blk.\1.attn_\2"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.(k)ey", r"blk.\1.attn_\2"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.(v)alue", r"blk.\1.attn_\2"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense", r"blk.\1.attn_output"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm", r"blk.\1.attn_output_norm"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense", r"blk.\1.ffn_up"),
    (r"encoder\.layer\.(\d+)\.output\.dense", r"blk.\1.ffn_down"),
    (r"encoder\.layer\.(\d+)\.output\.LayerNorm", r"blk.\1.layer_output_norm"),
]


def read_floats(path):
    """{name: (shape, rows of floats)} of a file of f16 tensors."""
    tensors = {}
    for name, (form, shape, data) in read_tensors(path).items():
        assert form == "F16", name
        shape = [extent for extent in shape if extent != 1 or name.endswith("_norm.weight")] or [1]
        tensors[name] = (shape, rows_of((form, shape, data)))
    return tensors


def join_experts(tensors):
    """One tensor of (experts, rows, columns) in the place of one an expert."""
    joined = {}
    for name, (shape, rows) in sorted(tensors.items(), key=lambda item: [
            int(part) if part.isdigit() else part for part in item[0].split(".")]):
        merged = re.sub(r"experts\.\d+\.", "experts.", name)
        known = joined.setdefault(merged, ([0] + shape if merged != name else shape, []))
        known[1].extend(rows)
        if merged != name:
            known[0][0] += 1
    return joined


def interleave(rows, heads):
    """Rows i and i + half of a head side by side."""
    dims = len(rows) // heads
    order = [head * dims + pair + half * (dims // 2) for head in range(heads) for pair in range(dims // 2)
             for half in (0, 1)]
    return [rows[index] for index in order]


def gguf_name(name, config):
    stem, _, kind = name.rpartition(".")
    after = "post_attention_norm" if config["model_type"].startswith(("gemma", "olmo2")) else "ffn_norm"
    stem = re.sub(r"model\.layers\.(\d+)\.post_attention_layernorm", r"blk.\1." + after, stem)
    for pattern, to in NAMES:
        stem = re.sub("^" + pattern + "$", to, stem)
    return stem + "." + kind


def convert_tensors(config, tensors):
    converted = []
    kind = config["model_type"]
    for name, (shape, rows) in join_experts(tensors).items():
        target = gguf_name(name, config)
        if kind in INTERLEAVED and re.search(r"attn_[qk]\.", target):
            heads = config["num_attention_heads" if "attn_q" in target else "num_key_value_heads"]
            if len(shape) == 1:
                rows = [[value] for value in rows[0]]
            rows = interleave(rows, heads)
            if len(shape) == 1:
                rows = [[row[0] for row in rows]]
        if kind.startswith("gemma") and target.endswith("norm.weight"):
            rows = [[1 + value for value in row] for row in rows]
        vector = (len(shape) == 1 or "shortconv.conv" in target or "ffn_gate_inp" in target or
                  target in ("position_embd.weight", "token_types.weight"))
        converted.append(Tensor(target, list(reversed(shape)), "f32" if vector else "f16", rows))
    return converted


def llama3_divisors(rope, dims):
    """What the converter writes as rope_freqs.weight: wavelengths above the original context are stretched."""
    divisors = []
    for pair in range(dims // 2):
        frequency = rope["rope_theta"] ** (-2 * pair / dims)
        periods = rope["original_max_position_embeddings"] * frequency / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        kept = min(1, max(0, (periods - low) / (high - low)))
        divisors.append(1 / ((1 - kept) / rope["factor"] + kept))
    return divisors


def rope_of(config):
    """The settings of layers that attend to all positions, and the base of the sliding ones, if it is another."""
    rope = config["rope_parameters"]
    if "full_attention" in rope:
        return rope["full_attention"], rope["sliding_attention"]["rope_theta"]
    return rope, None


def rope_pairs(config, key, head_dim, tensors):
    rope, sliding_base = rope_of(config)
    dims = int(head_dim * rope.get("partial_rotary_factor", config.get("partial_rotary_factor") or 1))
    pairs = [(key + "rope.freq_base", F32, rope["rope_theta"]), (key + "rope.dimension_count", U32, dims)]
    if sliding_base:
        pairs.append((key + "rope.freq_base_swa", F32, sliding_base))
    if rope["rope_type"] == "linear":
        pairs += [(key + "rope.scaling.type", STRING, "linear"), (key + "rope.scaling.factor", F32, rope["factor"])]
    if rope["rope_type"] == "llama3":
        tensors.append(Tensor("rope_freqs.weight", [dims // 2], "f32", [llama3_divisors(rope, dims)]))
    if rope["rope_type"] == "longrope":
        original = rope["original_max_position_embeddings"]
        ratio = config["max_position_embeddings"] / original
        pairs += [(key + "rope.scaling.original_context_length", U32, original),
                  (key + "rope.scaling.attn_factor", F32, math.sqrt(1 + math.log(ratio) / math.log(original)))]
        for name in ("long", "short"):
            tensors.append(Tensor(f"rope_factors_{name}.weight", [dims // 2], "f32", [rope[name + "_factor"]]))
    return pairs


def attention_pairs(config, key, head_dim):
    kv_heads = config.get("num_key_value_heads", config["num_attention_heads"])
    pairs = [(key + "attention.head_count", U32, config["num_attention_heads"]),
             (key + "attention.key_length", U32, head_dim), (key + "attention.value_length", U32, head_dim)]
    if "layer_types" in config and "conv" in config["layer_types"]:
        counts = [0 if kind == "conv" else kv_heads for kind in config["layer_types"]]
        pairs.append((key + "attention.head_count_kv", ARRAY, I32, counts))
    else:
        pairs.append((key + "attention.head_count_kv", U32, kv_heads))
    if "layer_norm_eps" in config:
        pairs.append((key + "attention.layer_norm_epsilon", F32, config["layer_norm_eps"]))
    else:
        pairs.append((key + "attention.layer_norm_rms_epsilon", F32,
                      config.get("rms_norm_eps") or config.get("norm_eps")))
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        pairs.append((key + "attention.sliding_window", U32, config["sliding_window"]))
        if "layer_types" in config:
            slides = [int(kind == "sliding_attention") for kind in config["layer_types"]]
            pairs.append((key + "attention.sliding_window_pattern", ARRAY, BOOL, slides))
    return pairs


def family_pairs(config, key):
    """Keys that one family or another has."""
    pairs = []
    if config["model_type"] == "bert":
        pairs += [(key + "attention.causal", BOOL, 0), (key + "pooling_type", U32, 1)]
    if config.get("norm_topk_prob"):
        pairs.append((key + "expert_weights_norm", BOOL, 1))
    if "query_pre_attn_scalar" in config:
        pairs.append((key + "attention.scale", F32, config["query_pre_attn_scalar"] ** -0.5))
    numbers = {"attn_logit_softcapping": "attn_logit_softcapping", "final_logit_softcapping": "final_logit_softcapping",
               "embedding_multiplier": "embedding_scale", "residual_multiplier": "residual_scale",
               "attention_multiplier": "attention.scale", "logits_scaling": "logit_scale"}
    pairs += [(key + to, F32, config[name]) for name, to in numbers.items() if config.get(name)]
    counts = {"num_experts": "expert_count", "num_experts_per_tok": "expert_used_count",
              "moe_intermediate_size": "expert_feed_forward_length",
              "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
              "conv_L_cache": "shortconv.l_cache"}
    return pairs + [(key + to, U32, config[name]) for name, to in counts.items() if config.get(name)]


def tokenizer_pairs(config):
    """Enough of a byte-level vocabulary to be linked: the tests give token ids."""
    count = config["vocab_size"]
    tokens = ["<pad>", "<bos>", "<eos>"] + [chr(33 + i) for i in range(count - 3)]
    return [("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "gpt-2"),
            ("tokenizer.ggml.tokens", ARRAY, STRING, tokens),
            ("tokenizer.ggml.token_type", ARRAY, I32, [3] * 3 + [1] * (count - 3)),
            ("tokenizer.ggml.merges", ARRAY, STRING, []), ("tokenizer.ggml.bos_token_id", U32, 1),
            ("tokenizer.ggml.eos_token_id", U32, 2), ("tokenizer.ggml.add_bos_token", BOOL, 0)]


def settings(config, tensors):
    """The file's keys but the tokenizer's; tensors that hold settings are added to `tensors`."""
    architecture = ARCHITECTURES.get(config["model_type"], config["model_type"])
    key = architecture + "."
    head_dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    pairs = [("general.architecture", STRING, architecture), ("general.name", STRING, "tiny " + architecture),
             (key + "block_count", U32, config["num_hidden_layers"]),
             (key + "context_length", U32, config["max_position_embeddings"]),
             (key + "embedding_length", U32, config["hidden_size"]),
             (key + "feed_forward_length", U32, config["intermediate_size"])]
    pairs += attention_pairs(config, key, head_dim)
    if config["model_type"] != "bert":
        pairs += rope_pairs(config, key, head_dim, tensors)
    return pairs + family_pairs(config, key)


def read_config(folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        return json.load(file)


def convert(folder):
    config = read_config(folder)
    writer = Writer()
    writer.tensors = convert_tensors(config, read_floats(os.path.join(folder, "model.safetensors")))
    writer.pairs = settings(config, writer.tensors) + tokenizer_pairs(config)
    return writer.bytes()


def main(description, convert):
    """The command line of a script whose `convert` makes the bytes of a file of a folder."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("-o", required=True)
    arguments = parser.parse_args()
    with open(arguments.o, "wb") as file:
        file.write(convert(arguments.folder))


if __name__ == "__main__":
    main(__doc__, convert)
