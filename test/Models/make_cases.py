#!/usr/bin/env python3
"""Makes the cases of this folder with the reference implementations of the families, which the tests do not need.

    python3 -m venv ~/venv && ~/venv/bin/pip install torch transformers
    ~/venv/bin/python test/Models/make_cases.py [FAMILY ...]

A case is a folder as `save_pretrained` writes one (config.json, model.safetensors) with a tiny model of random weights,
every feature of its family on and odd numbers of heads, and logits.f32: the logits of `tokens()` at each position, as
64-bit arithmetic of `transformers` gives them from the weights as they are stored, in f16. Of an encoder, logits.f32 is
one vector, the mean of the last layer's rows, divided by its length.
"""
import json
import os
import shutil
import sys

import torch
import transformers as hf

VOCABULARY, POSITIONS = 96, 64
HERE = os.path.dirname(os.path.abspath(__file__))

COMMON = dict(vocab_size=VOCABULARY, hidden_size=36, num_hidden_layers=3, num_attention_heads=3, num_key_value_heads=1,
              intermediate_size=44, max_position_embeddings=256, tie_word_embeddings=False, pad_token_id=0,
              bos_token_id=1, eos_token_id=2)
ROPE = {"rope_type": "default", "rope_theta": 10000.0}


def options(**changes):
    return {**COMMON, **changes}


CASES = {
    "llama": lambda: hf.LlamaConfig(**options(
        head_dim=16, rms_norm_eps=1e-5, rope_parameters={
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32})),
    "mistral": lambda: hf.MistralConfig(**options(head_dim=16, sliding_window=13, rope_parameters=ROPE)),
    "qwen2": lambda: hf.Qwen2Config(**options(
        hidden_size=48, num_hidden_layers=2, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    "qwen3": lambda: hf.Qwen3Config(**options(head_dim=20, intermediate_size=32, rope_parameters=ROPE)),
    "gemma2": lambda: hf.Gemma2Config(**options(
        num_hidden_layers=2, head_dim=16, tie_word_embeddings=True, sliding_window=9, query_pre_attn_scalar=25,
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, rope_parameters=ROPE,
        hidden_activation="gelu_pytorch_tanh")),
    "gemma3": lambda: hf.Gemma3TextConfig(**options(
        head_dim=16, tie_word_embeddings=True, sliding_window=9,
        query_pre_attn_scalar=25, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        hidden_activation="gelu_pytorch_tanh", rope_parameters={
            "full_attention": {"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}})),
    "phi3": lambda: hf.Phi3Config(**options(
        hidden_size=48, num_hidden_layers=2, num_key_value_heads=3,
        intermediate_size=24, original_max_position_embeddings=32, sliding_window=None, rope_parameters={
            "rope_type": "longrope", "rope_theta": 10000.0, "partial_rotary_factor": 1.0,
            "short_factor": [1.0 + 0.25 * i for i in range(8)], "long_factor": [1.5 + 1.5 * i for i in range(8)],
            "original_max_position_embeddings": 32})),
    "granite": lambda: hf.GraniteConfig(**options(
        embedding_multiplier=12.0, logits_scaling=8.0,
        residual_multiplier=0.22, attention_multiplier=0.015625, rope_parameters=ROPE)),
    "smollm3": lambda: hf.SmolLM3Config(**options(
        num_hidden_layers=4, intermediate_size=40, tie_word_embeddings=True, rope_parameters=ROPE)),
    "olmo2": lambda: hf.Olmo2Config(**options(hidden_size=36, rope_parameters=ROPE)),
    "stablelm": lambda: hf.StableLmConfig(**options(
        hidden_size=48, num_hidden_layers=2, use_qkv_bias=True, rope_parameters={
            "rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25})),
    "bitnet": lambda: hf.BitNetConfig(**options(tie_word_embeddings=True, hidden_act="relu2",
                                                 rope_parameters=ROPE)),
    "lfm2": lambda: hf.Lfm2Config(**options(
        conv_L_cache=3, conv_bias=False, block_auto_adjust_ff_dim=False,
        layer_types=["conv", "full_attention", "conv"],
        tie_word_embeddings=True, rope_parameters=ROPE)),
    # Experts have whole panels of 16 rows.
    "olmoe": lambda: hf.OlmoeConfig(**options(
        hidden_size=48, num_hidden_layers=2, intermediate_size=16, num_experts=3, num_experts_per_tok=2,
        norm_topk_prob=True, tie_word_embeddings=True, rope_parameters=ROPE)),
    "qwen2moe": lambda: hf.Qwen2MoeConfig(**options(
        hidden_size=48, num_hidden_layers=2, num_experts=3, num_experts_per_tok=2, moe_intermediate_size=16,
        shared_expert_intermediate_size=8, norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[],
        tie_word_embeddings=True, rope_parameters=ROPE)),
    "bert": lambda: hf.BertConfig(
        vocab_size=VOCABULARY, hidden_size=36, num_hidden_layers=3, num_attention_heads=3, intermediate_size=44,
        max_position_embeddings=80, type_vocab_size=2, pad_token_id=0),
}


def tokens():
    """The prompt of every case; test/Models/case.py has it, too."""
    return [(7 * i * i + 3 * i + 5) % VOCABULARY for i in range(POSITIONS)]


def randomize(model, seed):
    """Matrices keep the size of what they multiply; norms stand around what leaves values as they are."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        if "norm" in name.lower() and name.endswith("weight"):
            centre = 0.0 if model.config.model_type.startswith("gemma") else 1.0
            values = centre + 0.2 * values
        elif parameter.dim() == 1:
            values = 0.2 * values
        elif "embed" not in name:
            values = values / parameter.shape[-1] ** 0.5
        parameter.data = values.half().double()


def make(name):
    folder = os.path.join(HERE, "cases", name)
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    config = CASES[name]()
    config._attn_implementation = config._experts_implementation = "eager"
    encodes = config.model_type == "bert"
    model = hf.BertModel(config, add_pooling_layer=False) if encodes else hf.AutoModelForCausalLM.from_config(config)
    model = model.eval().double()
    randomize(model, seed=sum(map(ord, name)))
    if config.tie_word_embeddings and not encodes:
        model.tie_weights()
    with torch.no_grad():
        ids = torch.tensor([tokens()])
        if encodes:
            logits = torch.nn.functional.normalize(model(input_ids=ids).last_hidden_state.mean(dim=1))
        else:
            logits = model(input_ids=ids, use_cache=False).logits[0]
    model.half().save_pretrained(folder)
    generation = os.path.join(folder, "generation_config.json")
    if os.path.exists(generation):
        os.remove(generation)
    with open(os.path.join(folder, "logits.f32"), "wb") as file:
        file.write(logits.float().numpy().tobytes())
    size = sum(os.path.getsize(os.path.join(folder, part)) for part in os.listdir(folder))
    print(f"{name:10} {sum(p.numel() for p in model.parameters()):7} parameters, {size:7} bytes, "
          f"logits of {logits.std():.3f}")


if __name__ == "__main__":
    for case in sys.argv[1:] or CASES:
        make(case)
