"""Damage to checkpoints that are quantized already, as folder_breaks.py has it for others.

Each kind makes one layer of the tiny folder one of a method and then takes, adds or changes what belongs to it. Codes
are zeros: nothing of them is looked at here.
"""
import json
import struct

MODULE = "model.layers.0.self_attn.q_proj"  # 32 rows of 32 columns
SIZES = {"I8": 1, "U8": 1, "F8_E4M3": 1, "F16": 2, "I32": 4, "F32": 4, "I64": 8}
STATE = "weight.quant_state.bitsandbytes__nf4"


def zeros(kind, *shape):
    count = SIZES[kind]
    for size in shape:
        count *= size
    return kind, list(shape), bytes(count)


def text(content):
    return "U8", [len(content)], content


def gptq(**changes):
    return {"qweight": zeros("I32", 4, 32), "scales": zeros("F16", 2, 32), "qzeros": zeros("I32", 2, 4), **changes}


def awq(**changes):
    return {"qweight": zeros("I32", 32, 4), "scales": zeros("F16", 2, 32), "qzeros": zeros("I32", 2, 4), **changes}


def nf4(**changes):
    state = {"quant_type": "nf4", "blocksize": 16, "shape": [32, 32], "nested_blocksize": 256, "nested_offset": 0.5}
    return {"weight": zeros("U8", 512, 1), "weight.absmax": zeros("U8", 64), "weight.quant_map": zeros("F32", 16),
            "weight.nested_absmax": zeros("F32", 1), "weight.nested_quant_map": zeros("F32", 256),
            STATE: text(json.dumps(state).encode()), **changes}


def compressed(**changes):
    return {"weight_packed": zeros("I32", 32, 4), "weight_scale": zeros("F16", 32, 2),
            "weight_shape": ("I64", [2], struct.pack("<2q", 32, 32)), **changes}


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 16, "sym": False}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 16}
BNB = {"quant_method": "bitsandbytes", "load_in_4bit": True}
CT = {"quant_method": "compressed-tensors", "format": "pack-quantized",
      "config_groups": {"group_0": {"weights": {"num_bits": 4, "strategy": "group", "group_size": 16}}}}
