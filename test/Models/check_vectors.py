"""Holds the vectors that a program gives to those of the reference.

    check_vectors.py --program=PROGRAM --min-cosine=X [--min-mean=Y] [--text]

Each line of minilm/ids.txt is given as ids, or, with --text, the lines of minilm/texts.txt as a file; the least cosine
of a vector with its line of minilm/vectors.f32 must be at least X, their mean at least Y, and the vectors must be 1
long. With two threads the bits are the same as with one.
"""
import argparse
import array
import math
import os
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "minilm")


def run(*command):
    done = subprocess.run(command, capture_output=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}: {done.stderr.decode()[-500:]}")
    return done.stdout


def vectors_of(options, threads):
    start = [options.program, "--embed", "--f32", "-q", "--threads", str(threads)]
    if options.text:
        return run(*start, "-f", os.path.join(HERE, "texts.txt"))
    with open(os.path.join(HERE, "ids.txt"), encoding="utf-8") as file:
        return b"".join(run(*start, "--tokens", line) for line in file.read().splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--min-cosine", type=float, required=True)
    parser.add_argument("--min-mean", type=float, default=0)
    parser.add_argument("--text", action="store_true")
    options = parser.parse_args()
    data = vectors_of(options, 1)
    if vectors_of(options, 2) != data:
        sys.exit("error: two threads give other bits than one")
    with open(os.path.join(HERE, "vectors.f32"), "rb") as file:
        expected = array.array("f", file.read())
    found = array.array("f", data)
    with open(os.path.join(HERE, "texts.txt"), encoding="utf-8") as file:
        count = len(file.read().splitlines())
    if len(found) != len(expected):
        sys.exit(f"error: {len(found)} numbers, expected {len(expected)}")
    width, least, total = len(found) // count, 1.0, 0.0
    for line in range(count):
        a, b = found[line * width:(line + 1) * width], expected[line * width:(line + 1) * width]
        length = math.sqrt(sum(x * x for x in a))
        if not abs(length - 1) <= 1e-5:
            sys.exit(f"error: line {line + 1}: a vector {length} long")
        cosine = sum(x * y for x, y in zip(a, b)) / length / math.sqrt(sum(y * y for y in b))
        if not cosine >= options.min_cosine:
            sys.exit(f"error: line {line + 1}: a cosine of {cosine:.7f}, expected at least {options.min_cosine}")
        least, total = min(least, cosine), total + cosine
    print(f"least cosine {least:.7f}, mean {total / count:.7f}")
    if not total / count >= options.min_mean:
        sys.exit(f"error: a mean of {total / count:.7f}, expected at least {options.min_mean}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
