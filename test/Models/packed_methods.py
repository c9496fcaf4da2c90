"""Quantization methods as their authors store them: each function here rounds a matrix, packs it by the published
packing, and gives the tensors of a checkpoint together with the values that the method's own dequantization makes of
them. Written from the formats' descriptions; make_packed.py compares some with the methods' packages.

A tensor is (name of its safetensors type, shape, bytes). `weight` is an array of (rows, columns) in f64.
"""
import json

import numpy as np

FP4 = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0] + [-0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0])
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
                -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
                0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023,
                1.0], dtype=np.float32)
BNB_FP4 = np.array([0.0, 0.0052083333, 0.6666667, 1.0, 0.3333333, 0.5, 0.1666667, 0.25,
                    0.0, -0.0052083333, -0.6666667, -1.0, -0.3333333, -0.5, -0.1666667, -0.25], dtype=np.float32)


def tensor(array, kind=None):
    kinds = {"float16": "F16", "float32": "F32", "int32": "I32", "int64": "I64", "int8": "I8", "uint8": "U8"}
    return kind or kinds[str(array.dtype)], list(array.shape), np.ascontiguousarray(array).tobytes()


def bfloat16(values):
    """The bits of the nearest bf16 numbers, and the numbers."""
    bits = np.asarray(values, np.float32).view(np.uint32)
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16
    return bits.astype(np.uint16), (bits << 16).astype(np.uint32).view(np.float32).astype(np.float64)


def small_float(exponent_bits, mantissa_bits):
    """All finite values of an OCP float by code; the codes of NaN and infinity get infinity."""
    values, bias = [], 2 ** (exponent_bits - 1) - 1
    count = 1 << (exponent_bits + mantissa_bits)
    for code in range(2 * count):
        exponent, mantissa = code >> mantissa_bits & ((1 << exponent_bits) - 1), code & ((1 << mantissa_bits) - 1)
        special = exponent == (1 << exponent_bits) - 1 and (
            mantissa == (1 << mantissa_bits) - 1 if mantissa_bits == 3 else True)
        value = (mantissa / 2 ** mantissa_bits + (exponent > 0)) * 2.0 ** (max(exponent, 1) - bias)
        values.append(np.inf if special else -value if code >= count else value)
    return np.array(values)


def nearest(values, levels):
    finite = np.where(np.isfinite(levels), levels, 1e30)
    return np.abs(values[..., None] - finite).argmin(-1).astype(np.uint8)


def words(codes, bits, axis):
    """Codes as a stream of bits along an axis, in little-endian 32-bit words."""
    codes = np.moveaxis(np.asarray(codes, np.uint8), axis, -1)
    stream = (codes[..., None] >> np.arange(bits, dtype=np.uint8) & 1).reshape(codes.shape[:-1] + (-1,))
    packed = np.packbits(stream, axis=-1, bitorder="little")
    return np.moveaxis(packed.view("<i4"), -1, axis)


def groups_of(weight, size):
    return weight.reshape(weight.shape[0], -1, size or weight.shape[1])


def affine(weight, bits, size, symmetric):
    """Codes (rows, groups, size), scales in f16 and integer zero points (rows, groups)."""
    blocks, top = groups_of(weight, size), 2 ** bits - 1
    if symmetric:
        scales = np.abs(blocks).max(-1) * 2 / top
        zeros = np.full(scales.shape, 2 ** (bits - 1))
    else:
        low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
        scales = (high - low) / top
        zeros = np.clip(np.round(-low / scales), 1, top)
    scales = scales.astype(np.float16)
    wide = scales.astype(np.float64)[..., None]
    codes = np.clip(np.round(blocks / wide) + zeros[..., None], 0, top)
    return codes.astype(np.uint8), scales, zeros.astype(np.uint8), (codes - zeros[..., None]) * wide


def gptq(weight, bits, size, symmetric, first_version, order=None):
    """`order`: the group of each column (g_idx)."""
    rows, columns = weight.shape
    places = np.argsort(order, kind="stable") if order is not None else np.arange(columns)
    codes, scales, zeros, values = affine(weight[:, places], bits, size, symmetric)
    back = np.argsort(places)
    codes, values = codes.reshape(rows, columns)[:, back], values.reshape(rows, columns)[:, back]
    groups = order if order is not None else np.arange(columns) // (size or columns)
    return {"qweight": tensor(words(codes.T, bits, 0)), "scales": tensor(scales.T),
            "qzeros": tensor(words(zeros.T - first_version, bits, 1)),
            "g_idx": tensor(np.asarray(groups, np.int32))}, values


