"""Compiles a model and checks the program's logits against the reference interpreter's, and against themselves.

    agree.py --nibble=NIBBLE --model=MODEL.gguf --work=DIR [--compile=OPTION ...] [--reference=OPTION ...]
             [--run=PREFIX] [--tokens=IDS] [--greedy=N] [--max-nmse=X] [--exact] [--same=OPTIONS ...]
             [--same-build=OPTIONS ...]

The prompt --tokens is continued by N greedy tokens of the reference interpreter. Then the program, started through
--run (an emulator) if given, computes the logits of every position. They must
    lie within --max-nmse of the reference's (sum of squared errors / sum of squares, over all positions);
    choose the reference's greedy token at every position with --exact, otherwise wherever the reference's lead over
    its second choice is more than twice the largest error at that position;
    be bit for bit the same with each of the --same options ("--threads 2") and from each program that is compiled
    with the --same-build options in addition.
Prints what it measured; exits 1 on the first thing that does not hold.
"""
import argparse
import array
import os
import shlex
import subprocess
import sys


def run(command):
    done = subprocess.run(command, capture_output=True, timeout=900)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)} ended with {done.returncode}:\n"
                 + done.stderr.decode("utf-8", "replace")[-2000:])


def read_logits(path, positions):
    """One array of floats for each position."""
    flat = array.array("f")
    with open(path, "rb") as file:
        flat.frombytes(file.read())
    os.remove(path)
    vocabulary, rest = divmod(len(flat), positions)
    if rest or not vocabulary:
        sys.exit(f"error: {len(flat)} logits for {positions} positions")
    return [flat[row * vocabulary:(row + 1) * vocabulary] for row in range(positions)]


def largest(row):
    return max(range(len(row)), key=row.__getitem__)


def joined(tokens):
    return ",".join(map(str, tokens))


def reference(options, tokens):
    out = os.path.join(options.work, "reference.f32")
    run([options.nibble, "reference", options.model, f"--tokens={joined(tokens)}", f"--logits={out}"]
        + options.reference)
    return read_logits(out, len(tokens))


def program_logits(options, program, tokens, extra=""):
    out = os.path.join(options.work, "program.f32")
    run(shlex.split(options.run) + [program, "--tokens", joined(tokens), "--logits", out] + shlex.split(extra))
    return read_logits(out, len(tokens))


def build(options, name, extra=()):
    program = os.path.join(options.work, name)
    run([options.nibble, "compile", options.model, "-o", program] + options.compile + list(extra))
    return program


def compare(options, expected, found):
    """None, or what is wrong with the logits `found`."""
    error = power = 0.0
    for position, (reference_row, row) in enumerate(zip(expected, found)):
        if len(row) != len(reference_row):
            return f"{len(row)} logits a position, the reference has {len(reference_row)}"
        differences = [abs(a - b) for a, b in zip(row, reference_row)]
        if not all(difference < 1e30 for difference in differences):
            return f"a logit at position {position} is not a number"
        error += sum(difference * difference for difference in differences)
        power += sum(value * value for value in reference_row)
        first, second = sorted(reference_row, reverse=True)[:2]
        if (options.exact or first - second > 2 * max(differences)) and largest(row) != largest(reference_row):
            return (f"token {largest(row)} instead of {largest(reference_row)} at position {position}; the reference's "
                    f"lead is {first - second:.3g}, the largest error {max(differences):.3g}")
    print(f"NMSE {error / power:.3e}")
    if not error <= options.max_nmse * power:
        return f"NMSE {error / power:.3e} exceeds {options.max_nmse:.3e}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nibble", "model", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--compile", action="append", default=[])
    parser.add_argument("--reference", action="append", default=[])
    parser.add_argument("--run", default="")
    parser.add_argument("--tokens", default="3,14,15,92,65,35,89,79,32,38,46,26,43,38,32,79,50,28,84,19,71")
    parser.add_argument("--greedy", type=int, default=6)
    parser.add_argument("--max-nmse", type=float, default=1e-9)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--same", action="append", default=[])
    parser.add_argument("--same-build", action="append", default=[])
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)

    tokens = [int(token) for token in options.tokens.split(",")]
    expected = reference(options, tokens)
    for _ in range(options.greedy):
        tokens.append(largest(expected[-1]))
        expected = reference(options, tokens)
    print(f"greedy: {joined(tokens[len(tokens) - options.greedy:])}")

    program = build(options, "program")
    found = program_logits(options, program, tokens)
    wrong = compare(options, expected, found)
    if wrong:
        sys.exit(f"error: {wrong}")
    for extra in options.same:
        if program_logits(options, program, tokens, extra) != found:
            sys.exit(f"error: other logits with {extra}")
        print(f"same with {extra}")
    for number, extra in enumerate(options.same_build):
        other = build(options, f"other-{number}", shlex.split(extra))
        if program_logits(options, other, tokens) != found:
            sys.exit(f"error: other logits when compiled with {extra}")
        print(f"same when compiled with {extra}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
