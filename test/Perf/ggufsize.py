"""Sizes of a GGUF file's tensors, read from its header: what one decoded token must read, what one token multiplies.

Standard library only, and only as much of the format as the figures need; the compiler's own reader is
compiler/Import/GGUF. A file that is no GGUF raises ValueError.
"""
import math
import struct

# ggml type id → (elements of a block, bytes of a block)
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
          11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 24: (1, 1), 25: (1, 2), 26: (1, 4),
          27: (1, 8), 28: (1, 8), 30: (1, 2), 34: (256, 54), 35: (256, 66)}
SCALARS = {0: "B", 1: "b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "B", 10: "<Q", 11: "<q", 12: "<d"}


class Header:
    """A cursor over the header of an open file."""

    def __init__(self, file):
        self.file = file

    def number(self, form):
        return struct.unpack(form, self.file.read(struct.calcsize(form)))[0]

    def string(self):
        return self.file.read(self.number("<Q")).decode("utf-8", "replace")

    def skip_value(self, kind):
        if kind == 8:
            self.file.seek(self.number("<Q"), 1)
        elif kind == 9:
            inner, count = self.number("<I"), self.number("<Q")
            if inner in SCALARS:
                self.file.seek(count * struct.calcsize(SCALARS[inner]), 1)
            else:
                for _ in range(count):
                    self.skip_value(inner)
        else:
            self.file.seek(struct.calcsize(SCALARS[kind]), 1)


def tensors(path):
    """[(name, type id, dimensions)] of the file."""
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{path} is not a GGUF file")
        header = Header(file)
        header.number("<I")
        count, keys = header.number("<Q"), header.number("<Q")
        for _ in range(keys):
            header.string()
            header.skip_value(header.number("<I"))
        found = []
        for _ in range(count):
            name = header.string()
            shape = [header.number("<Q") for _ in range(header.number("<I"))]
            found.append((name, header.number("<I"), shape))
            header.number("<Q")
        return found


def work(path):
    """(bytes that decoding one token reads, operations of one prefilled token, a multiply-add counting two).

    The embedding table counts as read when it is the output matrix too (no output.weight); prefill leaves both out,
    because it computes logits for the last token only.
    """
    found = tensors(path)
    tied = not any(name == "output.weight" for name, _, _ in found)
    read = operations = 0
    for name, kind, shape in found:
        elements, size = BLOCKS[kind]
        if name != "token_embd.weight" or tied:
            read += math.prod(shape) // elements * size
        if len(shape) > 1 and name not in ("token_embd.weight", "output.weight"):
            operations += 2 * math.prod(shape)
    return read, operations
