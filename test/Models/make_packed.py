#!/usr/bin/env python3
"""Makes the folder packed/ of this directory: tiny models of random weights, each quantized by one method.

    ~/venv/bin/pip install torch transformers numpy compressed-tensors bitsandbytes
    ~/venv/bin/python test/Models/make_packed.py [CASE ...]

A case is a folder as the method's tools write one, and logits.f32: the logits of the prompt of make_cases.py at each
position, in 64-bit arithmetic of `transformers`, from the values that the method's own dequantization gives. How each
method packs is in packed_methods.py; what a method's package dequantizes on a CPU is compared with it here.
"""
import json
import os
import re
import shutil
import struct
import sys

import numpy as np
import torch
import transformers as hf

import packed_methods as methods
from make_cases import COMMON, ROPE, randomize, tokens

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPE = {**COMMON, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
         "intermediate_size": 128, "tie_word_embeddings": True, "rope_parameters": ROPE, "num_hidden_layers": 1}


def act_order(name, columns, size=32):
    """Groups in an order that q, k and v share, as they see one input; the others have their own."""
    stem = "qkv" if name.split(".")[-1] in ("q_proj", "k_proj", "v_proj") else name.split(".")[-1]
    generator = np.random.default_rng(sum(map(ord, stem)))
    return generator.permutation(np.arange(columns) // size)


def expert_order(name, columns):
    """Each expert's own, which its gate and up share, as they see one input; others have their columns in order."""
    groups = np.arange(columns) // 32
    if ".experts." not in name:
        return groups
    stem = name.replace("up_proj", "gate_proj")
    seed = sum(place * ord(letter) for place, letter in enumerate(stem))
    return np.random.default_rng(seed).permutation(groups)


def compressed(style, bits, kind="int", **weights):
    arguments = {"num_bits": bits, "type": kind, "symmetric": True, **weights}
    return {"quant_method": "compressed-tensors", "format": style,
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": arguments}}}


GPTQ = {"quant_method": "gptq", "group_size": 32, "desc_act": False, "sym": True, "checkpoint_format": "gptq"}
CASES = {  # name: (settings, matrix of a name -> (tensors, values))
    "gptq": ({**GPTQ, "bits": 4, "desc_act": True, "sym": False},
             lambda w, name: methods.gptq(w, 4, 32, False, 1, act_order(name, w.shape[1]))),
    "gptq-sym": ({**GPTQ, "bits": 4}, lambda w, name: methods.gptq(w, 4, 32, True, 1)),
    "gptq-int2": ({**GPTQ, "bits": 2, "sym": False, "checkpoint_format": "gptq_v2"},
                  lambda w, name: methods.gptq(w, 2, 32, False, 0)),
    "gptq-int3": ({**GPTQ, "bits": 3, "checkpoint_format": "gptq_v2"},
                  lambda w, name: methods.gptq(w, 3, 32, True, 0, act_order(name, w.shape[1]))),
    "gptq-int8": ({**GPTQ, "bits": 8, "group_size": -1}, lambda w, name: methods.gptq(w, 8, 0, True, 1)),
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True},
            lambda w, name: methods.awq(w, 32)),
    "bnb-nf4": ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
                 "bnb_4bit_use_double_quant": True}, lambda w, name: methods.bnb_four_bits(w, "nf4", True)),
    "bnb-fp4": ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "fp4"},
                lambda w, name: methods.bnb_four_bits(w, "fp4", False)),
    "bnb-int8": ({"quant_method": "bitsandbytes", "load_in_8bit": True}, lambda w, name: methods.bnb_int8(w)),
    "ct-int4": (compressed("pack-quantized", 4, strategy="group", group_size=32, symmetric=False, actorder="group"),
                lambda w, name: methods.ct_packed(w, 4, 32, False, act_order(name, w.shape[1]))),
    "ct-int8": (compressed("int-quantized", 8, strategy="channel"), lambda w, name: methods.ct_int8(w)),
    "ct-int8-packed": (compressed("pack-quantized", 8, strategy="group", group_size=32),
                       lambda w, name: methods.ct_packed(w, 8, 32, True)),
    "ct-fp8": (compressed("float-quantized", 8, "float", strategy="tensor"),
               lambda w, name: methods.float8(w, "F8_E4M3", "weight_scale", 0)),
    "ct-mxfp4": (compressed("mxfp4-pack-quantized", 4, "float", strategy="group", group_size=32),
                 lambda w, name: methods.ct_mxfp4(w)),
    "ct-nvfp4": (compressed("nvfp4-pack-quantized", 4, "float", strategy="tensor_group", group_size=16),
                 lambda w, name: methods.ct_nvfp4(w)),
    "fp8": ({"quant_method": "fp8", "weight_block_size": [48, 32]},
            lambda w, name: methods.float8(w, "F8_E4M3", "weight_scale_inv", (48, 32))),
    "fbgemm": ({"quant_method": "fbgemm_fp8"}, lambda w, name: methods.float8(w, "F8_E5M2", "weight_scale")),
    "f8-plain": (None, lambda w, name: methods.plain_float8(w, "F8_E4M3")),
    "mxfp4": ({"quant_method": "mxfp4"}, lambda w, name: methods.mxfp4(w)),
    "experts-gptq": ({**GPTQ, "bits": 4, "sym": False}, lambda w, name: methods.gptq(w, 4, 32, False, 1)),
    "experts-gptq-order": ({**GPTQ, "bits": 4, "desc_act": True, "sym": False},
                           lambda w, name: methods.gptq(w, 4, 32, False, 1, expert_order(name, w.shape[1]))),
    "experts-mxfp4": ({"quant_method": "mxfp4"}, lambda w, name: methods.mxfp4(w)),
    "experts-awq": ({"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True},
                    lambda w, name: methods.awq(w, 32)),
    "experts-bnb-nf4": ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
                         "bnb_4bit_use_double_quant": True}, lambda w, name: methods.bnb_four_bits(w, "nf4", True)),
    "experts-ct-int4": (compressed("pack-quantized", 4, strategy="group", group_size=32, symmetric=False),
                        lambda w, name: methods.ct_packed(w, 4, 32, False)),
    "experts-ct-nvfp4": (compressed("nvfp4-pack-quantized", 4, "float", strategy="tensor_group", group_size=16),
                         lambda w, name: methods.ct_nvfp4(w)),
    "bitnet": ({"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"},
               lambda w, name: methods.bitnet(w, False)),
    "bitnet-divided": ({"quant_method": "bitnet", "linear_class": "bitlinear"},
                       lambda w, name: methods.bitnet(w, True)),
}


