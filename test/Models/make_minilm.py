#!/usr/bin/env python3
"""Computes the vectors of test/Models/minilm/ with `transformers`, which the tests do not need.

    ~/venv/bin/python test/Models/make_minilm.py --model="$(examples/get-model.sh minilm)"

texts.txt has a text a line; ids.txt what the model's own tokenizer makes of each, vectors.f32 its vector, as float32
arithmetic gives it: the mean of the last layer's rows, divided by its length.
"""
import argparse
import os

import torch
import transformers as hf

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm")

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--model", required=True)
options = parser.parse_args()
tokenizer, model = hf.AutoTokenizer.from_pretrained(options.model), hf.BertModel.from_pretrained(options.model).eval()
with open(os.path.join(HERE, "texts.txt"), encoding="utf-8") as file:
    texts = file.read().splitlines()
with open(os.path.join(HERE, "ids.txt"), "w", encoding="utf-8") as ids, \
        open(os.path.join(HERE, "vectors.f32"), "wb") as vectors, torch.no_grad():
    for text in texts:
        tokens = tokenizer(text)["input_ids"]
        rows = model(input_ids=torch.tensor([tokens])).last_hidden_state
        ids.write(",".join(map(str, tokens)) + "\n")
        vectors.write(torch.nn.functional.normalize(rows.mean(dim=1))[0].numpy().tobytes())
