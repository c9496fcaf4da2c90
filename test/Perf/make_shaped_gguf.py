#!/usr/bin/env python3
"""Writes a GGUF file with the shape of a real model and random weights, for measurements of speed.

    make_shaped_gguf.py --shape=smollm2-135m|llama3.2-1b|qwen2.5-0.5b --quant=QUANT -o FILE.gguf [--pure] [--seed=N]

What takes time and memory is real: every tensor has the shape and the format that llama-quantize gives it, the
vocabulary has its size. What the model says is not: the weights are random, the vocabulary is bytes, a few merges and
fillers. QUANT is a type (F16, Q4_0, Q4_1, Q5_0, Q8_0, IQ4_NL, Q1_0, Q2_0, TQ1_0, TQ2_0, Q2_K, Q4_K, Q6_K) or the mix
Q4_K_M. As in llama-quantize, the output matrix (here the shared embedding) has six or eight bits, Q2_K and Q4_K_M have
more bits in some tensors, and rows that are no multiple of a type's block fall back to a type with blocks of 32, or are
refused (Q1_0); --pure leaves only the last.

Blocks are random bits under a scale of fixed exponent, so that weights have a standard deviation near 0.02 and
activations stay finite. One pool of 65,537 blocks a type is repeated (a prime, so that rows differ), which writes at
the speed of the disk. Standard library only.
"""
import argparse
import os
import random
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Inputs"))
from gguf_writer import ARRAY, BOOL, F32, I32, STRING, U32, U64, Writer  # noqa: E402
from make_tiny_gguf import CHATML, UNUSED, bpe_vocabulary  # noqa: E402

SHAPES = {
    "smollm2-135m": dict(arch="llama", layers=30, embd=576, ffn=1536, heads=9, kv=3, dim=64, vocab=49152, ctx=8192,
                         base=100000.0, eps=1e-5),
    "llama3.2-1b": dict(arch="llama", layers=16, embd=2048, ffn=8192, heads=32, kv=8, dim=64, vocab=128256, ctx=131072,
                        base=500000.0, eps=1e-5, factors=True),
    "qwen2.5-0.5b": dict(arch="qwen2", layers=24, embd=896, ffn=4864, heads=14, kv=2, dim=64, vocab=151936, ctx=32768,
                         base=1000000.0, eps=1e-6, bias=True),
}

# type -> (ggml id, elements and bytes of a block, places of f16 scales: (offset, high byte), type for rows that are no
# multiple of the block; None where there is none). The high byte of an f16 is its sign, its exponent
# and two bits of its mantissa; the low byte stays random. With codes that are uniform the weights' deviation is near
# 0.02, and a minimum is near the middle of the codes.
TYPES = {
    "F32": (0, 1, 4, (), None),
    "F16": (1, 1, 2, (), None),
    "Q4_0": (2, 32, 18, ((0, 0x1c),), None),
    "Q4_1": (3, 32, 20, ((0, 0x1c), (2, 0xa7)), None),
    "Q5_0": (6, 32, 22, ((0, 0x18),), None),
    "Q8_0": (8, 32, 34, ((0, 0x0c),), None),
    "Q2_K": (10, 256, 84, ((80, 0x18), (82, 0x1a)), "Q4_0"),
    "Q3_K": (11, 256, 110, ((108, 0x04),), "Q4_0"),
    "Q4_K": (12, 256, 144, ((0, 0x08), (2, 0x13)), "Q5_0"),
    "Q6_K": (14, 256, 210, ((208, 0x01),), "Q8_0"),
    "IQ4_NL": (20, 32, 18, ((0, 0x0c),), None),
    "TQ1_0": (34, 256, 54, ((52, 0x24),), "Q4_0"),
    "TQ2_0": (35, 256, 66, ((64, 0x24),), "Q4_0"),
    "Q1_0": (41, 128, 18, ((0, 0x25),), None),
    "Q2_0": (42, 64, 18, ((0, 0x22),), "Q4_0"),
}
QUANTS = [name for name in TYPES if name not in ("F32", "Q3_K")] + ["Q4_K_M"]
POOL = 65537
# A field of three in a ternary byte would be no weight.
TERNARY = bytes(sum((byte >> shift & 3) % 3 << shift for shift in (0, 2, 4, 6)) for byte in range(256))