def awq(weight, size):
    rows, columns = weight.shape
    codes, scales, zeros, values = affine(weight, 4, size, symmetric=False)
    even_first = [0, 2, 4, 6, 1, 3, 5, 7]

    def pack(matrix):  # (…, rows) as (…, rows / 8) words
        return words(matrix.reshape(matrix.shape[0], -1, 8)[..., even_first].reshape(matrix.shape), 4, 1)

    return {"qweight": tensor(pack(codes.reshape(rows, columns).T)), "scales": tensor(scales.T),
            "qzeros": tensor(pack(zeros.T))}, values.reshape(rows, columns)


def dynamic_levels():
    """Any 256 ascending numbers do for the scales of scales: the checkpoint holds them."""
    return (np.sign(np.linspace(-1, 1, 256)) * np.linspace(-1, 1, 256) ** 2).astype(np.float32)


def bnb_four_bits(weight, kind, nested):
    rows, columns = weight.shape
    levels, block = {"nf4": NF4, "fp4": BNB_FP4}[kind], 64
    blocks = weight.reshape(-1, block)
    absmax = np.abs(blocks).max(-1).astype(np.float32)
    state = {"quant_type": kind, "blocksize": block, "dtype": "float16", "shape": [rows, columns]}
    parts = {}
    if nested:
        offset, size = np.float32(absmax.mean()), 256
        moved = np.zeros(-(-len(absmax) // size) * size, np.float32)
        moved[:len(absmax)] = absmax - offset
        outer = np.abs(moved.reshape(-1, size)).max(-1).astype(np.float32)
        codes = nearest((moved.reshape(-1, size) / outer[:, None]).astype(np.float64), dynamic_levels())
        absmax = (dynamic_levels()[codes] * outer[:, None]).reshape(-1)[:len(absmax)] + offset
        state.update(nested_blocksize=size, nested_dtype="float32", nested_offset=float(offset))
        parts.update({"weight.absmax": tensor(codes.reshape(-1)[:len(absmax)]), "weight.nested_absmax": tensor(outer),
                      "weight.nested_quant_map": tensor(dynamic_levels())})
    else:
        parts["weight.absmax"] = tensor(absmax)
    wide = absmax.astype(np.float64)[:, None]
    codes = nearest(blocks / wide, levels.astype(np.float64))
    flat = codes.reshape(-1)
    parts.update({"weight": tensor((flat[0::2] << 4 | flat[1::2]).reshape(-1, 1)), "weight.quant_map": tensor(levels),
                  f"weight.quant_state.bitsandbytes__{kind}":
                      tensor(np.frombuffer(json.dumps(state).encode(), np.uint8))})
    return parts, (levels.astype(np.float64)[codes] * wide).reshape(rows, columns)


def bnb_int8(weight):
    scales = np.abs(weight).max(-1).astype(np.float32)
    codes = np.round(weight * 127 / scales[:, None].astype(np.float64)).astype(np.int8)
    return {"weight": tensor(codes), "SCB": tensor(scales), "weight_format": tensor(np.uint8(0).reshape(()))}, \
        codes * scales[:, None].astype(np.float64) / 127


def ct_packed(weight, bits, size, symmetric, order=None):
    """compressed-tensors, pack-quantized: codes plus 2^(bits-1), a whole number of them in a word."""
    rows, columns = weight.shape
    places = np.argsort(order, kind="stable") if order is not None else np.arange(columns)
    codes, scales, zeros, values = affine(weight[:, places], bits, size, symmetric)
    back = np.argsort(places)
    bits16, wide = bfloat16(scales.astype(np.float64))
    values = values / scales.astype(np.float64)[..., None] * wide[..., None]
    codes, values = codes.reshape(rows, columns)[:, back], values.reshape(rows, columns)[:, back]
    parts = {"weight_packed": tensor(words(codes, bits, 1)), "weight_scale": tensor(bits16, "BF16"),
             "weight_shape": tensor(np.array([rows, columns], np.int64))}
    if not symmetric:
        parts["weight_zero_point"] = tensor(words(zeros, bits, 0))
    if order is not None:
        parts["weight_g_idx"] = tensor(np.asarray(order, np.int32))
    return parts, values


def ct_int8(weight):
    scales = (np.abs(weight).max(-1, keepdims=True) / 127).astype(np.float32)
    codes = np.round(weight / scales.astype(np.float64)).astype(np.int8)
    return {"weight": tensor(codes), "weight_scale": tensor(scales)}, codes * scales.astype(np.float64)


def float8(weight, kind, scale_name, block=None):
    """Blocks of (rows, columns), or with None one scale a row, or with 0 one for all."""
    levels = {"F8_E4M3": small_float(4, 3), "F8_E5M2": small_float(5, 2)}[kind]
    top = levels[np.isfinite(levels)].max()
    rows, columns = weight.shape
    if block is None:
        scales = np.abs(weight).max(-1, keepdims=True)
        wide = lambda s: s
    elif block == 0:
        scales = np.abs(weight).max().reshape(1)
        wide = lambda s: s
    else:
        scales = np.array([[np.abs(weight[i:i + block[0], j:j + block[1]]).max() for j in range(0, columns, block[1])]
                           for i in range(0, rows, block[0])])
        wide = lambda s: s.repeat(block[0], 0)[:rows].repeat(block[1], 1)[:, :columns]
    scales = (scales / top).astype(np.float32)
    spread = wide(scales.astype(np.float64))
    codes = nearest(weight / spread, levels)
    return {"weight": tensor(codes, kind), scale_name: tensor(scales)}, levels[codes] * spread


def plain_float8(weight, kind):
    """No method: numbers as they are."""
    levels = small_float(4, 3)
    codes = nearest(weight, levels)
    return {"weight": tensor(codes, kind)}, levels[codes]


def mx_codes(weight):
    blocks = groups_of(weight, 32)
    exponents = np.floor(np.log2(np.abs(blocks).max(-1))) - 2
    codes = nearest(blocks / 2.0 ** exponents[..., None], FP4)
    pairs = (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8)
    return pairs, (exponents + 127).astype(np.uint8), (FP4[codes] * 2.0 ** exponents[..., None]).reshape(weight.shape)


def mxfp4(weight):
    pairs, scales, values = mx_codes(weight)
    return {"weight_blocks": tensor(pairs), "weight_scales": tensor(scales)}, values


def ct_mxfp4(weight):
    pairs, scales, values = mx_codes(weight)
    return {"weight_packed": tensor(pairs.reshape(weight.shape[0], -1)), "weight_scale": tensor(scales)}, values


def ct_nvfp4(weight):
    levels, blocks = small_float(4, 3), groups_of(weight, 16)
    divisor = np.float32(448 * 6 / np.abs(weight).max())
    scales = nearest(np.abs(blocks).max(-1) / 6 * divisor, levels[:127])
    wide = levels[scales][..., None] / divisor.astype(np.float64)
    codes = nearest(blocks / wide, FP4)
    pairs = (codes[..., 0::2] | codes[..., 1::2] << 4).astype(np.uint8)
    return {"weight_packed": tensor(pairs.reshape(weight.shape[0], -1)), "weight_scale": tensor(scales, "F8_E4M3"),
            "weight_global_scale": tensor(divisor.reshape(1))}, (FP4[codes] * wide).reshape(weight.shape)


def bitnet(weight, divides):
    """Ternary numbers times their mean magnitude; `divides`: the checkpoint holds what one divides by."""
    scale = np.abs(weight).mean()
    ternary = np.clip(np.round(weight / scale), -1, 1)
    bits, wide = bfloat16(np.array([1 / scale if divides else scale]))
    quarters = (ternary + 1).astype(np.uint8).reshape(4, -1, weight.shape[1])
    packed = quarters[0] | quarters[1] << 2 | quarters[2] << 4 | quarters[3] << 6
    return {"weight": tensor(packed), "weight_scale": tensor(bits, "BF16")}, \
        ternary / wide[0] if divides else ternary * wide[0]
