#!/usr/bin/env python3
"""Writes a GGUF file with the shape of a real model and random weights, for measurements of speed.

    make_shaped_gguf.py --shape=smollm2-135m|llama3.2-1b|qwen2.5-0.5b|qwen3-0.6b --quant=QUANT -o FILE.gguf [--pure]
                        [--table=TYPE] [--layers=N] [--vocab=N] [--seed=N]

What takes time and memory is real: every tensor has the shape and the format that llama-quantize gives it, the
vocabulary has its size. What the model says is not: the weights are random, the vocabulary is bytes, a few merges and
fillers. QUANT is F16, a type of blocks of ggml, or the mix Q4_K_M. As in llama-quantize, the output matrix (here the
shared embedding) has six or eight bits, Q2_K and Q4_K_M have more bits in some tensors, and rows that are no multiple
of a type's block fall back to a type with blocks of 32, or are refused (Q1_0); --pure leaves only the last. The mixes
that it makes of Q3_K, Q5_K and the IQ types are not made here: of these all layers are of one type. --table says which
type the shared embedding has. --layers and --vocab make the model smaller than the shape, each layer as it was.

Blocks are random bits under a scale of fixed exponent, so that weights have a standard deviation near 0.02 (of NVFP4,
whose least normal scale is 2^-6, 0.06) and activations stay finite. One pool of 65,537 blocks a type is repeated (a
prime, so that rows differ), which writes at the speed of the disk. Standard library only.
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
    "qwen3-0.6b": dict(arch="qwen3", layers=28, embd=1024, ffn=3072, heads=16, kv=8, dim=128, vocab=151936, ctx=40960,
                       base=1000000.0, eps=1e-6, norms=True),
}

# type -> (ggml id, elements and bytes of a block, the bytes of scales that are not random: (offset, value), type for
# rows that are no multiple of the block; None where there is none). The high byte of an f16, the second, is its sign,
# its exponent and two bits of its mantissa; the low byte stays random. With codes that are uniform the weights'
# deviation is near 0.02, and a minimum is near the middle of the codes.
TYPES = {
    "F32": (0, 1, 4, (), None),
    "F16": (1, 1, 2, (), None),
    "Q4_0": (2, 32, 18, ((1, 0x1c),), None),
    "Q4_1": (3, 32, 20, ((1, 0x1c), (3, 0xa7)), None),
    "Q5_0": (6, 32, 22, ((1, 0x18),), None),
    "Q5_1": (7, 32, 24, ((1, 0x18), (3, 0xa8)), None),
    "Q8_0": (8, 32, 34, ((1, 0x0c),), None),
    "Q8_1": (9, 32, 36, ((1, 0x0c),), None),
    "Q2_K": (10, 256, 84, ((81, 0x18), (83, 0x1a)), "Q4_0"),
    "Q3_K": (11, 256, 110, ((109, 0x04),), "Q4_0"),
    "Q4_K": (12, 256, 144, ((1, 0x08), (3, 0x13)), "Q5_0"),
    "Q5_K": (13, 256, 176, ((1, 0x04), (3, 0x13)), "Q5_1"),
    "Q6_K": (14, 256, 210, ((209, 0x01),), "Q8_0"),
    "Q8_K": (15, 256, 292, ((3, 0x39),), None),  # an f32
    "IQ2_XXS": (16, 256, 66, ((1, 0x0e),), "IQ4_NL"),
    "IQ2_XS": (17, 256, 74, ((1, 0x0e),), "IQ4_NL"),
    "IQ3_XXS": (18, 256, 98, ((1, 0x08),), "IQ4_NL"),
    "IQ1_S": (19, 256, 50, ((1, 0x19),), "IQ4_NL"),
    "IQ4_NL": (20, 32, 18, ((1, 0x0c),), None),
    "IQ3_S": (21, 256, 110, ((1, 0x08),), "IQ4_NL"),
    "IQ2_S": (22, 256, 82, ((1, 0x0e),), "IQ4_NL"),
    "IQ4_XS": (23, 256, 136, ((1, 0x01),), "IQ4_NL"),
    # Each of four u16 holds a nibble of the f16 above the scales of four groups: here 0x19 as the high byte.
    "IQ1_M": (29, 256, 56, ((53, 0x9c), (55, 0x1a)), "IQ4_NL"),
    "TQ1_0": (34, 256, 54, ((53, 0x24),), "Q4_0"),
    "TQ2_0": (35, 256, 66, ((65, 0x24),), "Q4_0"),
    "MXFP4": (39, 32, 17, ((0, 120),), None),  # an e8m0, 2^-7
    "NVFP4": (40, 64, 36, ((0, 0x08), (1, 0x0b), (2, 0x0a), (3, 0x09)), None),  # ue4m3, from 2^-6 on
    "Q1_0": (41, 128, 18, ((1, 0x25),), None),
    "Q2_0": (42, 64, 18, ((1, 0x22),), "Q4_0"),
}
QUANTS = [name for name in TYPES if name != "F32"] + ["Q4_K_M"]
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
    for offset, value in scales:
        data[offset::size] = bytes([value]) * POOL
    return bytes(data)


def more_bits(layer, layers):
    """The layers whose sensitive tensors get more bits in a _M mix: the ends, and every third between."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def type_of(args, shape, name, layer, columns):
    """The type that llama-quantize chooses for a matrix."""
    chosen = "Q4_K" if args.quant == "Q4_K_M" else args.quant
    if name == "token_embd" and args.table:
        chosen = args.table
    elif not args.pure:
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
        if "norms" in shape:
            vector(prefix + "attn_q_norm.weight", dim)
            vector(prefix + "attn_k_norm.weight", dim)
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
            (key + "attention.key_length", U32, shape["dim"]), (key + "attention.value_length", U32, shape["dim"]),
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
    parser.add_argument("--table", choices=[name for name in TYPES if name != "F32"])
    parser.add_argument("--layers", type=int)
    parser.add_argument("--vocab", type=int)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    shape, rng = dict(SHAPES[args.shape]), random.Random(args.seed)
    for name, least in (("layers", 1), ("vocab", len(bpe_vocabulary()[0]))):
        if (given := getattr(args, name)) is not None:
            if not least <= given <= shape[name]:
                parser.error(f"--{name} wants {least} to {shape[name]} for this shape, not {given}")
            shape[name] = given
    tensors = tensors_of(args, shape)
    writer = Writer()
    writer.pairs = pairs_of(shape, args.shape)
    write_model(args.output, writer, tensors, rng)


if __name__ == "__main__":
    main()
