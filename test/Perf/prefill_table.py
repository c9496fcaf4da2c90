"""Compiles one model in every number format and prints how fast it reads a prompt: the table of docs/performance.md.

    prefill_table.py [--nibble=NIBBLE] [--cpu=native | --aarch64=CPU] [--formats=A,B,…] [--layers=2] [--prompt=N]
                     [--rounds=5] [--keep=FOLDER] [--write=docs/performance.md]

A row a format, those first whose numbers have the fewest bits when they are multiplied ("bits multiplied" of `nibble
formats`, floats last), and in each such class the fastest first. Formats of one type share a row. The model is
make_shaped_gguf.py's qwen3-0.6b with random weights from a fixed seed: all linears in the format, the shared embedding
Q8_0 for every one. It has --layers of the shape's 28 layers and as many of its 151936 tokens in proportion, so that the
output head, which only the last token of a prompt meets, has the part of the time that it has in the whole model.
Formats of files are written as such; for those of --weights, and for floats, a file of F16 is rounded, which takes
minutes for formats that learn codebooks.

Speed: each program in turn, class by class, runs `--bench -p 512 -n 1 --threads 1`, --rounds times. The table has the
median of the rounds' medians and the best of all prefills in brackets. What part a format reaches of the fastest of its
class is the median, of all rounds, of its best prefill over that one's best prefill a moment before or after: a machine
is slow for seconds on end, and what else runs there makes a prefill slower only. --cpu is passed to the compiler.

--aarch64 counts instead, under qemu-aarch64 (aarch64.py, which says how): millions of instructions of a further token
of a prompt, as the difference of prompts of --prompt (128) and twice as many tokens. A count is no time.

--keep leaves programs and speeds in a folder. What is there is not made again: after an interruption, or with more
rounds, only what is missing is. A folder belongs to one compiler, CPU and size of the model. --write puts the columns
of the CPU between the markers of a page; columns of other CPUs, and rows that are not measured, stay.
"""
import argparse
import collections
import json
import os
import statistics
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import aarch64  # noqa: E402
import page_table  # noqa: E402
from format_table import UNKNOWN, digest, run  # noqa: E402
from make_shaped_gguf import SHAPES, TYPES  # noqa: E402

SHAPE, TABLE = "qwen3-0.6b", "Q8_0"
BEGIN, END = "<!-- prompt table begins -->", "<!-- prompt table ends -->"
# Formats of one's own that `nibble formats` does not list, and the listed one that is multiplied in the same way. The
# last is what nvfp4 with a scale for a whole matrix becomes where its scales are too far apart for two levels.
OTHERS = {"int8:g16": "int8", "int4:g16": "int4", "int2:g16": "int2", "uint4:min:g16": "uint4:min",
          "e2m1:g16:f32": "e2m1"}
CLASS = 0.9  # of the fastest, which a format should reach

# names of one type, the first of which it is made by; what is multiplied, as the table says it
Case = collections.namedtuple("Case", "names multiplied")


def cases_of(options):
    """What there is to measure, in the order of `nibble formats`."""
    listed = json.loads(run([options.nibble, "formats", "--json", *options.target]))
    names, multiplied = collections.defaultdict(list), {}
    for entry in listed["formats"]:
        if "does_not_run" in entry or (entry["type"] == "f32" and entry["name"] != "f32"):
            continue
        names[entry["type"]].append(entry["name"])
        way = "floats" if "float" in entry["runs_as"] else entry["runs_as"]
        multiplied[entry["name"]] = str(entry.get("bits_multiplied", way))
    cases = [Case(tuple(alike), multiplied[alike[0]]) for alike in names.values()]
    cases += [Case((name,), multiplied[like]) for name, like in OTHERS.items()]
    if options.formats:
        known = {name: case for case in cases for name in case.names}
        for name in options.formats:
            if name not in known:
                sys.exit(f"error: no format is called '{name}'; there are {', '.join(known)}")
        cases = list(dict.fromkeys(known[name] for name in options.formats))
    return listed["cpu"], cases