def expect(name, ours, theirs, bound):
    distance = float(((ours - theirs) ** 2).sum() / (theirs ** 2).sum())
    print(f"  {name}: NMSE to the package {distance:.1e}")
    assert distance <= bound, name


def compare_with_packages(weight):
    """Each method whose package runs on a CPU."""
    raw = {kind: lambda entry, kind=kind: torch.frombuffer(bytearray(entry[2]), dtype=kind).reshape(entry[1])
           for kind in (torch.int32, torch.uint8, torch.float32, torch.int8, torch.bfloat16)}
    import bitsandbytes.functional as bnb
    for kind, nested in (("nf4", True), ("fp4", False)):
        # Their codes and scales through our packing rules, and ours through their code.
        parts, values = methods.bnb_four_bits(weight, kind, nested)
        packed = {f"weight.{name.split('weight.')[1]}": raw[torch.uint8 if entry[0] == "U8" else torch.float32](entry)
                  for name, entry in parts.items() if name != "weight"}
        state = bnb.QuantState.from_dict({name: part.clone() for name, part in packed.items()}, torch.device("cpu"))
        state.dtype = torch.float32
        theirs = bnb.dequantize_4bit(raw[torch.uint8](parts["weight"]), state)
        expect(f"bitsandbytes {kind}", values, theirs.double().numpy(), 1e-12)
    from compressed_tensors.compressors.pack_quantized.helpers import unpack_from_int32
    for bits in (4, 8):
        parts, values = methods.ct_packed(weight, bits, 32, False)
        shape = torch.Size(weight.shape)
        codes = unpack_from_int32(raw[torch.int32](parts["weight_packed"]), bits, shape)
        scale = raw[torch.bfloat16](parts["weight_scale"]).double()
        zeros = unpack_from_int32(raw[torch.int32](parts["weight_zero_point"]), bits, scale.shape, packed_dim=0)
        theirs = (codes.double().reshape(*scale.shape, 32) - zeros.double()[..., None]) * scale[..., None]
        expect(f"compressed-tensors int{bits}", values, theirs.reshape(weight.shape).numpy(), 1e-20)
    from transformers.integrations.bitnet import unpack_weights
    parts, values = methods.bitnet(weight, False)
    theirs = unpack_weights.__wrapped__(raw[torch.uint8](parts["weight"]), torch.float64) \
        if hasattr(unpack_weights, "__wrapped__") else unpack_weights(raw[torch.uint8](parts["weight"]), torch.float64)
    expect("transformers bitnet", values, (theirs * raw[torch.bfloat16](parts["weight_scale"]).double()).numpy(), 1e-20)


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (kind, shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, (_, _, data) in sorted(tensors.items()):
            file.write(data)


def experts_of(name, parameter):
    """(name, view of the parameter) of the matrices that one parameter holds: `transformers` has those of all experts
    of a layer in one, gate and up side by side; checkpoints have them one by one."""
    if name.endswith("_proj.weight"):
        return [(name.removesuffix(".weight"), parameter.data)]
    if ".mlp.experts." not in name:
        return []
    stem, units = name.rsplit(".", 1)[0], {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)}
    return [(f"{stem}.{expert}.{unit}", part) for expert, matrix in enumerate(parameter.data)
            for unit, part in zip(units[name.rsplit(".", 1)[1]], matrix.chunk(len(units[name.rsplit(".", 1)[1]])))]


