#!/usr/bin/env python3
"""Converts a folder of packed/ in nvfp4 (compressed-tensors) to GGUF, as the converters of the field do.

    nvfp4_to_gguf.py FOLDER -o model.gguf

Codes and the scales of 16 of them become ggml's blocks: of 64 columns four scales, then for each 16 columns eight bytes
with columns j and j + 8. What scales are divided by for a whole matrix becomes `NAME.scale`, its inverse, a number for
each expert of a mixture; `NAME.input_scale`, which programs do not read, is there, too. Everything else is as in
to_gguf.py.
"""
import os
import re
import struct
import sys

sys.dont_write_bytecode = True

import to_gguf
from gguf_writer import Tensor, Writer
from safetensors_reader import read_tensors, rows_of

NVFP4 = 40


def blocks_of(codes, scales):
    """The bytes of a row from its pairs of codes and its scales."""
    row = [code for pair in codes for code in (pair & 15, pair >> 4)]
    out = b""
    for block in range(0, len(row), 64):
        out += scales[block // 16:block // 16 + 4]
        for first in range(block, block + 64, 16):
            out += bytes(row[first + j] | row[first + j + 8] << 4 for j in range(8))
    return out


def packed_tensor(config, name, matrices):
    """NAME.weight and what stands beside it; `matrices` are those of all experts, or one."""
    target, rows, scales = to_gguf.gguf_name(name, config), [], []
    for tensors in matrices:
        (_, (count, pairs), codes), (_, _, groups) = tensors["weight_packed"], tensors["weight_scale"]
        matrix = [blocks_of(codes[i * pairs:(i + 1) * pairs], groups[i * pairs // 8:(i + 1) * pairs // 8])
                  for i in range(count)]
        if config["model_type"] in to_gguf.INTERLEAVED and re.search(r"attn_[qk]\.", target):
            heads = config["num_attention_heads" if "attn_q" in target else "num_key_value_heads"]
            matrix = to_gguf.interleave(matrix, heads)
        rows += matrix
        scales.append(1 / struct.unpack("<f", tensors["weight_global_scale"][2])[0])
    weight = Tensor(target, [2 * pairs, count] + ([len(matrices)] if "_exps" in target else []), "f32", [])
    weight.type_id, weight.data = NVFP4, b"".join(rows)
    stem = target.removesuffix("weight")
    return [weight, Tensor(stem + "scale", [len(scales)], "f32", [scales]),
            Tensor(stem + "input_scale", [len(scales)], "f32", [[0.25] * len(scales)])]


def convert(folder):
    config = to_gguf.read_config(folder)
    floats, modules = {}, {}
    for name, entry in read_tensors(os.path.join(folder, "model.safetensors")).items():
        module, part = name.rsplit(".", 1)
        if entry[0] == "F16":
            floats[name] = (entry[1], rows_of(entry))
        else:
            modules.setdefault(module, {})[part] = entry
    writer = Writer()
    writer.tensors = to_gguf.convert_tensors(config, floats)
    stacks = {}
    for module in sorted(modules):  # fewer than ten experts
        stacks.setdefault(re.sub(r"experts\.\d\.", "experts.", module) + ".weight", []).append(modules[module])
    for name, matrices in stacks.items():
        writer.tensors += packed_tensor(config, name, matrices)
    writer.pairs = to_gguf.settings(config, writer.tensors) + to_gguf.tokenizer_pairs(config)
    return writer.bytes()


if __name__ == "__main__":
    to_gguf.main(__doc__, convert)
