#!/usr/bin/env python3
"""Writes a tiny mixture of experts (qwen2moe) as GGUF: random weights from a fixed seed, whose matrices have the widths
that block formats need, with the vocabulary of make_tiny_gguf.py.

  make_tiny_experts.py -o tiny.gguf --type q4_0 --experts 5 --used 3
"""
import sys

sys.dont_write_bytecode = True

import argparse
import math
import random

from gguf_writer import F32, STRING, U32, TYPES, Tensor, Writer
from make_tiny_gguf import tokenizer_pairs

LAYERS, HEADS, KV_HEADS, HEAD_DIM, SHARED = 2, 3, 1, 32, 32


def model_pairs(args, vocab):
    key = "qwen2moe."
    numbers = {"block_count": LAYERS, "context_length": 128, "embedding_length": args.width,
               "feed_forward_length": 2 * args.width, "attention.head_count": HEADS,
               "attention.head_count_kv": KV_HEADS, "attention.key_length": HEAD_DIM,
               "attention.value_length": HEAD_DIM, "rope.dimension_count": HEAD_DIM, "expert_count": args.experts,
               "expert_used_count": args.used, "expert_feed_forward_length": args.inner,
               "expert_shared_feed_forward_length": SHARED, "vocab_size": vocab}
    return [("general.architecture", STRING, "qwen2moe"), ("general.name", STRING, "tiny experts"),
            *((key + name, U32, value) for name, value in numbers.items()),
            (key + "attention.layer_norm_rms_epsilon", F32, 1e-6), (key + "rope.freq_base", F32, 10000.0)]


def model_tensors(args, vocab):
    random_numbers = random.Random(args.seed)
    tensors = []

    def add(name, dims, kind, mean=0.0, sigma=0.0):
        sigma = sigma or 1 / math.sqrt(dims[0])
        rows = [[random_numbers.gauss(mean, sigma) for _ in range(dims[0])] for _ in range(math.prod(dims[1:]))]
        tensors.append(Tensor(name, dims, kind, rows))

    width, inner, experts, kind = args.width, args.inner, args.experts, args.type
    add("token_embd.weight", (width, vocab), kind)
    for layer in range(LAYERS):
        block = "blk.%d." % layer
        add(block + "attn_norm.weight", (width,), "f32", 1, 0.1)
        for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)):
            add(block + "attn_%s.weight" % name, (width, heads * HEAD_DIM), kind)
            add(block + "attn_%s.bias" % name, (heads * HEAD_DIM,), "f32", 0, 0.1)
        add(block + "attn_output.weight", (HEADS * HEAD_DIM, width), kind)
        add(block + "ffn_norm.weight", (width,), "f32", 1, 0.1)
        add(block + "ffn_gate_inp.weight", (width, experts), "f32")
        add(block + "ffn_gate_inp_shexp.weight", (width,), "f32")
        for name, rows, columns in (("gate", inner, width), ("up", inner, width), ("down", width, inner)):
            add(block + "ffn_%s_exps.weight" % name, (columns, rows, experts), kind)
        for name, rows, columns in (("gate", SHARED, width), ("up", SHARED, width), ("down", width, SHARED)):
            add(block + "ffn_%s_shexp.weight" % name, (columns, rows), kind)
    add("output_norm.weight", (width,), "f32", 1, 0.1)
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--type", default="q4_0", choices=list(TYPES))
    parser.add_argument("--seed", type=int, default=1)
    for name, value in (("width", 64), ("inner", 32), ("experts", 5), ("used", 3)):
        parser.add_argument("--" + name, type=int, default=value)
    args = parser.parse_args()
    text = argparse.Namespace(tokenizer="bpe", vocab=None, pre="smollm", padding=None, sampling=False,
                              no_template=False, template=None)
    writer = Writer(3, 32)
    pairs, vocab = tokenizer_pairs(text)
    writer.pairs = model_pairs(args, vocab) + pairs
    writer.tensors = model_tensors(args, vocab)
    with open(args.output, "wb") as file:
        file.write(writer.bytes())


if __name__ == "__main__":
    main()
