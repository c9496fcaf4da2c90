"""Blocks of the formats whose encoders are searches: nothing is encoded, the codes are random, and so every vector,
sign and sub-scale occurs. Only the scale is chosen, so that the block's numbers are about as large as the row's are.

A block's random bytes are a function of its index in the row and the row's first value: the same file every time.
"""
import math
import random
import struct


def rms(values):
    return math.sqrt(sum(v * v for v in values) / len(values))


def half(value):
    return struct.pack("<e", value)


def random_bytes(values, count):
    generator = random.Random(struct.pack("<2d", values[0], values[-1]))
    return bytearray(generator.getrandbits(8) for _ in range(count))


def scaled(size, at, unit):
    """Encoder of blocks of `size` bytes with a half float at byte `at`; with 1 there, numbers are near `unit`."""
    def encode(values):
        block = random_bytes(values, size)
        block[at:at + 2] = half(rms(values) / unit)
        return bytes(block)
    return encode


def block_q5_k(values):
    """d · sc · q - dmin · mn: sc · q is 31.5 · 15.5 in the mean, mn 31.5, so the numbers are around 0."""
    block = random_bytes(values, 176)
    step = rms(values) / 430
    block[0:4] = half(step) + half(step * 15.5)
    return bytes(block)


def block_iq1_m(values):
    """The scale stands in the top four bits of the last four words."""
    block = random_bytes(values, 56)
    bits = struct.unpack("<H", half(rms(values) / 7.3))[0]
    for word in range(4):
        block[49 + 2 * word] = block[49 + 2 * word] & 0x0F | (bits >> (4 * word) & 15) << 4
    return bytes(block)


def block_mxfp4(values):
    """An exponent and 32 e2m1 codes, which are 2.9 large in the mean square."""
    block = random_bytes(values, 17)
    block[0] = 127 + round(math.log2(rms(values) / 2.9))
    return bytes(block)


def block_nvfp4(values):
    """Four scales of three bits of mantissa, within a binade; the numbers of rows here are around a sixteenth."""
    block = random_bytes(values, 36)
    for group in range(4):
        code = round(8 * (7 + math.log2(rms(values) / 2.9))) + block[group] % 9 - 4
        block[group] = max(1, min(0x7E, code))
    return bytes(block)


# name -> (ggml type id, elements per block, bytes per block, encoder of a block)
BLOCKS = {
    "q2_0": (42, 64, 18, scaled(18, 0, 1.22)),
    "q1_0": (41, 128, 18, scaled(18, 0, 1.0)),
    "q3_k": (11, 256, 110, scaled(110, 108, 42.0)),
    "q5_k": (13, 256, 176, block_q5_k),
    "iq2_xxs": (16, 256, 66, scaled(66, 0, 65.0)),
    "iq2_xs": (17, 256, 74, scaled(74, 0, 65.0)),
    "iq2_s": (22, 256, 82, scaled(82, 0, 65.0)),
    "iq3_xxs": (18, 256, 98, scaled(98, 0, 160.0)),
    "iq3_s": (21, 256, 110, scaled(110, 0, 160.0)),
    "iq1_s": (19, 256, 50, scaled(50, 0, 7.3)),
    "iq1_m": (29, 256, 56, block_iq1_m),
    "iq4_nl": (20, 32, 18, scaled(18, 0, 68.0)),
    "iq4_xs": (23, 256, 136, scaled(136, 0, 1250.0)),
    "tq1_0": (34, 256, 54, scaled(54, 52, 0.8)),
    "mxfp4": (39, 32, 17, block_mxfp4),
    "nvfp4": (40, 64, 36, block_nvfp4),
}
