"""Compiles a model with each of some number formats and prints what it costs, as the table of docs/formats.md.

    format_table.py [--nibble=NIBBLE] [--model=MODEL.gguf] [--text=FILE] [--formats=A,B;C,…] [--only=A,B;…]
                    [--columns=quality,speed,same,instructions] [--aarch64=CPU] [--qemu=QEMU] [--counter=QEMU]
                    [--keep=FILE] [--write=docs/formats.md]

A row a format. Formats are separated by semicolons, since each is what --weights= takes. --columns says what is
measured, of

    quality       bits of a weight (bytes of the program's weights · 8 / parameters), size of the program, relative
                  error of the weights against the file's, perplexity of the text (--perplexity, windows of 512 tokens,
                  natural logarithm)
    speed         tokens a second of decode with one thread (--bench, median of five times 64)
    same          whether the program for the AArch64 CPU, emulated, continues a text by the four tokens of the native
                  one
    instructions  millions of instructions of that program for a decoded token (aarch64.py, which says how)

--write puts the table between the markers of a page, row by row as they are measured; columns that are not measured,
and with --only the rows of all other formats, stay as they are there. So quality and instructions can be had from a
busy machine and speed from one that is not.

What was measured is kept in --keep (build/format-table.json), by the bytes of the programs that ran and the text's,
speeds besides by the processor: run it again after an interruption, and only what is missing is measured. Delete the
file to measure all again. A format takes about half a minute on two idle cores of 2021, and as long again for the
emulated columns.

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

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import aarch64  # noqa: E402
import page_table  # noqa: E402

FORMATS = ("keep;q8;int8:row;int7:g64;q6;int6:g64;q5;int5:g64;q4;int4:g32;int4:g64;nf4:g64;any4:g64;fp4:e8m0;q3;"
           "int3:g32;any3:g64;q2;uint2:g32:min;ternary:g64")
HEADER = ["`--weights=`", "bits a weight", "program, MB", "error of the weights", "perplexity", "decode, tokens/s",
          "AArch64", "M instructions"]
COLUMNS = ["quality", "speed", "same", "instructions"]
UNKNOWN = "–"
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


def compiled(options, name, path, extra=()):
    """The program for a format, and what the compiler said of it."""
    return path, run([options.nibble, "compile", options.model, "-o", path, "--weights=" + name, *extra], stderr=True)


def same(options, program, other):
    """Whether the program for another architecture says what the native one says."""
    return "same" if continued(shlex.split(options.qemu) + [other]) == continued([program]) else "differs"


def instructions(options, other, work):
    counter = argparse.Namespace(qemu=options.counter, cc=options.cc, blocks=0)
    return aarch64.decoded_token(counter, aarch64.build_plugin(counter, work), other, options.aarch64)


def processor():
    """What speeds belong to besides the program."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        named = [line.split(":", 1)[1].strip() for line in file if line.startswith(("model name", "CPU part"))]
    return named[0] if named else os.uname().machine


def quality(options, program, report, kept, text):
    error = re.search(r"^all\s+[\d.]+\s+([\d.]+)", report, re.M)
    perplexity = kept.get(f"{digest(program)} perplexity {text}", lambda: json.loads(
        run([program, "--perplexity", options.text, "--json", "-q"]))["perplexity"])
    return [f"{weight_bytes(program) * 8 / options.parameters:.2f}", f"{os.path.getsize(program) / 1e6:.1f}",
            error.group(1) if error else "0", f"{perplexity:.2f}"]


def measure(options, name, row, work, kept, text):
    """Fills the cells of a format's row that are asked for."""
    if "quality" in options.columns or "speed" in options.columns or "same" in options.columns:
        program, report = compiled(options, name, os.path.join(work, "program"))
    if "same" in options.columns or "instructions" in options.columns:
        other, _ = compiled(options, name, os.path.join(work, "aarch64"),
                            ["--target=aarch64-linux-gnu", "--cpu=" + options.aarch64])
    if "quality" in options.columns:
        row[1:5] = quality(options, program, report, kept, text)
    if "speed" in options.columns:
        row[5] = f"{kept.get(f'{digest(program)} speed {processor()}', lambda: decode_speed(program)):.0f}"
    if "same" in options.columns:
        row[6] = kept.get(f"{digest(program)} as {digest(other)}", lambda: same(options, program, other))
    if "instructions" in options.columns:
        count = kept.get(f"{digest(other)} instructions", lambda: instructions(options, other, work))
        row[7] = f"{count / 1e6:.1f}"


def known_rows(table):
    """Format → its row in the table, as far as it has one."""
    return {row[0]: (row + [UNKNOWN] * len(HEADER))[:len(HEADER)] for row in page_table.cells(table)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(HERE, "../../build/bin/nibble"))
    parser.add_argument("--model")
    parser.add_argument("--text", default=os.path.join(HERE, "Inputs/tale.txt"))
    parser.add_argument("--formats", default=FORMATS)
    parser.add_argument("--only", default="")
    parser.add_argument("--columns", default="quality,speed")
    parser.add_argument("--aarch64", default="neoverse-n2")
    parser.add_argument("--qemu", default="qemu-aarch64-static")
    parser.add_argument("--counter", default="qemu-aarch64", help="the dynamic emulator, which takes plugins")
    parser.add_argument("--cc", default=os.environ.get("CC", "clang-22"), help="compiles the plugin that counts")
    parser.add_argument("--keep", default=os.path.join(HERE, "../../build/format-table.json"))
    parser.add_argument("--write")
    options = parser.parse_args()
    options.columns = options.columns.split(",")
    options.formats = options.formats.split(";")
    options.only = options.only.split(";") if options.only else options.formats
    for given, known, what in ((options.columns, COLUMNS, "column"), (options.only, options.formats, "row")):
        for name in given:
            if name not in known:
                parser.error(f"there is no {what} '{name}'; there are {', '.join(known)}")
    if not options.model:
        options.model = run([os.path.join(HERE, "../../examples/get-model.sh")]).strip()
    return options


def main():
    options = parse()
    old = page_table.read(options.write, BEGIN, END)[1] if options.write else ""
    options.parameters = json.loads(run([options.nibble, "inspect", options.model, "--json"]))["parameters"]
    known, kept, text = known_rows(old), Kept(options.keep), digest(options.text)
    rows = {name: known.get(f"`{name}`", [f"`{name}`"] + [UNKNOWN] * (len(HEADER) - 1)) for name in options.formats}
    with tempfile.TemporaryDirectory() as work:
        for name in options.only:
            measure(options, name, rows[name], work, kept, text)
            print(" ".join(rows[name]), file=sys.stderr, flush=True)
            if options.write:
                page_table.write(options.write, BEGIN, END, page_table.markdown(HEADER, rows.values()))
    print(page_table.markdown(HEADER, rows.values()), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
