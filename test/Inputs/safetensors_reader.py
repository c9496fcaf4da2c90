"""Reads files of safetensors without the package of that name."""
import json
import struct

FORMS = {"F32": "f", "F16": "e"}


def read_tensors(path):
    """{name: (type, shape, bytes)}."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    return {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
            for name, entry in header.items() if name != "__metadata__"}


def rows_of(tensor):
    """The rows of floats of a tensor in F32 or F16."""
    form, shape, data = tensor
    values, columns = struct.unpack(f"<{len(data) // struct.calcsize(FORMS[form])}{FORMS[form]}", data), shape[-1]
    return [values[i:i + columns] for i in range(0, len(values), columns)]
