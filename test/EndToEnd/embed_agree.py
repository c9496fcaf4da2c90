"""Holds the vector that an encoder's program gives for a text to that of the reference interpreter.

    embed_agree.py --nibble=NIBBLE --model=MODEL.gguf --work=DIR [--compile=OPTION ...] --tokens=IDS
                   --min-cosine=X [--max-cosine=Y]

The reference takes the model as it is, in float64; the program is compiled with the given options. Prints the cosine;
one beyond --max-cosine is an error, too: then the options did not round what they are to round.
"""
import argparse
import array
import math
import os
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nibble", "model", "work", "tokens"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--compile", action="append", default=[])
    parser.add_argument("--min-cosine", type=float, required=True)
    parser.add_argument("--max-cosine", type=float, default=1.000001)
    options = parser.parse_args()
    reference, program = (os.path.join(options.work, name) for name in ("reference.f32", "program"))
    subprocess.run([options.nibble, "reference", options.model, "--kv=f32", f"--tokens={options.tokens}",
                    f"--logits={reference}"], check=True)
    subprocess.run([options.nibble, "compile", options.model, "-o", program, "-q", *options.compile], check=True)
    found = array.array("f", subprocess.run([program, "--embed", "--f32", "-q", "--tokens", options.tokens], check=True,
                                            stdout=subprocess.PIPE).stdout)
    with open(reference, "rb") as file:
        expected = array.array("f", file.read())
    if len(found) != len(expected):
        sys.exit(f"error: {len(found)} numbers, expected {len(expected)}")
    lengths = [math.sqrt(sum(x * x for x in vector)) for vector in (found, expected)]
    cosine = sum(a * b for a, b in zip(found, expected)) / lengths[0] / lengths[1]
    print(f"cosine {cosine:.7f}")
    if not options.min_cosine <= cosine <= options.max_cosine:
        sys.exit(f"error: expected a cosine from {options.min_cosine} to {options.max_cosine}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