def vocabulary(layers):
    """The part of the vocabulary that the layers are of the shape's, in whole panels of rows."""
    return max(SHAPES[SHAPE]["vocab"] * layers // SHAPES[SHAPE]["layers"] // 64 * 64, 512)


def write_model(options, quant, path):
    run([sys.executable, os.path.join(HERE, "make_shaped_gguf.py"), f"--shape={SHAPE}", f"--quant={quant}", "--pure",
         f"--table={TABLE}", f"--layers={options.layers}", f"--vocab={vocabulary(options.layers)}", "-o", path])


def program_of(name, folder):
    return os.path.join(folder, name.replace(":", "-"))


def compile_case(options, case, folder):
    """Makes the program of a case, unless it is there. The file that others are rounded from is written once."""
    name, base = case.names[0], os.path.join(folder, "base.gguf")
    program, model, weights = program_of(name, folder), os.path.join(folder, "model.gguf"), []
    if os.path.exists(program):
        return
    if name.upper() in TYPES and name not in ("f32", "f16"):
        write_model(options, name.upper(), model)
    else:
        if not os.path.exists(base):
            write_model(options, "F16", base)
        model, weights = base, [f"--weights={name},token_embd=keep"]
    run([options.nibble, "compile", model, "-o", program + ".new", "--quiet", *options.target, *weights])
    os.rename(program + ".new", program)
    if model != base:
        os.remove(model)
    print(f"compiled {name}", file=sys.stderr, flush=True)


def claim(options, cpu, folder):
    """Writes into a folder whose programs it holds, or ends if they are others'."""
    path = os.path.join(folder, "made-by.json")
    maker = {"compiler": digest(options.nibble), "cpu": cpu, "layers": options.layers, "prompt": options.prompt}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if json.load(file) != maker:
                sys.exit(f"error: {folder} is of another compiler, CPU, size or prompt; delete it or give another one")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(maker, file)


class Results:
    """Name → what was measured so far, in a file that is written after each."""

    def __init__(self, folder):
        self.path, self.of = os.path.join(folder, "results.json"), {}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.of = json.load(file)

    def add(self, name, result):
        self.of.setdefault(name, []).append(result)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.of, file, indent=1)
        os.replace(self.path + ".new", self.path)


def speed(options, program):
    """Median and best prompt tokens a second."""
    bench = json.loads(run([program, "--bench", "-p", str(options.prompt), "-n", "1", "--threads", "1", "--json",
                            "-q"]))["prefill"]
    return bench["median_tokens_per_second"], bench["best"]


def measure(options, cases, folder, results):
    """Fills `results`: a median and a best a round, or one count."""
    if options.aarch64:
        plugin = aarch64.build_plugin(options, folder)
    for number in range(1 if options.aarch64 else options.rounds):
        for case in sorted(cases, key=lambda case: order(case.multiplied)):
            program = program_of(case.names[0], folder)
            if len(results.of.get(case.names[0], [])) > number:
                continue
            if options.aarch64:
                results.add(case.names[0], aarch64.further_token(options, plugin, program, options.aarch64,
                                                                 options.prompt))
                print(f"counted {case.names[0]}", file=sys.stderr, flush=True)
            else:
                results.add(case.names[0], speed(options, program))
        print(f"round {number + 1} done", file=sys.stderr, flush=True)


def judged(options, cases, results):
    """[case, cell, part of the fastest], the fastest of a class first."""
    rates, cells, fastest = {}, {}, {}
    for case in cases:
        found = results[case.names[0]]
        if options.aarch64:
            rates[case], cells[case] = [1 / found[0]], f"{found[0] / 1e6:.3f}"
        else:
            rates[case] = [best for _, best in found]
            middle = statistics.median(median for median, _ in found)
            cells[case] = f"{middle:.0f} ({max(rates[case]):.0f})"
        leader = fastest.setdefault(case.multiplied, case)
        if statistics.median(rates[case]) > statistics.median(rates[leader]):
            fastest[case.multiplied] = case
    figures = []
    for case in cases:
        pairs = zip(rates[case], rates[fastest[case.multiplied]])
        figures.append((case, cells[case], statistics.median(rate / leader for rate, leader in pairs)))
    return sorted(figures, key=lambda figure: (order(figure[0].multiplied), -figure[2]))