def config_of(case):
    if case == "bitnet":
        return hf.BitNetConfig(**{**SHAPE, "hidden_act": "relu2"})
    if case.startswith("experts-"):
        inner = 64 if re.search("nvfp4|bnb|order", case) else 32  # blocks of 64 columns; two groups of 32
        return hf.OlmoeConfig(**{**SHAPE, "intermediate_size": inner, "num_experts": 3 if "bnb" in case else 4,
                                 "num_experts_per_tok": 2, "norm_topk_prob": True})
    return hf.LlamaConfig(**SHAPE)


def make(case):
    folder = os.path.join(HERE, "packed", case)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    settings, quantize = CASES[case]
    config = config_of(case)
    config._attn_implementation = config._experts_implementation = "eager"
    torch.manual_seed(0)
    model = hf.AutoModelForCausalLM.from_config(config).eval().double()
    randomize(model, seed=sum(map(ord, case)))
    tensors = {}
    for name, parameter in model.named_parameters():
        matrices = experts_of(name, parameter)
        if not matrices:
            tensors[name] = methods.tensor(parameter.detach().numpy().astype(np.float16))
        for module, matrix in matrices:
            parts, values = quantize(matrix.numpy().copy(), module)
            assert values.shape == tuple(matrix.shape)
            matrix.copy_(torch.from_numpy(np.ascontiguousarray(values)))
            tensors.update({f"{module}.{part}": entry for part, entry in parts.items()})
    tensors.pop("lm_head.weight", None)
    model.tie_weights()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([tokens()]), use_cache=False).logits[0]
    write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
    text = {**json.loads(config.to_json_string()), "dtype": "float16"}
    if settings:
        text["quantization_config"] = settings
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(text, file, indent=1, sort_keys=True)
        file.write("\n")
    with open(os.path.join(folder, "logits.f32"), "wb") as file:
        file.write(logits.float().numpy().tobytes())
    size = sum(os.path.getsize(os.path.join(folder, part)) for part in os.listdir(folder))
    print(f"{case:15} {size:7} bytes, logits of {logits.std():.3f}")


if __name__ == "__main__":
    compare_with_packages(np.random.default_rng(1).standard_normal((64, 128)))
    for one in sys.argv[1:] or CASES:
        make(one)
