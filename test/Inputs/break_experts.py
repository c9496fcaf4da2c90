"""Makes a folder of packed experts (test/Models/packed) one that cannot be read as a weight of all experts.

    break_experts.py FOLDER act-order|one-of-floats|other-order

act-order: the columns of one expert alone are in an order of their own. other-order: those of an expert's up are in
another than its gate's, which is no damage. one-of-floats: an expert is not packed.
"""
import json
import os
import struct
import sys

MODULE = "model.layers.0.mlp.experts.1.up_proj."  # 32 rows of 64 columns


def main():
    path, kind = os.path.join(sys.argv[1], "model.safetensors"), sys.argv[2]
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    tensors = {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
               for name, entry in header.items()}
    if kind == "other-order":
        tensors[MODULE + "g_idx"] = ("I32", [64], struct.pack("<64i", *[i % 2 for i in range(64)]))
    elif kind == "act-order":
        tensors[MODULE + "g_idx"] = ("I32", [64], struct.pack("<64i", *[i % 2 for i in range(64)]))
    else:
        tensors = {name: entry for name, entry in tensors.items() if not name.startswith(MODULE)}
        tensors[MODULE + "weight"] = ("F16", [32, 64], bytes(2 * 32 * 64))
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main()
