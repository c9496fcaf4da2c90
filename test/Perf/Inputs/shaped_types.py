"""Writes a file of one layer in every type that make_shaped_gguf.py has, and prints what the compiler reads in it.

    shaped_types.py NIBBLE FOLDER
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MAKER = os.path.join(HERE, "..", "make_shaped_gguf.py")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(MAKER))
from make_shaped_gguf import TYPES  # noqa: E402

nibble, folder = sys.argv[1:]
for name in TYPES:
    if name == "F32":
        continue
    path = os.path.join(folder, name + ".gguf")
    subprocess.run([sys.executable, MAKER, "--shape=qwen3-0.6b", "--quant=" + name, "--table=Q8_0", "--pure",
                    "--layers=1", "--vocab=512", "-o", path], check=True)
    found = json.loads(subprocess.run([nibble, "inspect", path, "--json"], check=True, capture_output=True,
                                      text=True).stdout)
    os.remove(path)
    kinds = [f"{kind['tensors']} {kind['format']}" for kind in found["tensors"]]
    print(name, "is supported:" if found["supported"] else "is not supported:", ", ".join(kinds))
