"""Compiles a model with each of some number formats and prints what it costs, as the table of docs/formats.md.

    format_table.py [--nibble=NIBBLE] [--model=MODEL.gguf] [--text=FILE] [--formats=A,B;C,…] [--target=… --cpu=…]
                    [--run=PREFIX] [--no-speed] [--write=docs/formats.md]

A row a format: bits of a weight (bytes of the program's weights · 8 / parameters), size of the program, relative error
of the weights against the file's, perplexity of the text (--perplexity, windows of 512 tokens, natural logarithm) and
tokens a second of decode (--bench, median of five times 64). Formats are separated by semicolons, since each is what
--weights= takes. --write puts the table between the markers of a page. --no-speed leaves the last column as it is
there, so that quality can be measured on a machine that is busy and speed on one that is not. --run starts programs
through an emulator. A format takes about one minute on two idle cores of 2021; the default list has fourteen.

The text is the first four chapters of Lewis Carroll, Alice's Adventures in Wonderland (1865, public domain), one line a
paragraph.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

FORMATS = ("keep;q8;int8:row;q6;q5;q4;int4:g32;int4:g64;nf4:g64;q3;int3:g32;q2;uint2:g32:min;ternary:g64")
HEADER = ["`--weights=`", "bits a weight", "program, MB", "error of the weights", "perplexity", "decode, tokens/s"]
BEGIN, END = "<!-- format table begins -->", "<!-- format table ends -->"


def run(command, stderr=False):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr if stderr else done.stdout


def weight_bytes(program, options):
    info = json.loads(run(shlex.split(options.run) + [program, "--info", "--json"]))
    return sum(size for name, size in info["formats"].items() if name != "computed")


def measure(options, name, parameters, work):
    """The cells of a format's row."""
    program = os.path.join(work, "program")
    command = [options.nibble, "compile", options.model, "-o", program, "--weights=" + name]
    report = run(command + [option for option in (options.target and "--target=" + options.target,
                                                  options.cpu and "--cpu=" + options.cpu) if option], stderr=True)
    error = re.search(r"^all\s+[\d.]+\s+([\d.]+)", report, re.M)
    start = shlex.split(options.run) + [program]
    scored = json.loads(run(start + ["--perplexity", options.text, "--json", "-q"]))
    speed = None
    if not options.no_speed:
        bench = json.loads(run(start + ["--bench", "-p", "64", "-n", "64", "--json", "-q"]))
        speed = f"{bench['decode']['median_tokens_per_second']:.0f}"
    return [f"`{name}`", f"{weight_bytes(program, options) * 8 / parameters:.2f}",
            f"{os.path.getsize(program) / 1e6:.1f}", error.group(1) if error else "0",
            f"{scored['perplexity']:.2f}", speed]


def table(rows):
    lines = [HEADER, ["---"] + ["---:"] * (len(HEADER) - 1)] + rows
    return "".join("| " + " | ".join(row) + " |\n" for row in lines)


def known_speeds(page):
    """Format → last column of the page's table."""
    cells = [line.strip("| \n").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0]: row[-1] for row in cells if len(row) == len(HEADER)}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(here, "../../build/bin/nibble"))
    parser.add_argument("--model")
    parser.add_argument("--text", default=os.path.join(here, "Inputs/tale.txt"))
    parser.add_argument("--formats", default=FORMATS)
    parser.add_argument("--target")
    parser.add_argument("--cpu")
    parser.add_argument("--run", default="")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--write")
    options = parser.parse_args()
    if not options.model:
        options.model = run([os.path.join(here, "../../examples/get-model.sh")]).strip()
    page = ""
    if options.write:
        with open(options.write, encoding="utf-8") as file:
            page = file.read()
        if page.count(BEGIN) != 1 or page.count(END) != 1:
            sys.exit(f"error: {options.write} has no place for the table: {BEGIN} … {END}")
    parameters = json.loads(run([options.nibble, "inspect", options.model, "--json"]))["parameters"]
    speeds, rows = known_speeds(page), []
    with tempfile.TemporaryDirectory() as work:
        for name in options.formats.split(";"):
            row = measure(options, name, parameters, work)
            row[-1] = row[-1] or speeds.get(row[0], "–")
            rows.append(row)
            print(" ".join(row), file=sys.stderr, flush=True)
    text = table(rows)
    print(text, end="")
    if options.write:
        head, rest = page.split(BEGIN)
        with open(options.write, "w", encoding="utf-8") as file:
            file.write(head + BEGIN + "\n" + text + END + rest.split(END)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