FP8 = {"quant_method": "fp8", "weight_block_size": [16, 16]}
E4M3 = {"weight": zeros("F8_E4M3", 32, 32)}
EIGHT = {"weight": zeros("I8", 32, 32), "SCB": zeros("F32", 32)}
ORDER = struct.pack("<32i", *[i // 16 for i in range(32)])

KINDS = {  # name: (quantization_config or None, tensors; None takes one away)
    "method-unknown": ({"quant_method": "hqq"}, gptq()),
    "method-missing": ({"bits": 4}, gptq()),
    "gptq-bits": ({**GPTQ, "bits": 5}, gptq()),
    "gptq-version": ({**GPTQ, "checkpoint_format": "marlin"}, gptq()),
    "gptq-single-layers": ({**GPTQ, "dynamic": {"-:lm_head": {}}}, gptq()),
    "gptq-group": ({**GPTQ, "group_size": 24}, gptq()),
    "gptq-group-of-zero": ({**GPTQ, "group_size": 0}, gptq()),
    "gptq-without-scales": (GPTQ, gptq(scales=None)),
    "gptq-scales-of-integers": (GPTQ, gptq(scales=zeros("I32", 2, 32))),
    "gptq-scales-shape": (GPTQ, gptq(scales=zeros("F16", 32, 2))),
    "gptq-zeros-shape": (GPTQ, gptq(qzeros=zeros("I32", 2, 3))),
    "gptq-codes-shape": (GPTQ, gptq(qweight=zeros("I32", 128))),
    "gptq-codes-of-nothing": (GPTQ, gptq(qweight=zeros("I32", 0, 32))),
    "gptq-words": ({**GPTQ, "bits": 3}, gptq()),
    "gptq-order-length": (GPTQ, gptq(g_idx=zeros("I32", 31))),
    "gptq-order-number": (GPTQ, gptq(g_idx=("I32", [32], ORDER[:-4] + struct.pack("<i", 2)))),
    "gptq-order-negative": (GPTQ, gptq(g_idx=("I32", [32], ORDER[:-4] + struct.pack("<i", -1)))),
    "gptq-order-uneven": (GPTQ, gptq(g_idx=zeros("I32", 32))),
    "gptq-other-rows": (GPTQ, {"qweight": zeros("I32", 4, 40), "scales": zeros("F16", 2, 40),
                               "qzeros": zeros("I32", 2, 5)}),
    "gptq-order-missing": ({**GPTQ, "desc_act": True}, gptq()),
    "gptq-more": (GPTQ, gptq(perm=zeros("I32", 32))),
    "awq-version": ({**AWQ, "version": "gemv"}, awq()),
    "awq-bits": ({**AWQ, "bits": 8}, awq()),
    "awq-without-zeros": (AWQ, awq(qzeros=None)),
    "awq-symmetric": ({**AWQ, "zero_point": False}, awq()),
    "bnb-without-state": (BNB, nf4(**{STATE: None})),
    "bnb-state-no-json": (BNB, nf4(**{STATE: text(b"{")})),
    "bnb-state-shape": (BNB, nf4(**{STATE: text(b'{"shape": [32, -1]}')})),
    "bnb-state-other-shape": (BNB, nf4(**{STATE: text(b'{"shape": [64, 32], "blocksize": 16}')})),
    "bnb-blocks-cross-rows": (BNB, nf4(**{STATE: text(b'{"shape": [32, 32], "blocksize": 64}')})),
    "bnb-without-levels": (BNB, nf4(**{"weight.nested_quant_map": None})),
    "bnb-code-of-infinity": (BNB, nf4(**{
        "weight.quant_map": ("F32", [16], struct.pack("<16f", *[float("inf")] * 16))})),
    "bnb-int8-scales": (BNB, {**EIGHT, "SCB": zeros("F32", 31)}),
    "bnb-int8-tiles": (BNB, {**EIGHT, "weight_format": ("U8", [], b"\x02")}),
    "ct-without-groups": ({**CT, "config_groups": {}}, compressed()),
    "ct-format": ({**CT, "format": "marlin-24"}, compressed()),
    "ct-sparse": ({**CT, "sparsity_config": {"format": "sparse-24-bitmask"}}, compressed()),
    "ct-groups-differ": ({**CT, "config_groups": {
        "a": {"weights": {"num_bits": 4}}, "b": {"weights": {"num_bits": 8}}}}, compressed()),
    "ct-blocks-differ": ({**CT, "config_groups": {
        name: {"weights": {"num_bits": 8, "strategy": "block", "block_structure": [16, size]}}
        for name, size in (("a", 16), ("b", 32))}}, compressed()),
    "ct-shape": (CT, compressed(weight_shape=("I64", [2], struct.pack("<2q", 32, 24)))),
    "ct-scales": (CT, compressed(weight_scale=zeros("F16", 32, 3))),
    "ct-zeros": (CT, compressed(weight_zero_point=zeros("I32", 32, 2))),
    "ct-global-scale": ({**CT, "format": "nvfp4-pack-quantized"},
                        {"weight_packed": zeros("U8", 32, 16), "weight_scale": zeros("F8_E4M3", 32, 2),
                         "weight_global_scale": zeros("F32", 1)}),
    "fp8-without-scales": (FP8, E4M3),
    "fp8-scales-shape": (FP8, {**E4M3, "weight_scale_inv": zeros("F32", 2, 3)}),
    "fp8-block": ({**FP8, "weight_block_size": [0, 16]}, {**E4M3, "weight_scale_inv": zeros("F32", 2, 2)}),
    "fp8-without-method": (None, {**E4M3, "weight_scale": zeros("F32", 1)}),
    "fp8-vector": (None, {**E4M3, "bias": zeros("F8_E4M3", 32)}),
    "mxfp4-block": ({"quant_method": "mxfp4"}, {"weight_blocks": zeros("U8", 32, 2, 8),
                                               "weight_scales": zeros("U8", 32, 2)}),
    "mxfp4-scales": ({"quant_method": "mxfp4"}, {"weight_blocks": zeros("U8", 32, 1, 16),
                                                "weight_scales": zeros("U8", 32, 2)}),
    "bitnet-class": ({"quant_method": "bitnet", "linear_class": "trilinear"},
                     {"weight": zeros("U8", 8, 32), "weight_scale": zeros("F16", 1)}),
    "bitnet-norms": ({"quant_method": "bitnet", "use_rms_norm": True},
                     {"weight": zeros("U8", 8, 32), "weight_scale": zeros("F16", 1)}),
    "bitnet-without-scale": ({"quant_method": "bitnet"}, {"weight": zeros("U8", 8, 32)}),
}


def breaker(settings, parts):
    def damage(folder):
        if settings is not None:
            folder.config["quantization_config"] = settings
        folder.tensors = [entry for entry in folder.tensors if entry[0] != MODULE + ".weight"]
        folder.tensors += [(f"{MODULE}.{part}", *entry) for part, entry in parts.items() if entry is not None]
    return damage


BREAKS = {"packed-" + name: breaker(*row) for name, row in KINDS.items()}
