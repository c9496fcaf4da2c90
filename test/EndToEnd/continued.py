"""An answer in two parts, with a saved state between them, is the answer in one.

    continued.py PROGRAM TOKENS CUT... [--other=PROGRAM] [--shift] [--penalty=N]

Generates TOKENS tokens at once, and again with --save-state behind CUT of them and --load-state for the rest, which
--other may do. The ids must be equal, and what the cache holds in the end; with --shift the context ends meanwhile, and
places behind the last position may hold other things of the past. A penalty on the last N tokens (24)
makes small random models say different things.
"""
import argparse
import os
import subprocess

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("tokens", type=int)
parser.add_argument("cuts", type=int, nargs="+")
parser.add_argument("--other")
parser.add_argument("--shift", action="store_true")
parser.add_argument("--penalty", default="24")
options = parser.parse_args()
state = options.program + ".state"


def ids(program, count, *more):
    command = [program, "--raw", "-q", "--temp", "0", "--repeat-penalty", "20", "--repeat-last-n", options.penalty,
               "--print-ids", "-n", str(count), "--on-full", "shift" if options.shift else "stop", *more]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout.split()


def contents(path):
    with open(path, "rb") as file:
        return file.read()


begin = ["--tokens", "5,17,3,40"]
whole = ids(options.program, options.tokens, *begin, "--save-state", state + ".whole")
assert len(whole) == options.tokens, f"the model ended after {len(whole)} tokens: {whole}"
assert len(set(whole)) > 10, whole
for cut in options.cuts:
    first = ids(options.program, cut, *begin, "--save-state", state)
    rest = ids(options.other or options.program, options.tokens - cut, "--load-state", state,
               "--save-state", state + ".both")
    same = options.shift or contents(state + ".both") == contents(state + ".whole")
    assert same, f"the states differ after {cut} and {options.tokens - cut} tokens"
    assert first + rest == whole, (cut, first, rest, whole)
for suffix in ("", ".both", ".whole"):
    os.remove(state + suffix)
print(f"{len(whole)} tokens: the same when continued behind {', '.join(map(str, options.cuts))}")