def order(multiplied):
    """Classes in order: bits, then what has none."""
    return (not multiplied.isdigit(), int(multiplied) if multiplied.isdigit() else 0, multiplied)


def joined(header, rows, old):
    """The table with the columns of a CPU: other columns and rows of the `old` one stay. A CPU has two columns."""
    if not old:
        return header, rows
    old_header, *old_rows = old
    place = old_header.index(header[2]) if header[2] in old_header else len(old_header)
    whole = old_header[:place] + header[2:] + old_header[place + 2:]
    new = {row[1]: row[2:] for row in rows}
    firsts = {row[1]: row for row in old_rows}
    for row in rows:
        firsts.setdefault(row[1], row[:2] + [UNKNOWN] * (len(old_header) - 2))
    result = []
    for name, row in firsts.items():
        padded = row + [UNKNOWN] * (len(whole) - len(row))
        result.append(padded[:place] + new.get(name, padded[place:place + 2]) + padded[place + 2:])
    return whole, sorted(result, key=lambda row: order(row[0]))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(HERE, "../../build/bin/nibble"))
    parser.add_argument("--cpu", default="native")
    parser.add_argument("--aarch64", metavar="CPU")
    parser.add_argument("--formats", type=lambda text: text.split(","))
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--prompt", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep")
    parser.add_argument("--qemu", default="qemu-aarch64", help="the dynamic emulator, which takes plugins")
    parser.add_argument("--cc", default=os.environ.get("CC", "clang-22"), help="compiles the plugin that counts")
    parser.add_argument("--write")
    options = parser.parse_args()
    if options.rounds < 1 or not 1 <= options.layers <= SHAPES[SHAPE]["layers"]:
        parser.error(f"--rounds wants 1 or more, --layers 1 to {SHAPES[SHAPE]['layers']}")
    options.target = (["--target=aarch64-linux-gnu", f"--cpu={options.aarch64}"] if options.aarch64
                      else [f"--cpu={options.cpu}"])
    options.prompt, options.blocks = options.prompt or (128 if options.aarch64 else 512), 0
    return options


def main():
    options = parse()
    old = page_table.cells(page_table.read(options.write, BEGIN, END)[1]) if options.write else []
    cpu, cases = cases_of(options)
    print(f"{SHAPE}, {options.layers} layers, {vocabulary(options.layers)} tokens, {cpu}: {len(cases)} formats, "
          f"prompt of {options.prompt}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as work:
        folder = options.keep or work
        os.makedirs(folder, exist_ok=True)
        claim(options, cpu, folder)
        for case in cases:
            compile_case(options, case, folder)
        if os.path.exists(base := os.path.join(folder, "base.gguf")):
            os.remove(base)
        results = Results(folder)
        measure(options, cases, folder, results)
    figures = judged(options, cases, results.of)
    what = (f"{cpu}, M instructions a token", "of the fewest") if options.aarch64 else (
        f"{cpu}, tokens/s (best)", "of the fastest")
    header = ["bits multiplied", "format", *what]
    rows = [[case.multiplied, ", ".join(f"`{name}`" for name in case.names), cell, f"{part:.2f}"]
            for case, cell, part in figures]
    print(page_table.markdown(header, rows, texts=2), end="")
    below = [f"{case.names[0]} {part:.3f}" for case, _, part in figures if part < CLASS]
    print(f"below {CLASS} of the fastest of their class: {', '.join(below) or 'none'}", file=sys.stderr)
    if options.write:
        page_table.write(options.write, BEGIN, END, page_table.markdown(*joined(header, rows, old), texts=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
