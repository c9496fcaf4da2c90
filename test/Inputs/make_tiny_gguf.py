#!/usr/bin/env python3
"""Writes a tiny llama model as GGUF: random weights from a fixed seed, so every run gives the same bytes.

  make_tiny_gguf.py -o tiny.gguf                           2 layers, width 64, q4_1, byte-level BPE
  make_tiny_gguf.py -o k.gguf --type q4_k --embd 256 --ffn 256
  make_tiny_gguf.py -o s.gguf --split 3                    s-00001-of-00003.gguf and so on
  make_tiny_gguf.py -o bad.gguf --break magic              one damaged file
  make_tiny_gguf.py --out-dir DIR --break all              every kind of damage, DIR/KIND.gguf
  make_tiny_gguf.py --list-breaks

Weights are N(0, 1/sqrt(K)), so activations keep their size from layer to layer and logits stay near N(0, 1).
"""
import sys

sys.dont_write_bytecode = True

import argparse
import copy
import math
import os
import random

import gguf_breaks
import gguf_lattices
from gguf_writer import (ARRAY, BOOL, F32, F64, I8, I16, I32, I64, STRING, TYPES, U8, U16, U32, U64, Tensor, Writer)

CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
          "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
          "{% endif %}")
NORMAL, UNKNOWN, CONTROL, UNUSED, BYTE = 1, 2, 3, 5, 6


def byte_characters():
    """GPT-2's printable stand-in for each byte."""
    kept = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, spare = {}, 256
    for byte in range(256):
        table[byte] = chr(byte) if byte in kept else chr(spare)
        spare += byte not in kept
    return [table[byte] for byte in range(256)]


def bpe_vocabulary():
    """Specials, 256 bytes, then one token a merge."""
    letters = byte_characters()
    space = letters[32]
    merges = [(space, "t"), ("h", "e"), ("i", "n"), (space, "a"), (space + "t", "he"), ("e", "r"), (space, "w"),
              ("o", "r"), ("in", "g"), ("l", "d"), (space + "w", "or"), (space + "wor", "ld"), (space, space),
              ("l", "l"), ("e", "ll"), ("ell", "o"), ("h", "ello"), ("H", "ello"), ("1", "2"), ("a", "n")]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + letters + [a + b for a, b in merges]
    types = [CONTROL] * 3 + [NORMAL] * (len(tokens) - 3)
    return tokens, types, [a + " " + b for a, b in merges]


