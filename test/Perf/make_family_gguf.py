#!/usr/bin/env python3
"""Writes a GGUF file of a family in the size of 1B, with random weights: for measurements of the compiler.

    make_family_gguf.py --case=FAMILY -o FILE.gguf [--layers=16] [--quant=Q4_0]

FAMILY is a case of test/Models/cases: its configuration and its tensors, with every number that makes the size
replaced: 16 layers of width 2048 with 32 heads of 64 dimensions (8 for keys and values), feed-forward 8192, 65536
tokens; eight experts of 1024; of encoders 24 layers of width 1024. See make_shaped_gguf.py for what random means here.
"""
import argparse
import array
import os
import random
import re
import sys

sys.dont_write_bytecode = True
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(ROOT, "Inputs"), os.path.join(ROOT, "Models")]
import to_gguf  # noqa: E402
from gguf_writer import ARRAY, BOOL, I32, STRING, U32, Writer  # noqa: E402
from make_shaped_gguf import TYPES, PlannedTensor, write_model  # noqa: E402
from make_tiny_gguf import UNUSED, bpe_vocabulary  # noqa: E402

SIZES = dict(hidden_size=2048, num_attention_heads=32, num_key_value_heads=8, head_dim=64, intermediate_size=8192,
             vocab_size=65536, max_position_embeddings=4096, sliding_window=1024, num_experts=8, num_experts_per_tok=2,
             moe_intermediate_size=1024, shared_expert_intermediate_size=2048)
ENCODER = dict(hidden_size=1024, num_attention_heads=16, intermediate_size=4096, vocab_size=30522,
               max_position_embeddings=512)
# Roles of a tensor's dimensions in the order of GGUF: Q and K are all heads' rows, E experts of I, S the shared one.
ROLES = {"token_embd": "DV", "output": "DV", "attn_q": "DQ", "attn_k": "DK", "attn_v": "DK", "attn_output": "QD",
         "ffn_gate": "DF", "ffn_up": "DF", "ffn_down": "FD", "attn_sub_norm": "Q", "ffn_sub_norm": "F",
         "shortconv.conv": "TD", "shortconv.out_proj": "DD", "ffn_gate_inp": "DE", "ffn_gate_exps": "DIE",
         "ffn_up_exps": "DIE", "ffn_down_exps": "IDE", "ffn_gate_shexp": "DS", "ffn_up_shexp": "DS",
         "ffn_down_shexp": "SD", "ffn_gate_inp_shexp": "D", "position_embd": "DP", "token_types": "D2"}


def scaled(config, layers):
    """The configuration with the sizes of SIZES where it has such, and lists for each layer continued."""
    sizes = ENCODER if config["model_type"] == "bert" else SIZES
    big = {key: sizes.get(key, value) if value else value for key, value in config.items()}
    big["num_hidden_layers"] = layers
    if config["model_type"] == "olmoe":
        big["intermediate_size"] = SIZES["moe_intermediate_size"]
    for key in ("layer_types", "no_rope_layers"):
        if config.get(key):
            big[key] = [config[key][layer % len(config[key])] for layer in range(layers)]
    rope = dict(config.get("rope_parameters") or {})
    for key in ("short_factor", "long_factor"):
        if key in rope:
            rope[key] = [1.0 + 0.05 * i for i in range(SIZES["head_dim"] // 2)]
    if "original_max_position_embeddings" in rope:
        rope["original_max_position_embeddings"] = SIZES["max_position_embeddings"] // 2
    return {**big, "rope_parameters": rope} if rope else big


def numbers_of(config):
    """What the roles stand for."""
    heads = config["num_attention_heads"]
    dims = config.get("head_dim") or config["hidden_size"] // heads
    inner = config.get("moe_intermediate_size") or config["intermediate_size"]
    return {"D": config["hidden_size"], "Q": heads * dims, "K": config.get("num_key_value_heads", heads) * dims,
            "F": config["intermediate_size"], "V": config["vocab_size"], "E": config.get("num_experts"), "I": inner,
            "S": config.get("shared_expert_intermediate_size"), "P": config["max_position_embeddings"],
            "T": config.get("conv_L_cache"), "2": 2, "H": dims}


def big_dims(name, dims, small, big, norms_rows):
    """`norms_rows`: norms of query and key are of whole rows, not of a head."""
    stem = re.sub(r"^blk[.][0-9]+[.]|[.](weight|bias)$", "", name)
    if stem == "attn_qkv":
        return [big["D"], big["Q"] + 2 * big["K"]]
    if stem == "shortconv.in_proj":
        return [big["D"], 3 * big["D"]]
    roles = ROLES.get(stem, "D")
    if name.endswith(".bias"):
        roles = roles[1:] or roles
    if re.search("attn_[qk]_norm", stem):
        roles = stem[5].upper() if norms_rows else "H"
    factor = 2 if stem == "ffn_up" and len(dims) == 2 and dims[1] == 2 * small["F"] else 1  # gate and up in one
    return [big[role] * (factor if index == 1 else 1) for index, role in enumerate(roles)]


def tokenizer_pairs(count):
    tokens, types, merges = bpe_vocabulary()
    tokens += ["[UNUSED%d]" % i for i in range(len(tokens), count)]
    types += [UNUSED] * (count - len(types))
    key = "tokenizer.ggml."
    return [(key + "model", STRING, "gpt2"), (key + "pre", STRING, "smollm"), (key + "tokens", ARRAY, STRING, tokens),
            (key + "token_type", ARRAY, I32, types), (key + "merges", ARRAY, STRING, merges),
            (key + "bos_token_id", U32, 1), (key + "eos_token_id", U32, 2), (key + "add_bos_token", BOOL, 0)]


def tensors_of(folder, config, big, quant):
    """Layers are copies of the case's, in turn."""
    tiny = to_gguf.convert_tensors(config, to_gguf.read_floats(os.path.join(folder, "model.safetensors")))
    small_numbers, big_numbers = numbers_of(config), numbers_of(big)
    planned = []
    for layer in [None, *range(big["num_hidden_layers"])]:
        prefix = "" if layer is None else "blk.%d." % (layer % config["num_hidden_layers"])
        for tensor in tiny:
            if not (tensor.name.startswith(prefix) if prefix else not tensor.name.startswith("blk.")):
                continue
            dims = big_dims(tensor.name, tensor.dims, small_numbers, big_numbers,
                            config["model_type"].startswith("olmo"))
            kind = "F32" if tensor.type_name == "f32" else quant
            name = tensor.name if layer is None else "blk.%d." % layer + tensor.name[len(prefix):]
            planned.append(PlannedTensor(name, dims, kind))
    return planned


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", required=True)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--quant", default="Q4_0", choices=TYPES)
    parser.add_argument("-o", "--output", required=True)
    args = parser.parse_args()
    folder, rng = os.path.join(ROOT, "Models", "cases", args.case), random.Random(1)
    config = to_gguf.read_config(folder)
    big = scaled(config, args.layers or (24 if config["model_type"] == "bert" else 16))
    tensors = tensors_of(folder, config, big, args.quant)
    writer, held = Writer(), []
    writer.pairs = to_gguf.settings(big, held) + tokenizer_pairs(big["vocab_size"])
    tensors += [PlannedTensor(tensor.name, tensor.dims, "F32", array.array("f", tensor.data)) for tensor in held]
    write_model(args.output, writer, tensors, rng)


if __name__ == "__main__":
    main()
