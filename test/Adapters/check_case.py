"""Holds merged adapters against the logits that PEFT's own merge gave.

    check_case.py --nibble=NIBBLE --work=DIR CASE…

Each adapter is merged into the folder, and into the same model as a GGUF file, whose rows of query and key are ordered
otherwise; adapters without magnitudes also come as GGUF. The reference interpreter and, for the folder, the compiled
program must give the case's logits. Prints the distances; exits 1 on the first that is too large.
"""
import argparse
import array
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Inputs"))

from gguf_writer import F32, STRING, U32, Tensor, Writer
from make_tiny_folder import write_tokenizer
from safetensors_reader import read_tensors, rows_of

VOCABULARY, POSITIONS, HEADS, KV_HEADS = 48, 24, 3, 1
TOKENS = ",".join(str((7 * i * i + 3 * i + 5) % VOCABULARY) for i in range(POSITIONS))
MODULES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
           "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
           "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
# In f32 the merge of the compiler and the one of PEFT differ by a rounding of each weight: 2^-24 of it, squared 4e-15,
# times the layers that it passes.
LIMIT = 1e-11


def run(*command, code=0):
    done = subprocess.run(command, capture_output=True, timeout=300, text=True)
    if done.returncode != code:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr


def read(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def read_floats(path):
    """{name: rows of floats} of a file of f32 tensors."""
    return {name: rows_of(tensor) for name, tensor in read_tensors(path).items()}


def gguf_name(module):
    if module.startswith("model.layers."):
        _, _, layer, inner = module.split(".", 3)
        return f"blk.{layer}.{MODULES[inner]}"
    return {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}[module]


def interleave(name, rows):
    """The order of ggml's converter: rows i and i + half of a head side by side."""
    if "attn_q" not in name and "attn_k" not in name:
        return rows
    heads = HEADS if "attn_q" in name else KV_HEADS
    dims = len(rows) // heads
    return [rows[head * dims + half * dims // 2 + pair] for head in range(heads) for pair in range(dims // 2)
            for half in (0, 1)]


def write(path, pairs, tensors):
    writer = Writer()
    writer.pairs, writer.tensors = pairs, tensors
    with open(path, "wb") as file:
        file.write(writer.bytes())


def base_gguf(path):
    tensors = []
    for name, rows in read_floats(os.path.join(HERE, "cases", "base", "model.safetensors")).items():
        target = gguf_name(name.removesuffix(".weight")) + ".weight"
        dims = [len(rows[0])] if "norm" in target else [len(rows[0]), len(rows)]
        tensors.append(Tensor(target, dims, "f32", interleave(target, rows)))
    numbers = {"block_count": 2, "embedding_length": 24, "feed_forward_length": 32, "context_length": 64,
               "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS, "attention.key_length": 8,
               "attention.value_length": 8, "rope.dimension_count": 8}
    write(path, [("general.architecture", STRING, "llama")]
          + [("llama." + key, U32, value) for key, value in numbers.items()]
          + [("llama.attention.layer_norm_rms_epsilon", F32, 1e-6), ("llama.rope.freq_base", F32, 10000.0)], tensors)


def adapter_gguf(folder, path):
    tensors = []
    for name, rows in read_floats(os.path.join(folder, "adapter_model.safetensors")).items():
        module, part = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)
        target = gguf_name(module)
        if part == "lora_B":
            rows = interleave(target, rows)
        tensors.append(Tensor(f"{target}.weight.{part.lower()}", [len(rows[0]), len(rows)], "f32", rows))
    with open(os.path.join(folder, "adapter_config.json")) as file:
        alpha = json.load(file)["lora_alpha"]
    write(path, [("general.type", STRING, "adapter"), ("general.architecture", STRING, "llama"),
                 ("adapter.type", STRING, "lora"), ("adapter.lora.alpha", F32, alpha)], tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("cases", nargs="+")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    folder = os.path.join(options.work, "base")
    shutil.copytree(os.path.join(HERE, "cases", "base"), folder, dirs_exist_ok=True)
    write_tokenizer(folder, VOCABULARY)
    gguf, program, logits = (os.path.join(options.work, name) for name in ("base.gguf", "program", "logits.f32"))
    base_gguf(gguf)

    def compare(what, expected):
        found = read(logits)
        error = sum((a - b) ** 2 for a, b in zip(found, expected)) / sum(b * b for b in expected)
        print(f"{what}: NMSE {error:.2e}")
        if len(found) != len(expected) or not error <= LIMIT:
            sys.exit(f"error: expected {len(expected)} logits within {LIMIT}, found {len(found)}")

    def reference(model, *adapters):
        run(options.nibble, "reference", model, "--kv=f32", "--tokens", TOKENS, "--logits", logits,
            *(word for adapter in adapters for word in ("--lora", adapter)))

    for case in options.cases:
        adapter = os.path.join(HERE, "cases", case)
        expected = read(os.path.join(adapter, "logits.f32"))
        for model in (folder, gguf):
            reference(model, adapter)
            compare(f"{case}, {os.path.basename(model)}", expected)
        run(options.nibble, "compile", folder, "--lora", adapter, "-o", program, "--strategy=float", "--kv=f32",
            "--chat-template=none", "-q")
        run(program, "--tokens", TOKENS, "--logits", logits)
        compare(f"{case}, program", expected)
        if case == "lora":
            # Half and half is the whole, and a GGUF adapter is PEFT's.
            reference(folder, adapter + "=0.5", adapter + "=0.5")
            compare(f"{case}, in two halves", expected)
            copy = os.path.join(options.work, "lora.gguf")
            adapter_gguf(adapter, copy)
            reference(gguf, copy)
            compare(f"{case}, GGUF in GGUF", expected)
            message = run(options.nibble, "reference", folder, "--tokens", "1", "--logits", logits, "--lora", copy,
                          code=4)
            assert "in the order of a GGUF model" in message, message
    # No adapter: the base itself, so a merge that does nothing would be seen above.
    reference(folder)
    compare("base", read(os.path.join(folder, "logits.f32")))


main()
