"""Prints the expected values of FormatsTest.cpp, computed by ggml's own Python (pip install gguf).

Eight blocks of each format: bytes from a linear congruential generator seeded with the GGUF id, and then
scales and minima replaced by chosen half floats: ordinary, negative, zeros, denormal, largest, infinity, NaN.
A row of the output: name, id, FNV-1a hash over the bits of all values (every NaN as 0x7fc00000), and the values
at elements 0, 17 and 31 of block 0.
"""
import gguf
import numpy

HALVES = [0x2E66, 0xB801, 0x0000, 0x8000, 0x0003, 0x7BFF, 0x7C00, 0x7E05]
# name: (offset of d, offset of m or dmin or None)
SCALES = {"Q4_0": (0, None), "Q4_1": (0, 2), "Q5_0": (0, None), "Q5_1": (0, 2), "Q8_0": (0, None), "Q2_K": (80, 82),
          "Q3_K": (108, None), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208, None), "TQ2_0": (64, None)}


def blocks(kind, size):
    state, data = int(kind), bytearray()
    for _ in range(8 * size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        data.append(state >> 24)
    for block in range(8):
        for order, offset in enumerate(SCALES[kind.name]):
            if offset is not None:
                half = HALVES[(block * (1 + 2 * order)) % 8]
                data[block * size + offset:block * size + offset + 2] = half.to_bytes(2, "little")
    return data


for name in SCALES:
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    with numpy.errstate(all="ignore"):
        values = gguf.quants.dequantize(numpy.frombuffer(bytes(blocks(kind, size)), numpy.uint8), kind)
    bits = values.astype(numpy.float32).reshape(-1).view(numpy.uint32).copy()
    assert bits.size == 8 * elements
    bits[(bits & 0x7FFFFFFF) > 0x7F800000] = 0x7FC00000
    hashed = 0xCBF29CE484222325
    for byte in bits.tobytes():
        hashed = ((hashed ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    chosen = ", ".join(float(v).hex() + "f" for v in bits[[0, 17, 31]].view(numpy.float32))
    print(f'{{"{name.lower()}", {int(kind)}, 0x{hashed:016x}, {{{chosen}}}}},')
