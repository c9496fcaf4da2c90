#!/usr/bin/env python3
"""Makes tiny models with adapters of PEFT's and the logits of the model with the adapters merged.

    python3 -m venv ~/venv && ~/venv/bin/pip install torch transformers peft
    ~/venv/bin/python test/Adapters/make_cases.py

cases/base is a llama of random weights in f32. Each other folder is an adapter as `save_pretrained` writes it, with
logits.f32: the logits, in float64, of the base with the adapter at the scale of its name, after `merge_and_unload`.
"""
import json
import os
import pathlib
import shutil

import numpy as np
import peft
import torch
import transformers

HERE = pathlib.Path(__file__).parent / "cases"
VOCABULARY, POSITIONS = 48, 24

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
CASES = {
    "lora": dict(r=4, lora_alpha=8, target_modules=ATTENTION),
    "rslora": dict(r=4, lora_alpha=6, use_rslora=True, target_modules=["q_proj", "down_proj"],
                   alpha_pattern={"layers.1.mlp.down_proj": 3}, rank_pattern={"layers.1.mlp.down_proj": 2}),
    "dora": dict(r=2, lora_alpha=5, use_dora=True, target_modules=["k_proj", "gate_proj"]),
}


def tokens():
    return [(7 * i * i + 3 * i + 5) % VOCABULARY for i in range(POSITIONS)]


def base_model():
    return transformers.AutoModelForCausalLM.from_pretrained(HERE / "base", dtype=torch.float64)


def save_logits(model, folder):
    with torch.no_grad():
        logits = model.to(torch.float64).eval()(torch.tensor([tokens()])).logits[0]
    np.asarray(logits, dtype="<f4").tofile(folder / "logits.f32")


def make_base():
    torch.manual_seed(20261121)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=3,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=64, tie_word_embeddings=True)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter) * 0.3
            parameter.copy_(1 + noise if parameter.dim() == 1 else noise)
    model.save_pretrained(HERE / "base")
    save_logits(model, HERE / "base")


def make_adapter(name, options):
    torch.manual_seed(len(name))
    model = peft.get_peft_model(base_model(), peft.LoraConfig(task_type="CAUSAL_LM", **options))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "magnitude" in key:
                parameter.mul_(1 + 0.2 * torch.randn_like(parameter))
            elif "lora_" in key:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    model = model.to(torch.float32)
    model.save_pretrained(HERE / name)
    path = HERE / name / "adapter_config.json"
    settings = {key: value for key, value in json.loads(path.read_text()).items() if value is not None}
    settings["base_model_name_or_path"] = "base"
    path.write_text(json.dumps(settings, indent=2) + "\n")
    merged = peft.PeftModel.from_pretrained(base_model(), HERE / name).to(torch.float64).merge_and_unload()
    save_logits(merged, HERE / name)


def main():
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    make_base()
    for name, options in CASES.items():
        make_adapter(name, options)
    for name in os.listdir(HERE):
        for extra in ("README.md", "generation_config.json"):
            (HERE / name / extra).unlink(missing_ok=True)


main()
