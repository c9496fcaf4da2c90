"""Compiles the kernels of every AArch64 row for some formats and prints how often their inner loops touch the stack:
where a tile holds more than the registers do, or LLVM reorders it so. Fails where that is more than the list below
allows.

    spills.py KernelAssembly [FORMAT ...]
"""
import collections
import concurrent.futures
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Perf"))
sys.dont_write_bytecode = True
from aarch64 import ROWS  # noqa: E402
from inner_loops import STACK, innermost_loops  # noqa: E402

FORMATS = ["q4_0", "q8_0", "q4_k", "q6_k", "q2_k", "iq4_nl", "mxfp4", "tq2_0"]

# Accesses of the worst loop, at most: of one row of activations, and of 64. Where nothing is listed there are none: all
# tiles of pairs of rows on NEON's registers (i8mm), and but for a few of two bits or of several planes all kernels of
# sdot. What is left, by the registers (of 32) that the loop wants:
#
#   neon        q6_k, q2_k, a tile: 8 sums in f32, and of two groups of 16 columns 8 sums in i32 and 16 registers of
#               words. tq2_0, a row: 8 registers of activations, one a quad, 4 sums, 8 of words, masks
#               of three fields; in another order there are half as many accesses and 50 instructions more. q4_k, a
#               row: the same with minima; without spills it takes 15 instructions more.
#   dotprod     q6_k, a tile: 12 sums in f32, 12 in i32, 6 of activations, and the scales of two groups. q4_k, a row:
#               scales and minima of four vectors, widened from bytes.
#   i8mm        q4_k, q2_k, a row: 8 registers of sums instead of 4, since a weight row has two lanes, and the same.
#   sve256i8mm  Nothing orders its loads but LLVM: with pointers that are known late (DotEmitter::after) addresses cost
#               more instructions than what waits on the stack.
ALLOWED = {
    "aarch64_neon_1x4x4_s8s8s32": {"q4_k": (10, 0), "q6_k": (0, 17), "q2_k": (0, 17), "tq2_0": (42, 0)},
    "aarch64_dotprod_1x4x4_s8s8s32": {"q4_k": (1, 0), "q6_k": (0, 6)},
    "aarch64_i8mm_2x4x8_s8s8s32": {"q4_k": (2, 0), "q2_k": (6, 7)},
    "aarch64_sve256_1x8x4_s8s8s32": {"q8_0": (0, 2), "tq2_0": (0, 2)},
    "aarch64_sve256i8mm_2x8x8_s8s8s32": {"q4_0": (4, 8), "q8_0": (0, 2), "q4_k": (0, 4), "q6_k": (10, 16),
                                         "q2_k": (2, 2), "mxfp4": (5, 8), "tq2_0": (20, 32)},
    "aarch64_sve512_1x16x4_s8s8s32": {"tq2_0": (0, 2)},
}


def worst(kernels, row, form, rows):
    """Accesses to the stack of the loop that has most of them, of those that multiply."""
    cpu, products = ROWS[row]
    text = subprocess.run([kernels, row, "aarch64-linux-gnu", cpu, form, "64", "1536", str(rows)],
                          capture_output=True, text=True, check=True).stdout
    loops = [body for body in innermost_loops(text.split("\n"))
             if any(re.match(r"\s+[a-z]", line) and line.split()[0] in products for line in body)]
    if not loops:
        sys.exit(f"error: no loop of {row} with {form} multiplies")
    return max(sum(bool(STACK.search(line)) for line in body) for body in loops)


def main(kernels, formats):
    cases = [(row, form, rows) for row in ROWS for form in formats for rows in (1, 64)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda case: worst(kernels, *case), cases))
    table = collections.defaultdict(dict)
    failed = False
    for (row, form, rows), accesses in zip(cases, found):
        table[row][form, rows] = accesses
        allowed = ALLOWED.get(row, {}).get(form, (0, 0))[rows > 1]
        if accesses > allowed:
            print(f"{row} {form} {rows} rows: {accesses} accesses to the stack, {allowed} allowed", file=sys.stderr)
            failed = True
    for row, cells in table.items():
        print(row, *(f"{form}={cells[form, 1]}/{cells[form, 64]}" for form in formats))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or FORMATS))
