#!/usr/bin/env python3
"""Writes a tiny llama as a Hugging Face folder: config.json, tensors of fixed pseudo-random numbers, tokenizer.json.

    make_tiny_folder.py -o DIR [--dtype F32|F16|BF16] [--shards N] [--tied] [--config JSON]
    make_tiny_folder.py --out-dir DIR --break all      a damaged folder for each kind of folder_breaks.py

The same seed gives the same numbers for every dtype: they are small multiples of 1/64, which each of the types holds.
Only the standard library is used, and nothing of the compiler.
"""
import argparse
import json
import os
import random
import struct
import sys

sys.dont_write_bytecode = True

CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 32,
          "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
          "head_dim": 8, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
          "tie_word_embeddings": False, "vocab_size": 259, "bos_token_id": 256, "eos_token_id": [257, 258]}


def shapes(config):
    width, inner = config["hidden_size"], config["intermediate_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    yield "model.embed_tokens.weight", [config["vocab_size"], width]
    for layer in range(config["num_hidden_layers"]):
        block = f"model.layers.{layer}."
        yield block + "input_layernorm.weight", [width]
        yield block + "self_attn.q_proj.weight", [queries, width]
        yield block + "self_attn.k_proj.weight", [keys, width]
        yield block + "self_attn.v_proj.weight", [keys, width]
        yield block + "self_attn.o_proj.weight", [width, queries]
        yield block + "post_attention_layernorm.weight", [width]
        yield block + "mlp.gate_proj.weight", [inner, width]
        yield block + "mlp.up_proj.weight", [inner, width]
        yield block + "mlp.down_proj.weight", [width, inner]
    yield "model.norm.weight", [width]
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", [config["vocab_size"], width]


def encode(values, dtype):
    if dtype == "F32":
        return struct.pack(f"<{len(values)}f", *values)
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    words = struct.unpack(f"<{len(values)}I", struct.pack(f"<{len(values)}f", *values))
    return struct.pack(f"<{len(values)}H", *(word >> 16 for word in words))


def make_tensors(config, dtype):
    """(name, dtype, shape, bytes)"""
    random.seed(20261121)
    for name, shape in shapes(config):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        middle = 64 if name.endswith("norm.weight") else 0
        values = [(middle + random.randint(-24, 24)) / 64 for _ in range(count)]
        yield name, dtype, shape, encode(values, dtype)


def safetensors(tensors):
    """The header as an object, and the bytes behind it."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    return header, data


def pack(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def byte_alphabet():
    """GPT-2's printable spelling of each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) if byte in plain else chr(256 + others.index(byte)) for byte in range(256)]


def tokenizer():
    """A token for each byte, one for the beginning and two for the end."""
    vocabulary = {text: number for number, text in enumerate(byte_alphabet())}
    added = [{"id": 256 + i, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for i, text in enumerate(("<s>", "</s>", "<end>"))]
    return {"version": "1.0", "added_tokens": added, "normalizer": None,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                                          {"Sequence": {"id": "A", "type_id": 0}}],
                               "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [256], "tokens": ["<s>"]}}},
            "decoder": {"type": "ByteLevel"},
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "byte_fallback": False,
                      "ignore_merges": False, "vocab": vocabulary, "merges": []}}


def write_tokenizer(folder, count):
    """tokenizer.json with as many tokens as a model's table has rows, for tests that give token ids."""
    contents = tokenizer()
    names = ["<pad>", "<bos>", "<eos>"]
    contents["added_tokens"] = [{**contents["added_tokens"][0], "id": i, "content": text}
                                for i, text in enumerate(names)]
    contents["post_processor"] = None
    contents["model"]["vocab"] = {text: i for i, text in enumerate(names + byte_alphabet()[33:33 + count - 3])}
    with open(os.path.join(folder, "tokenizer.json"), "w") as file:
        json.dump(contents, file)


class Folder:
    """The contents of a folder's files, by name."""

    def __init__(self, config=None, dtype="F16", shards=1):
        self.config = {**CONFIG, **(config or {})}
        self.tensors = list(make_tensors(self.config, dtype))
        self.tokenizer = tokenizer()
        self.files = {}
        self.shards = shards

    def index(self):
        """The assignment of tensors to shards, in order."""
        count = (len(self.tensors) + self.shards - 1) // self.shards
        for i in range(self.shards):
            yield f"model-{i + 1:05d}-of-{self.shards:05d}.safetensors", self.tensors[i * count:(i + 1) * count]

    def render(self):
        files = {"config.json": json.dumps(self.config).encode(),
                 "tokenizer.json": json.dumps(self.tokenizer).encode()}
        if self.shards == 1:
            files["model.safetensors"] = pack(*safetensors(self.tensors))
        else:
            weight_map = {}
            for name, tensors in self.index():
                files[name] = pack(*safetensors(tensors))
                weight_map.update({tensor[0]: name for tensor in tensors})
            files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()
        files.update(self.files)
        return files

    def write(self, path):
        os.makedirs(path, exist_ok=True)
        for name, content in self.render().items():
            if content is not None:
                with open(os.path.join(path, name), "wb") as file:
                    file.write(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output")
    parser.add_argument("--out-dir")
    parser.add_argument("--dtype", default="F16", choices=("F32", "F16", "BF16"))
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--config", type=json.loads, default={})
    parser.add_argument("--break", dest="kind")
    options = parser.parse_args()
    if options.kind:
        from folder_breaks import BREAKS
        for kind in BREAKS if options.kind == "all" else [options.kind]:
            folder = Folder()
            BREAKS[kind](folder)
            folder.write(os.path.join(options.out_dir, kind))
    else:
        Folder(options.config, options.dtype, options.shards).write(options.output)


if __name__ == "__main__":
    main()
