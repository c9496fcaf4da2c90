#!/usr/bin/env python3
"""Writes a LoRA adapter of rank 2 for one module, as PEFT's save_pretrained does.

    make_adapter.py -o DIR --module model.layers.0.self_attn.q_proj --rows N --columns K [--set KEY=JSON ...]
"""
import argparse
import json
import os
import struct
import sys

sys.dont_write_bytecode = True

from make_tiny_folder import pack, safetensors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--columns", type=int, required=True)
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "bias": "none"}
    for entry in options.set:
        key, value = entry.split("=", 1)
        config[key] = json.loads(value)
    tensors = []
    for part, shape in (("A", [2, options.columns]), ("B", [options.rows, 2])):
        values = [(i % 7 - 3) / 64 for i in range(shape[0] * shape[1])]
        tensors.append((f"base_model.model.{options.module}.lora_{part}.weight", "F32", shape,
                        struct.pack(f"<{len(values)}f", *values)))
    os.makedirs(options.output, exist_ok=True)
    with open(os.path.join(options.output, "adapter_config.json"), "w") as file:
        json.dump(config, file)
    with open(os.path.join(options.output, "adapter_model.safetensors"), "wb") as file:
        file.write(pack(*safetensors(tensors)))


main()
