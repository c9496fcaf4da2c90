"""Writes GGUF files: values, tensors, and simple quantizers for the block formats.

A second, independent description of the format: it shares no code and no table with the compiler, so that a
mistake in one of the two is seen as a disagreement. Only the standard library is used.

Every place in the file that a test may want to damage is recorded in `Writer.marks` (name -> byte offset).
"""
import struct

import gguf_lattices

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
SCALARS = {U8: "<B", I8: "<b", U16: "<H", I16: "<h", U32: "<I", I32: "<i", F32: "<f", BOOL: "<B", U64: "<Q",
           I64: "<q", F64: "<d"}


def f16(value):
    return struct.pack("<e", value)


def read_f16(data):
    return struct.unpack("<e", data)[0]


def clamp(value, low, high):
    return max(low, min(high, value))


def encode_f32(row):
    return struct.pack("<%df" % len(row), *row)


def encode_f16(row):
    return struct.pack("<%de" % len(row), *row)


def encode_bf16(row):
    """Round to nearest, ties to even, on the upper half of the float's bits."""
    bits = struct.unpack("<%dI" % len(row), encode_f32(row))
    return struct.pack("<%dH" % len(row), *((b + 0x7FFF + ((b >> 16) & 1)) >> 16 for b in bits))


def nibbles(codes):
    """Codes 0..n/2-1 in the low halves, the others in the high halves."""
    half = len(codes) // 2
    return bytes(codes[i] | codes[i + half] << 4 for i in range(half))


def block_q4_0(x):
    peak = max(x, key=abs)
    d = f16(peak / -8)
    scale = read_f16(d)
    codes = [clamp(round(v / scale) + 8, 0, 15) if scale else 8 for v in x]
    return d + nibbles(codes)


def block_q4_1(x):
    low, high = min(x), max(x)
    d, m = f16((high - low) / 15), f16(low)
    scale, base = read_f16(d), read_f16(m)
    codes = [clamp(round((v - base) / scale), 0, 15) if scale else 0 for v in x]
    return d + m + nibbles(codes)


def block_q8_0(x):
    d = f16(max(abs(v) for v in x) / 127)
    scale = read_f16(d)
    codes = [clamp(round(v / scale), -127, 127) if scale else 0 for v in x]
    return d + struct.pack("<32b", *codes)


def block_q4_k(x):
    """256 values as 8 groups of 32: value = d·sc·q − dmin·mn with 6-bit sc and mn."""
    groups = [x[i:i + 32] for i in range(0, 256, 32)]
    lows = [max(0.0, -min(g)) for g in groups]
    steps = [(max(max(g), 0.0) + low) / 15 for g, low in zip(groups, lows)]
    d, dmin = f16(max(steps) / 63), f16(max(lows) / 63)
    scale, base = read_f16(d), read_f16(dmin)
    sc = [clamp(round(s / scale), 0, 63) if scale else 0 for s in steps]
    mn = [clamp(round(m / base), 0, 63) if base else 0 for m in lows]
    packed = bytearray(12)
    for j in range(4):
        packed[j] = sc[j] | (sc[j + 4] >> 4) << 6
        packed[j + 4] = mn[j] | (mn[j + 4] >> 4) << 6
        packed[j + 8] = (sc[j + 4] & 15) | (mn[j + 4] & 15) << 4
    codes = []
    for j, group in enumerate(groups):
        step, low = scale * sc[j], base * mn[j]
        codes.append([clamp(round((v + low) / step), 0, 15) if step else 0 for v in group])
    body = b"".join(nibbles(codes[j] + codes[j + 1]) for j in range(0, 8, 2))
    return d + dmin + bytes(packed) + body


def block_q6_k(x):
    """256 values as 16 groups of 16: value = d·sc·(q − 32) with 8-bit signed sc."""
    groups = [x[i:i + 16] for i in range(0, 256, 16)]
    steps = [max(g, key=abs) / -32 for g in groups]
    d = f16(max(steps, key=abs) / -128)
    scale = read_f16(d)
    sc = [clamp(round(s / scale), -128, 127) if scale else 0 for s in steps]
    codes = []
    for j, group in enumerate(groups):
        step = scale * sc[j]
        codes += [clamp(round(v / step), -32, 31) + 32 if step else 32 for v in group]
    low, high = bytearray(), bytearray()
    for base in (0, 128):
        q = codes[base:base + 128]
        low += bytes((q[i] & 15) | (q[i + 64] & 15) << 4 for i in range(64))
        high += bytes(q[i] >> 4 | (q[i + 32] >> 4) << 2 | (q[i + 64] >> 4) << 4 | (q[i + 96] >> 4) << 6
                      for i in range(32))
    return bytes(low) + bytes(high) + struct.pack("<16b", *sc) + d


