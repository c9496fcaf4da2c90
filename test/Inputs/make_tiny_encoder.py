#!/usr/bin/env python3
"""Writes a tiny encoder of texts (bert) as GGUF: random weights from a fixed seed, whose matrices have the widths that
block formats need. There is no text for its vocabulary; texts are given as ids below 96.

  make_tiny_encoder.py -o tiny.gguf
"""
import argparse
import math
import os
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Models"))
import to_gguf  # noqa: E402
from gguf_writer import Tensor, Writer  # noqa: E402

WIDTH, HEADS, INNER, LAYERS, VOCABULARY, POSITIONS = 192, 6, 384, 2, 96, 80


def model_tensors(numbers):
    tensors = []

    def add(name, dims, mean=0.0, sigma=0.0):
        sigma = sigma or 1 / math.sqrt(dims[0])
        rows = [[numbers.gauss(mean, sigma) for _ in range(dims[0])] for _ in range(math.prod(dims[1:]))]
        tensors.append(Tensor(name, dims, "f32", rows))

    def norm(name):
        add(name + ".weight", (WIDTH,), 1, 0.1)
        add(name + ".bias", (WIDTH,), 0, 0.1)

    for name, count in (("token_embd", VOCABULARY), ("position_embd", POSITIONS), ("token_types", 2)):
        add(name + ".weight", (WIDTH, count))
    norm("token_embd_norm")
    for layer in range(LAYERS):
        block = "blk.%d." % layer
        for name, rows, columns in (("attn_q", WIDTH, WIDTH), ("attn_k", WIDTH, WIDTH), ("attn_v", WIDTH, WIDTH),
                                    ("attn_output", WIDTH, WIDTH), ("ffn_up", INNER, WIDTH),
                                    ("ffn_down", WIDTH, INNER)):
            add(block + name + ".weight", (columns, rows))
            add(block + name + ".bias", (rows,), 0, 0.1)
        norm(block + "attn_output_norm")
        norm(block + "layer_output_norm")
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    config = {**to_gguf.read_config(os.path.join(os.path.dirname(to_gguf.__file__), "cases", "bert")),
              "hidden_size": WIDTH, "intermediate_size": INNER, "max_position_embeddings": POSITIONS,
              "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "vocab_size": VOCABULARY}
    writer = Writer()
    writer.tensors = model_tensors(random.Random(1))
    writer.pairs = to_gguf.settings(config, []) + to_gguf.tokenizer_pairs(config)
    with open(options.output, "wb") as file:
        file.write(writer.bytes())


if __name__ == "__main__":
    main()
