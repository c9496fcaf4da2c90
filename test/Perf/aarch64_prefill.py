"""Counts what a product of many rows costs on AArch64, format by format: instructions for 100 multiply-adds.

    aarch64_prefill.py --nibble=build/bin/nibble --kernels=build/bin/KernelAssembly [--rows=128] [--formats=q4_0,q8_0]
                       [--cpus=cortex-a76,neoverse-n2,neoverse-v1] [--columns=1536] [--write=docs/performance.md]

For each CPU, every format of files that is computed with integers there, the kernel of a weight of 64 × --columns with
--rows rows of activations is compiled by itself and run under qemu-aarch64 once and twice; the difference is the
kernel, with unpacking, loops and stores, without start-up. Numbers are zeros, since no instruction depends on them.
"of the best" is the count of the format with the fewest instructions among those whose codes have as many bits in the
program, by this one's. A count is no time: instructions differ in cost, and no Arm CPU was at hand.

The table goes to standard output, as Markdown, and with --write between the markers of a page. Needs qemu-aarch64 (the
dynamic emulator, which takes plugins) and a C compiler for AArch64.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import page_table  # noqa: E402
from aarch64 import build_plugin, output  # noqa: E402

WEIGHT_ROWS = 64
BEGIN, END = "<!-- prefill table begins -->", "<!-- prefill table ends -->"

# Buffers of weight, codes, scales, sums and results, as large as the largest: a byte for each column of a row.
CALLER = """
void product(void *w, void *x, void *s, void *t, void *y, long n, long tid, long threads);
static _Alignas(64) char buffers[5][%d];
int main(int count, char **arguments) {
  (void)arguments;
  for (int call = 0; call < count; ++call)
    product(buffers[0], buffers[1], buffers[2], buffers[3], buffers[4], %d, 0, 1);
  return 0;
}
"""


def formats_of(options, cpu):
    """(name, bits of a code, instruction row) of what a file may hold and is computed with integers, each once."""
    listed = json.loads(output([options.nibble, "formats", "--json", "--target=aarch64-linux-gnu",
                                f"--cpu={cpu}"]).stdout)["formats"]
    wanted = options.formats.split(",") if options.formats else None
    found, types = [], set()
    for entry in listed:
        integer = "integer" in entry["runs_as"] and entry["from"] == "ggml"
        if integer and entry["type"] not in types and (not wanted or entry["name"] in wanted):
            types.add(entry["type"])
            width = re.match(r"!lowbit\.block<[ui](\d)", entry["type"])
            bits = int(width.group(1) if width else entry["bits_per_weight"])
            found.append((entry["name"], bits, entry["instruction_row"]))
    missing = [name for name in wanted or [] if name not in {entry[0] for entry in found}]
    if missing:
        sys.exit(f"error: no format of files is called {', '.join(missing)} and computed with integers on {cpu}, or "
                 "another one of the same type is asked for")
    return found


def count(options, plugin, folder, cpu, name, row):
    """Instructions of the kernel, once."""
    path = os.path.join(folder, f"{cpu}-{name}")
    text = output([options.kernels, row, "aarch64-linux-gnu", cpu, name, str(WEIGHT_ROWS), str(options.columns),
                   str(options.rows)]).stdout
    with open(path + ".s", "w", encoding="utf-8") as file:
        file.write(text)
    with open(path + ".c", "w", encoding="utf-8") as file:
        file.write(CALLER % (max(1 << 20, max(options.rows, WEIGHT_ROWS) * options.columns), options.rows))
    output([options.aarch64_cc, "-O1", "-static", "-march=armv9-a+i8mm+bf16", path + ".c", path + ".s", "-o", path])
    length = re.match(r"aarch64_sve(\d+)", row)
    vectors = int(length.group(1)) // 128 if length else 1
    run = [options.qemu, "-cpu", f"max,sve-max-vq={vectors}", "-plugin", plugin, "-d", "plugin", path]
    once, twice = (next(int(line.split()[1]) for line in output(command).stderr.split("\n")
                        if line.startswith("instructions ")) for command in (run, run + ["again"]))
    return twice - once


def measure(options, folder):
    """cpu → format → (bits, instructions for 100 multiply-adds)."""
    plugin = build_plugin(options, folder)
    products = options.rows * WEIGHT_ROWS * options.columns
    cases = [(cpu, *entry) for cpu in options.cpus.split(",") for entry in formats_of(options, cpu)]
    found = collections.defaultdict(dict)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        counts = pool.map(lambda case: count(options, plugin, folder, case[0], case[1], case[3]), cases)
        for (cpu, name, bits, _), instructions in zip(cases, counts):
            found[cpu][name] = (bits, 100 * instructions / products)
    return found


def table(found):
    cpus = list(found)
    header = ["bits", "format"] + [text for cpu in cpus for text in (cpu, "of the best")]
    rows = []
    for name, (bits, _) in sorted(found[cpus[0]].items(), key=lambda item: item[1][0]):
        cells = [str(bits), f"`{name}`"]
        for cpu in cpus:
            cost = found[cpu].get(name)
            best = min(other for width, other in found[cpu].values() if width == bits) if cost else 0
            cells += [f"{cost[1]:.2f}", f"{best / cost[1]:.2f}"] if cost else ["–", "–"]
        rows.append(cells)
    return page_table.markdown(header, rows, texts=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="nibble")
    parser.add_argument("--kernels", default="KernelAssembly")
    parser.add_argument("--cpus", default="cortex-a76,neoverse-n2,neoverse-v1")
    parser.add_argument("--formats")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--columns", type=int, default=1536)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--qemu", default="qemu-aarch64")
    parser.add_argument("--cc", default=os.environ.get("CC", "clang-22"))
    parser.add_argument("--aarch64-cc", default="aarch64-linux-gnu-gcc")
    parser.add_argument("--write")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = table(measure(options, folder))
    print(text, end="")
    if options.write:
        page_table.write(options.write, BEGIN, END, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
