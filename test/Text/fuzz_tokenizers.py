#!/usr/bin/env python3
"""Compares `nibble tokenize` with the libraries `tokenizers` and `sentencepiece` on random text.

    ~/venv/bin/python test/Text/fuzz_tokenizers.py build/bin/nibble [--seed N] [--rounds N] [FOLDER ...]

Folders hold a tokenizer.json; without any, those of test/Text/Inputs/tokenizers, and then the vocabularies of
make_sentencepiece.py, written as GGUF. Each round makes one text of pieces that
tokenizers stumble over: all scripts, marks, emoji, white space, controls, digits, code. A difference is cut down to few
characters and printed, with exit code 1.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import unicodedata

from tokenizers import Tokenizer

import make_sentencepiece
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Inputs"))
from gguf_writer import ARRAY, BOOL, F32, I32, STRING, U32, Writer

WORDS = ["the", " The", "don't", "I'LL", " 12345", "3.14", "naïve", "straße", "Быстрая", "лиса", "שלום",
         "مرحبا", "हिन्दी", "ไทย",
         "中文字", "日本語の", "한국어", "👍🏽", "👨\u200d👩\u200d👧", "🇩🇪", "\n", "\n\n", "\r\n", "\t", "  ", "    ",
         "\u00a0", "\u3000", "()", "->",
         "!=", "//", "...", "{}", "<b>", "$9", "#a", "_x", "e\u0301", "\u0323\u0301", "İ", "ǅ", "ſ", "ﬁ", "½",
         "٣", "\u200b", "\ufeff", "\0",
         "\x1b", "CamelCase", "HTTPServer", "a\u0338", "\u1100\u1161\u11a8", "각", "K", "Å", "𝟘", "<s>", "<|end|>"]
# Characters younger than the oldest tables in use (Unicode 8) have other classes there, and U+2581 is the libraries'
# space.
CODES = [code for code in range(1, 0x30000) if unicodedata.ucd_3_2_0.category(chr(code)) != "Cn"
         and not 0xD800 <= code < 0xE000 and code != 0x2581]


def make_text(rng):
    return "".join(rng.choice(WORDS) if rng.random() < 0.7 else chr(rng.choice(CODES))
                   for _ in range(rng.randrange(1, 400)))


def references(folders, directory):
    """(model for nibble, its options, the library's function from text to ids) of each tokenizer."""
    inputs = pathlib.Path(__file__).parent / "Inputs" / "tokenizers"
    for folder in folders or sorted(str(path) for path in inputs.iterdir()):
        library = Tokenizer.from_file(folder + "/tokenizer.json")
        library.no_truncation()
        library.no_padding()
        yield folder, ["--special", "--add-special"], lambda text: library.encode(text).ids
    for name in [] if folders else make_sentencepiece.CASES:
        model = make_sentencepiece.train(name)
        pieces, scores, types = zip(*make_sentencepiece.vocabulary(model))
        writer, key = Writer(), "tokenizer.ggml."
        writer.pairs = [("general.architecture", STRING, "llama"), (key + "model", STRING, "llama"),
                        (key + "tokens", ARRAY, STRING, pieces), (key + "scores", ARRAY, F32, scores),
                        (key + "token_type", ARRAY, I32, types), (key + "unknown_token_id", U32, 0),
                        (key + "add_space_prefix", BOOL, make_sentencepiece.CASES[name]["add_dummy_prefix"])]
        path = pathlib.Path(directory) / f"{name}.gguf"
        path.write_bytes(writer.bytes())
        yield str(path), [], model.encode


def nibble(program, folder, options, text):
    run = subprocess.run([program, "tokenize", folder, *options], input=text.encode(), capture_output=True)
    lost = b"cannot express" in run.stderr
    if run.returncode and not lost:
        sys.exit(f"{folder}: {run.stderr.decode()}")
    return [int(line) for line in run.stdout.split()]


def shrink(text, differs):
    """A short part of the text that still differs."""
    size = len(text) // 2
    while size:
        for begin in range(0, len(text), size):
            shorter = text[:begin] + text[begin + size:]
            if shorter and differs(shorter):
                text = shorter
                break
        else:
            size //= 2
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nibble")
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_intermixed_args()
    directory = tempfile.TemporaryDirectory()
    failed = False
    for model, options, encode in references(arguments.folders, directory.name):
        rng = random.Random(arguments.seed)

        def ids(text):
            return nibble(arguments.nibble, model, options, text)

        def differs(text):
            return ids(text) != encode(text)

        wrong = next((text for text in (make_text(rng) for _ in range(arguments.rounds)) if differs(text)), None)
        if wrong is None:
            print(f"{model}: equal on {arguments.rounds} texts", flush=True)
            continue
        short = shrink(wrong, differs)
        print(f"{model}: {ascii(short)}\n  nibble   {ids(short)}\n  library  {encode(short)}", flush=True)
        failed = True
    sys.exit(failed)


main()
