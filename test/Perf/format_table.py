"""Compiles a model with each of some number formats and prints what it costs, as the table of docs/formats.md.

    format_table.py [--nibble=NIBBLE] [--model=MODEL.gguf] [--text=FILE] [--formats=A,B;C,…] [--no-speed]
                    [--aarch64=CPU] [--qemu=QEMU] [--keep=FILE] [--write=docs/formats.md]

A row a format: bits of a weight (bytes of the program's weights · 8 / parameters), size of the program, relative error
of the weights against the file's, perplexity of the text (--perplexity, windows of 512 tokens, natural logarithm) and
tokens a second of decode with one thread (--bench, median of five times 64). Formats are separated by semicolons, since
each is what --weights= takes. --write puts the table between the markers of a page. --no-speed leaves the column as it
is there, so that quality can be measured on a machine that is busy and speed on one that is not.

--aarch64=CPU compiles each for that CPU, too, and lets an emulator continue a text by four tokens: "same" if they are
those of the native program. Without it the column stays as it is on the page.

What was measured is kept in --keep (build/format-table.json), by the bytes of the programs that ran and the text's,
speeds besides by the processor: run it again after an interruption, and only what is missing is measured. Delete the
file to measure all again. A format takes about half a minute on two idle cores of 2021.

The text is the first four chapters of Lewis Carroll, Alice's Adventures in Wonderland (1865, public domain), one line a
paragraph.
"""
import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

FORMATS = ("keep;q8;int8:row;int7:g64;q6;int6:g64;q5;int5:g64;q4;int4:g32;int4:g64;nf4:g64;any4:g64;fp4:e8m0;q3;"
           "int3:g32;any3:g64;q2;uint2:g32:min;ternary:g64")
HEADER = ["`--weights=`", "bits a weight", "program, MB", "error of the weights", "perplexity", "decode, tokens/s",
          "AArch64"]
BEGIN, END = "<!-- format table begins -->", "<!-- format table ends -->"
PROMPT = "The capital of France is"


def run(command, stderr=False):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stderr if stderr else done.stdout


def weight_bytes(program):
    info = json.loads(run([program, "--info", "--json"]))
    return sum(size for name, size in info["formats"].items() if name != "computed")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Kept:
    """Results by program and kind of measurement, in a file that is written after each."""

    def __init__(self, path):
        self.path, self.results = path, {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.results = json.load(file)

    def get(self, key, measure):
        if key not in self.results:
            self.results[key] = measure()
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            with open(self.path + ".new", "w", encoding="utf-8") as file:
                json.dump(self.results, file, indent=1)
            os.replace(self.path + ".new", self.path)
        return self.results[key]


def decode_speed(program):
    bench = json.loads(run([program, "--bench", "-p", "64", "-n", "64", "--threads", "1", "--json", "-q"]))
    return bench["decode"]["median_tokens_per_second"]


def continued(program):
    return run(program + ["--raw", PROMPT, "-n", "4", "--temp", "0", "-q"])


def emulated(options, name, program, work, kept):
    """Whether the same model for another architecture says what the native program says."""
    other = os.path.join(work, "aarch64")
    run([options.nibble, "compile", options.model, "-o", other, "--weights=" + name, "--target=aarch64-linux-gnu",
         "--cpu=" + options.aarch64])
    return kept.get(f"{digest(program)} as {digest(other)}", lambda: "same" if continued(
        shlex.split(options.qemu) + [other]) == continued([program]) else "differs")


def processor():
    """What speeds belong to besides the program."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        named = [line.split(":", 1)[1].strip() for line in file if line.startswith(("model name", "CPU part"))]
    return named[0] if named else os.uname().machine


def measure(options, name, parameters, work, kept, text):
    """The cells of a format's row."""
    program = os.path.join(work, "program")
    report = run([options.nibble, "compile", options.model, "-o", program, "--weights=" + name], stderr=True)
    error = re.search(r"^all\s+[\d.]+\s+([\d.]+)", report, re.M)
    key = digest(program)
    perplexity = kept.get(f"{key} perplexity {text}", lambda: json.loads(
        run([program, "--perplexity", options.text, "--json", "-q"]))["perplexity"])
    speed = None if options.no_speed else f"{kept.get(f'{key} speed {processor()}', lambda: decode_speed(program)):.0f}"
    same = options.aarch64 and emulated(options, name, program, work, kept)
    return [f"`{name}`", f"{weight_bytes(program) * 8 / parameters:.2f}", f"{os.path.getsize(program) / 1e6:.1f}",
            error.group(1) if error else "0", f"{perplexity:.2f}", speed, same]


def table(rows):
    lines = [HEADER, ["---"] + ["---:"] * (len(HEADER) - 1)] + rows
    return "".join("| " + " | ".join(row) + " |\n" for row in lines)


def known_cells(page):
    """Format → the last two columns of the page's table, as far as it has them."""
    cells = [line.strip("| \n").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0]: (row[5:] + ["–", "–"])[:2] for row in cells}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(here, "../../build/bin/nibble"))
    parser.add_argument("--model")
    parser.add_argument("--text", default=os.path.join(here, "Inputs/tale.txt"))
    parser.add_argument("--formats", default=FORMATS)
    parser.add_argument("--aarch64")
    parser.add_argument("--qemu", default="qemu-aarch64-static")
    parser.add_argument("--keep", default=os.path.join(here, "../../build/format-table.json"))
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
    known, rows, kept, text = known_cells(page), [], Kept(options.keep), digest(options.text)
    with tempfile.TemporaryDirectory() as work:
        for name in options.formats.split(";"):
            row = measure(options, name, parameters, work, kept, text)
            row[5:] = [new or old for new, old in zip(row[5:], known.get(row[0], ["–", "–"]))]
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