def spm_vocabulary():
    """<unk> <s> </s>, 256 byte tokens, then pieces with falling scores."""
    space = "\u2581"
    pieces = [space + "the", space + "world", "hello", space + "hello", "ing", "he", "ll", "or", "ld", "in",
              space + "t", space + "w", space + "h", "ell", "wor", "the"]
    pieces += [space] + [chr(c) for c in range(97, 123)] + [chr(c) for c in range(48, 58)]
    tokens = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)] + pieces
    types = [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * len(pieces)
    scores = [0.0] * 259 + [-float(i) for i in range(len(pieces))]
    return tokens, types, scores


def tokenizer_pairs(args):
    if args.tokenizer == "bpe":
        tokens, types, merges = bpe_vocabulary()
        scores, bos, eos = None, 1, 2
    else:
        tokens, types, scores = spm_vocabulary()
        merges, bos, eos = None, 1, 2
    for i in range(len(tokens), args.vocab or 0):
        tokens.append("[UNUSED%d]" % i)
        types.append(UNUSED)
        if scores is not None:
            scores.append(-1000.0)
    key = "tokenizer.ggml."
    pairs = [(key + "model", STRING, "gpt2" if args.tokenizer == "bpe" else "llama")]
    if args.tokenizer == "bpe":
        pairs.append((key + "pre", STRING, args.pre))
    pairs.append((key + "tokens", ARRAY, STRING, tokens))
    if scores is not None:
        pairs.append((key + "scores", ARRAY, F32, scores))
    pairs.append((key + "token_type", ARRAY, I32, types))
    if merges is not None:
        pairs.append((key + "merges", ARRAY, STRING, merges))
    pairs += [(key + "bos_token_id", U32, bos), (key + "eos_token_id", U32, eos),
              (key + "unknown_token_id", U32, 0), (key + "add_bos_token", BOOL, int(args.tokenizer == "spm"))]
    if args.padding is not None:
        pairs.append((key + "padding_token_id", U32, args.padding))
    if args.sampling:
        pairs += [("general.sampling.temp", F32, 0.5), ("general.sampling.top_k", I32, 40),
                  ("general.sampling.top_p", F32, 0.75)]
    if not args.no_template:
        pairs.append(("tokenizer.chat_template", STRING, args.template or CHATML))
    return pairs, len(tokens)


def rope_pairs(args):
    key = "llama.rope."
    pairs = [(key + "freq_base", F32, args.rope_base), (key + "dimension_count", U32, args.rope_dims)]
    if args.rope_scaling in ("linear", "yarn", "llama3"):
        pairs += [(key + "scaling.type", STRING, args.rope_scaling), (key + "scaling.factor", F32, args.rope_factor),
                  (key + "scaling.original_context_length", U32, args.context // 4)]
    if args.rope_scaling == "yarn" and args.attn_factor:
        pairs.append((key + "scaling.attn_factor", F32, args.attn_factor))
    if args.rope_scaling == "llama3":
        pairs += [(key + "scaling.low_freq_factor", F32, 1.0), (key + "scaling.high_freq_factor", F32, 4.0)]
    return pairs


def model_pairs(args, vocab):
    key = "llama."
    pairs = [("general.architecture", STRING, "llama"), ("general.name", STRING, "tiny")]
    if args.alignment != 32:
        pairs.append(("general.alignment", U32, args.alignment))
    pairs += [(key + "block_count", U32, args.layers), (key + "context_length", U32, args.context),
              (key + "embedding_length", U32, args.embd), (key + "feed_forward_length", U32, args.ffn),
              (key + "attention.head_count", U32, args.heads), (key + "attention.head_count_kv", U32, args.kv_heads),
              (key + "attention.layer_norm_rms_epsilon", F32, 1e-5), (key + "vocab_size", U32, vocab)]
    if args.head_dim * args.heads != args.embd:
        pairs += [(key + "attention.key_length", U32, args.head_dim),
                  (key + "attention.value_length", U32, args.head_dim)]
    return pairs + rope_pairs(args)


def every_type_pairs():
    """One key of each value type and of arrays of each, at the ends of their ranges."""
    values = {U8: 255, I8: -128, U16: 65535, I16: -32768, U32: 2**32 - 1, I32: -2**31, U64: 2**64 - 1, I64: -2**63,
              F32: 0.5, F64: 1e300, BOOL: 1, STRING: "text"}
    pairs = [("test.value%d" % kind, kind, value) for kind, value in values.items()]
    pairs += [("test.array%d" % kind, ARRAY, kind, [value] * 3) for kind, value in values.items()]
    return pairs + [("test.empty", ARRAY, STRING, [])]


def choose_type(args, index, name, columns):
    for override in args.tensor_type:
        part, _, type_name = override.partition("=")
        if part in name:
            return type_name
    if args.type != "mixed":
        return args.type
    fitting = [t for t in TYPES if t not in gguf_lattices.BLOCKS and columns % TYPES[t][1] == 0]
    return fitting[index % len(fitting)]


def model_tensors(args, vocab):
    random_numbers = random.Random(args.seed)
    tensors, matrices = [], []

    def matrix(name, rows, columns):
        sigma = 1 / math.sqrt(columns)
        values = [[random_numbers.gauss(0, sigma) for _ in range(columns)] for _ in range(rows)]
        tensors.append(Tensor(name, (columns, rows), choose_type(args, len(matrices), name, columns), values))
        matrices.append(name)

    def vector(name, size, mean, sigma):
        tensors.append(Tensor(name, (size,), "f32", [[random_numbers.gauss(mean, sigma) for _ in range(size)]]))

    q, kv = args.heads * args.head_dim, args.kv_heads * args.head_dim
    matrix("token_embd.weight", vocab, args.embd)
    for layer in range(args.layers):
        block = "blk.%d." % layer
        vector(block + "attn_norm.weight", args.embd, 1, 0.1)
        shapes = [("attn_q", q, args.embd), ("attn_k", kv, args.embd), ("attn_v", kv, args.embd),
                  ("attn_output", args.embd, q), ("ffn_gate", args.ffn, args.embd), ("ffn_up", args.ffn, args.embd),
                  ("ffn_down", args.embd, args.ffn)]
        for name, rows, columns in shapes:
            matrix(block + name + ".weight", rows, columns)
            if args.bias and (args.bias == "all" or name in ("attn_q", "attn_k", "attn_v")):
                vector(block + name + ".bias", rows, 0, 0.1)
        vector(block + "ffn_norm.weight", args.embd, 1, 0.1)
    vector("output_norm.weight", args.embd, 1, 0.1)
    if args.untied:
        matrix("output.weight", vocab, args.embd)
    if args.rope_scaling == "freqs":
        factors = [1.0 + 7.0 * i / max(1, args.rope_dims // 2 - 1) for i in range(args.rope_dims // 2)]
        tensors.append(Tensor("rope_freqs.weight", (len(factors),), "f32", [factors]))
    return tensors


def build(args):
    writer = Writer(args.gguf_version, args.alignment)
    tokenizer, vocab = tokenizer_pairs(args)
    writer.pairs = model_pairs(args, vocab) + tokenizer + (every_type_pairs() if args.every_type else [])
    writer.tensors = model_tensors(args, vocab)
    return writer


def write_parts(args, writer):
    """Distributes the tensors over the parts; the first holds all metadata. Returns (path, bytes) pairs."""
    stem = args.output[:-5] if args.output.endswith(".gguf") else args.output
    tensors, count = writer.tensors, args.split
    for index in range(count):
        part = Writer(args.gguf_version, args.alignment)
        part.pairs = list(writer.pairs) if index == 0 else []
        if index > 0 and args.alignment != 32:
            part.pairs.append(("general.alignment", U32, args.alignment))
        part.pairs += [("split.no", U16, index), ("split.count", U16, count),
                       ("split.tensors.count", I32, len(tensors))]
        part.tensors = tensors[index * len(tensors) // count:(index + 1) * len(tensors) // count]
        yield "%s-%05d-of-%05d.gguf" % (stem, index + 1, count), part.bytes()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("-o", "--output", default="tiny.gguf")
    add("--out-dir", default=".")
    add("--seed", type=int, default=1)
    add("--type", default="q4_1", choices=[*TYPES, "mixed"])
    add("--tensor-type", action="append", default=[], metavar="PART=TYPE", help="for tensors whose name holds PART")
    add("--layers", type=int, default=2)
    add("--embd", type=int, default=64)
    add("--ffn", type=int, default=128)
    add("--heads", type=int, default=4)
    add("--kv-heads", type=int, default=2)
    add("--head-dim", type=int)
    add("--context", type=int, default=128)
    add("--vocab", type=int, help="fill the vocabulary up to this size")
    add("--untied", action="store_true")
    add("--bias", choices=["qkv", "all"])
    add("--rope-base", type=float, default=10000.0)
    add("--rope-dims", type=int)
    add("--rope-scaling", default="none", choices=["none", "linear", "yarn", "llama3", "freqs"])
    add("--rope-factor", type=float, default=4.0)
    add("--attn-factor", type=float)
    add("--gguf-version", type=int, default=3)
    add("--alignment", type=int, default=32)
    add("--split", type=int, default=1)
    add("--tokenizer", default="bpe", choices=["bpe", "spm"])
    add("--pre", default="smollm")
    add("--padding", type=int, metavar="ID", help="adds tokenizer.ggml.padding_token_id")
    add("--template")
    add("--no-template", action="store_true")
    add("--every-type", action="store_true", help="adds keys test.* of every metadata type")
    add("--sampling", action="store_true", help="adds general.sampling.*")
    add("--break", dest="damage", metavar="KIND")
    add("--list-breaks", action="store_true")
    args = parser.parse_args()
    args.head_dim = args.head_dim or args.embd // args.heads
    args.rope_dims = args.rope_dims or args.head_dim
    return args


def main():
    args = arguments()
    if args.list_breaks:
        print("\n".join(gguf_breaks.KINDS))
    elif args.damage == "all":
        os.makedirs(args.out_dir, exist_ok=True)
        good = build(args)
        for kind in gguf_breaks.KINDS:
            with open(os.path.join(args.out_dir, kind + ".gguf"), "wb") as file:
                file.write(gguf_breaks.damage(kind, copy.deepcopy(good)))
    elif args.damage:
        with open(args.output, "wb") as file:
            file.write(gguf_breaks.damage(args.damage, build(args)))
    elif args.split > 1:
        for path, data in write_parts(args, build(args)):
            with open(path, "wb") as file:
                file.write(data)
    else:
        with open(args.output, "wb") as file:
            file.write(build(args).bytes())


if __name__ == "__main__":
    main()