def blocks(size, encode):
    return lambda row: b"".join(encode(row[i:i + size]) for i in range(0, len(row), size))


# name -> (ggml type id, elements per block, bytes per block, encoder of a row)
TYPES = {
    "f32": (0, 1, 4, encode_f32),
    "f16": (1, 1, 2, encode_f16),
    "bf16": (30, 1, 2, encode_bf16),
    "q4_0": (2, 32, 18, blocks(32, block_q4_0)),
    "q4_1": (3, 32, 20, blocks(32, block_q4_1)),
    "q8_0": (8, 32, 34, blocks(32, block_q8_0)),
    "q4_k": (12, 256, 144, blocks(256, block_q4_k)),
    "q6_k": (14, 256, 210, blocks(256, block_q6_k)),
}
TYPES.update({name: (kind, elements, size, blocks(elements, encode))
              for name, (kind, elements, size, encode) in gguf_lattices.BLOCKS.items()})


class Tensor:
    """`dims` in the order of the file (fastest first); `data` are the encoded bytes."""

    def __init__(self, name, dims, type_name, rows):
        self.name, self.dims, self.type_name = name, list(dims), type_name
        self.type_id, _, _, encode = TYPES[type_name]
        self.data = b"".join(encode(row) for row in rows)
        self.offset = None  # set to override the place in the data section


class Writer:
    """One file: metadata as (key, type, value) or (key, ARRAY, element type, values), then tensors."""

    def __init__(self, version=3, alignment=32):
        self.version, self.alignment = version, alignment
        self.pairs, self.tensors = [], []
        self.marks, self.out = {}, bytearray()

    def mark(self, name):
        self.marks[name] = len(self.out)

    def number(self, kind, value):
        self.out += struct.pack(SCALARS[kind], value)

    def string(self, text):
        raw = text if isinstance(text, bytes) else text.encode("utf-8")
        self.number(U64, len(raw))
        self.out += raw

    def value(self, kind, value):
        self.string(value) if kind == STRING else self.number(kind, value)

    def pair(self, key, kind, *rest):
        self.mark("key:" + key)
        self.string(key)
        self.mark("type:" + key)
        self.number(U32, kind)
        if kind != ARRAY:
            self.mark("value:" + key)
            return self.value(kind, *rest)
        element, values = rest
        self.mark("element:" + key)
        self.number(U32, element)
        self.mark("length:" + key)
        self.number(U64, len(values))
        self.mark("value:" + key)
        for value in values:
            self.value(element, value)

    def tensor_info(self, tensor, offset):
        name = tensor.name
        self.mark("name:" + name)
        self.string(name)
        self.mark("ndims:" + name)
        self.number(U32, len(tensor.dims))
        self.mark("dims:" + name)
        for dim in tensor.dims:
            self.number(U64, dim)
        self.mark("ggml:" + name)
        self.number(U32, tensor.type_id)
        self.mark("offset:" + name)
        self.number(U64, offset if tensor.offset is None else tensor.offset)

    def pad(self, data):
        data += bytes(-len(data) % self.alignment)

    def bytes(self):
        self.out = bytearray(b"GGUF")
        self.mark("version")
        self.number(U32, self.version)
        self.mark("tensor count")
        self.number(U64, len(self.tensors))
        self.mark("pair count")
        self.number(U64, len(self.pairs))
        for pair in self.pairs:
            self.pair(*pair)
        self.mark("tensors")
        data = bytearray()
        for tensor in self.tensors:
            self.tensor_info(tensor, len(data))
            data += tensor.data
            self.pad(data)
        self.mark("padding")
        self.pad(self.out)
        self.mark("data")
        self.out += data
        return self.out