def pool_of(name, rng):
    """POOL random valid blocks of a type."""
    _, elements, size, scales, _ = TYPES[name]
    if name == "F32":  # norms: near one
        return struct.pack("<%df" % POOL, *(1 + rng.gauss(0, 0.05) for _ in range(POOL)))
    if name == "F16":
        return struct.pack("<%de" % POOL, *(rng.gauss(0, 0.02) for _ in range(POOL)))
    data = bytearray(rng.randbytes(POOL * size))
    if name == "TQ2_0":
        data = bytearray(data.translate(TERNARY))
    for offset, high in scales:
        data[offset + 1::size] = bytes([high]) * POOL
    return bytes(data)


def more_bits(layer, layers):
    """The layers whose sensitive tensors get more bits in a _M mix: the ends, and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def type_of(args, shape, name, layer, columns):
    """The type that llama-quantize chooses for a matrix."""
    chosen = "Q4_K" if args.quant == "Q4_K_M" else args.quant
    if not args.pure:
        if name == "token_embd" and chosen not in ("F16", "Q8_0"):
            chosen = "Q6_K"
        elif args.quant == "Q4_K_M" and name in ("attn_v", "ffn_down") and more_bits(layer, shape["layers"]):
            chosen = "Q6_K"
        elif args.quant == "Q2_K" and name == "attn_v":
            chosen = "Q4_K" if shape["heads"] // shape["kv"] >= 4 else "Q3_K"
        elif args.quant == "Q2_K" and name in ("ffn_down", "attn_output"):
            chosen = "Q3_K"
    if columns % TYPES[chosen][1] == 0:
        return chosen
    if TYPES[chosen][4] is None:
        sys.exit(f"error: {chosen} has blocks of {TYPES[chosen][1]}, and {name} has rows of {columns} numbers")
    return TYPES[chosen][4]


class PlannedTensor:
    """What Writer.tensor_info wants to know of a tensor; its bytes are written later."""

    def __init__(self, name, dims, type_name, values=None):
        self.name, self.dims, self.type_name, self.values = name, dims, type_name, values
        self.type_id, elements, size, _, _ = TYPES[type_name]
        count = 1
        for dim in dims:
            count *= dim
        self.bytes = count // elements * size
        self.offset = None


def rope_factors(shape):
    """Llama 3's stretching of low frequencies: factor 32, low 1, high 4, original context 8192."""
    factors = []
    for i in range(shape["dim"] // 2):
        length = 2 * 3.141592653589793 * shape["base"] ** (2 * i / shape["dim"])
        smooth = min(max((8192 / length - 1) / 3, 0), 1)
        factors.append(1 / ((1 - smooth) / 32 + smooth))
    return factors


def tensors_of(args, shape):
    embd, ffn, dim = shape["embd"], shape["ffn"], shape["dim"]
    queries, keys = shape["heads"] * dim, shape["kv"] * dim
    tensors = []

    def matrix(name, rows, columns, layer=0, prefix=""):
        tensors.append(PlannedTensor(prefix + name + ".weight", [columns, rows],
                                     type_of(args, shape, name, layer, columns)))

    def vector(name, size, values=None):
        tensors.append(PlannedTensor(name, [size], "F32", values))

    matrix("token_embd", shape["vocab"], embd)
    if "factors" in shape:
        vector("rope_freqs.weight", dim // 2, rope_factors(shape))
    for layer in range(shape["layers"]):
        prefix = "blk.%d." % layer
        vector(prefix + "attn_norm.weight", embd)
        for name, rows, columns in (("attn_q", queries, embd), ("attn_k", keys, embd), ("attn_v", keys, embd),
                                    ("attn_output", embd, queries), ("ffn_gate", ffn, embd), ("ffn_up", ffn, embd),
                                    ("ffn_down", embd, ffn)):
            matrix(name, rows, columns, layer, prefix)
            if "bias" in shape and name in ("attn_q", "attn_k", "attn_v"):
                vector(prefix + name + ".bias", rows)
        vector(prefix + "ffn_norm.weight", embd)
    vector("output_norm.weight", embd)
    return tensors


def pairs_of(shape, name):
    key = shape["arch"] + "."
    tokens, types, merges = bpe_vocabulary()
    fillers = range(len(tokens), shape["vocab"])
    tokens += ["[UNUSED%d]" % i for i in fillers]
    types += [UNUSED] * len(fillers)
    return [("general.architecture", STRING, shape["arch"]), ("general.name", STRING, name + "-random"),
            (key + "block_count", U32, shape["layers"]), (key + "context_length", U32, shape["ctx"]),
            (key + "embedding_length", U32, shape["embd"]), (key + "feed_forward_length", U32, shape["ffn"]),
            (key + "attention.head_count", U32, shape["heads"]),
            (key + "attention.head_count_kv", U32, shape["kv"]),
            (key + "attention.layer_norm_rms_epsilon", F32, shape["eps"]),
            (key + "rope.freq_base", F32, shape["base"]), (key + "rope.dimension_count", U32, shape["dim"]),
            (key + "vocab_size", U32, shape["vocab"]),
            ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "smollm"),
            ("tokenizer.ggml.tokens", ARRAY, STRING, tokens), ("tokenizer.ggml.token_type", ARRAY, I32, types),
            ("tokenizer.ggml.merges", ARRAY, STRING, merges), ("tokenizer.ggml.bos_token_id", U32, 1),
            ("tokenizer.ggml.eos_token_id", U32, 2), ("tokenizer.ggml.add_bos_token", BOOL, 0),
            ("tokenizer.chat_template", STRING, CHATML)]


def write_header(writer, tensors, file):
    writer.out = bytearray(b"GGUF")
    for kind, value in ((U32, writer.version), (U64, len(tensors)), (U64, len(writer.pairs))):
        writer.number(kind, value)
    for pair in writer.pairs:
        writer.pair(*pair)
    offset = 0
    for tensor in tensors:
        writer.tensor_info(tensor, offset)
        offset += tensor.bytes + -tensor.bytes % writer.alignment
    writer.pad(writer.out)
    file.write(writer.out)


def write_data(tensor, pool, rng, file, alignment):
    if tensor.values is not None:
        file.write(struct.pack("<%df" % len(tensor.values), *tensor.values))
    else:
        start = rng.randrange(POOL) * TYPES[tensor.type_name][2]
        left = tensor.bytes
        while left:
            piece = memoryview(pool)[start:start + left]
            file.write(piece)
            left, start = left - len(piece), 0
    file.write(bytes(-tensor.bytes % alignment))


def write_model(path, writer, tensors, rng):
    """Writes a file of these tensors; a type's blocks come from one pool of random ones."""
    pools = {name: pool_of(name, rng) for name in dict.fromkeys(tensor.type_name for tensor in tensors)}
    with open(path, "wb") as file:
        write_header(writer, tensors, file)
        for tensor in tensors:
            write_data(tensor, pools[tensor.type_name], rng, file, writer.alignment)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", required=True, choices=SHAPES)
    parser.add_argument("--quant", required=True, choices=QUANTS)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--pure", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    shape, rng = SHAPES[args.shape], random.Random(args.seed)
    tensors = tensors_of(args, shape)
    writer = Writer()
    writer.pairs = pairs_of(shape, args.shape)
    write_model(args.output, writer, tensors, rng)


if __name__ == "__main__":
    main()
