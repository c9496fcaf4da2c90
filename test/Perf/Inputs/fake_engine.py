"""Stands in for the compiler, a compiled program and llama-bench in the tests of the measuring scripts.

    fake_engine.py tokenize MODEL             100 ids, whatever the text
    fake_engine.py reference MODEL ...        logits of --tokens to --logits
    fake_engine.py --tokens IDS --logits FILE the same, off by $NIBBLE_FAKE_ERROR (0 if unset)
    fake_engine.py --bench --json ...         200 and 100 tokens a second
    fake_engine.py --tokens=IDS -n 1 ...      one id, when it knows how many IDS there are
    fake_engine.py --help                     llama-bench's option without which it measures twice
    fake_engine.py -m MODEL ... -o json       llama-bench's form, 100 and 50 tokens a second
"""
import array
import json
import os
import sys


def value(arguments, name):
    for index, argument in enumerate(arguments):
        if argument == name:
            return arguments[index + 1]
        if argument.startswith(name + "="):
            return argument[len(name) + 1:]
    return None


def main(arguments):
    if arguments[0] == "tokenize":
        print("\n".join(str(i) for i in range(100)))
    elif value(arguments, "--logits"):
        error = 0.0 if arguments[0] == "reference" else float(os.environ.get("NIBBLE_FAKE_ERROR", "0"))
        row = [i / 4 - 1 + error * (-1) ** i for i in range(8)]
        positions = len(value(arguments, "--tokens").split(","))
        with open(value(arguments, "--logits"), "wb") as file:
            array.array("f", row * positions).tofile(file)
    elif "--help" in arguments:
        print("  --no-warmup")
    elif value(arguments, "--tokens"):
        print("prompt of", len(value(arguments, "--tokens").split(",")), "tokens", file=sys.stderr)
        sys.exit("no --n 1" if value(arguments, "-n") != "1" else 0)
    elif "--bench" in arguments:
        print(json.dumps({"prefill": {"median_tokens_per_second": 200.0},
                          "decode": {"median_tokens_per_second": 100.0}}))
    elif value(arguments, "-n") == "0" and "--no-warmup" not in arguments:
        sys.exit("a first token with a warm-up")
    else:
        print(json.dumps([{"n_prompt": 512, "n_gen": 0, "samples_ts": [9.0, 100.0, 101.0]},
                          {"n_prompt": 0, "n_gen": 64, "samples_ts": [50.0, 50.0, 50.0]}]))


main(sys.argv[1:])
