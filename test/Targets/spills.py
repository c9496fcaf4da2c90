"""Compiles the kernels of every integer row and prints how often their inner loops touch the stack: where a kernel
wants more registers than there are. Fails where that is more than the list below allows. One row of activations with
all formats; tiles of many rows, whose weights were unpacked before, and of four, which unpack them if that is cheap:
with all formats on most rows, else with those that differ most.

Sums that a tile keeps in memory by plan, read and written through a pointer (codegen/Lower/DotPanelMemory.cpp), are
none of these accesses; x86-avx2.test counts them.

    spills.py KernelAssembly [FORMAT ...]

With formats: all kernels of each.
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
import aarch64  # noqa: E402
from inner_loops import STACK, innermost_loops  # noqa: E402

# row -> (target, CPU that has it, names of instructions that multiply)
ROWS = {row: ("aarch64-linux-gnu", cpu, set(products)) for row, (cpu, products) in aarch64.ROWS.items()} | {
    "aarch64_sve512i8mm_2x16x8_s8s8s32": ("aarch64-linux-gnu", "neoverse-v1+sve-512-bit", {"sdot", "smmla"}),
    "aarch64_usdot_1x4x4_u8s8s32": ("aarch64-linux-gnu", "neoverse-n2", {"usdot"}),
    "aarch64_sve128_1x4x4_s8s8s32": ("aarch64-linux-gnu", "neoverse-n2", {"sdot"}),
    "aarch64_sve128i8mm_2x4x8_s8s8s32": ("aarch64-linux-gnu", "neoverse-n2", {"sdot", "smmla"}),
    "x86_avx2_1x8x4_u7s8s32": ("x86_64-linux-gnu", "haswell", {"vpmaddubsw"}),
    "x86_avxvnni_1x8x4_u8s8s32": ("x86_64-linux-gnu", "alderlake", {"vpdpbusd", "{vex}"}),
    "x86_avx512vnni_1x16x4_u8s8s32": ("x86_64-linux-gnu", "cascadelake", {"vpdpbusd"}),
    "x86_avx512vbmi_1x16x4_u8s8s32": ("x86_64-linux-gnu", "znver4", {"vpdpbusd"}),
}

# Of files, then of --weights. Left out: what gives the same kernel as another one (q8_1; tq1_0; sign, ternary).
FORMATS = """q4_0 q4_1 q5_0 q5_1 q8_0 q2_k q3_k q4_k q5_k q6_k q8_k iq2_xxs iq2_xs iq3_xxs iq1_s iq1_m iq4_nl iq4_xs
iq3_s iq2_s tq2_0 mxfp4 nvfp4 q1_0 q2_0 int7 int6 int3 int2 uint8 uint7 uint6 uint3 uint2 u1_min e2m3_bf16
any4""".split()
# Rows whose tiles are made for all of these: those that some CPU is given.
ALL = [row for row in ROWS if not re.search("sve128|usdot", row)]
TILES = ["q4_0", "q8_0", "q4_k", "q6_k", "q2_k", "iq4_nl", "mxfp4", "tq2_0"]  # of the others
# Learned codebooks of 32 numbers and more are looked up in tables on x86 only.
BOOKS = ["any2", "any3"]
LONG_BOOKS = ["any5", "any6", "any7"]

# Accesses of the worst loop, at most, by row and rows of activations. What is not listed has none. LLVM's order and
# the others (codegen/Emit/LoopOrder.h) were tried for all of these.
#
#   sve128   No CPU is given this row, since NEON does the same with fewer instructions. Tiles of four rows with two
#            groups in a span have sums in f32, in i32 and of a group in 24 registers.
#   avx2     Tiles of uint7 with minima, whose words and sums start with two tables, read an address anew, a time for
#            369 instructions.
#   avxvnni  One row of any7 chooses among eight tables. Tiles of four rows of u1_min read the matrix of the one
#            vgf2p8affineqb of their 272 instructions anew.
#   vbmi     The row that tiles of four leave over reads one address anew, a time for 284 instructions.
ALLOWED = {
    ("aarch64_sve128_1x4x4_s8s8s32", 4): {"q6_k": 4},
    ("x86_avx2_1x8x4_u7s8s32", 4): {"uint7": 1},
    ("x86_avx2_1x8x4_u7s8s32", 64): {"uint7": 1},
    ("x86_avxvnni_1x8x4_u8s8s32", 1): {"any7": 1},
    ("x86_avxvnni_1x8x4_u8s8s32", 64): {"u1_min": 1},
    ("x86_avx512vbmi_1x16x4_u8s8s32", 64): {"tq2_0": 1},
}


def formats_of(row, rows):
    books = BOOKS + LONG_BOOKS if row.startswith("x86") else BOOKS
    return (FORMATS + books) if rows == 1 or row in ALL else TILES


def worst(kernels, row, form, rows):
    """Accesses to the stack of the loop that has most of them, of those that multiply."""
    triple, cpu, products = ROWS[row]
    text = subprocess.run([kernels, row, triple, cpu, form, "64", "1536", str(rows)],
                          capture_output=True, text=True, check=True).stdout
    loops = [body for body in innermost_loops(text.split("\n"))
             if any(re.match(r"\s+[a-z{]", line) and line.split()[0] in products for line in body)]
    if not loops:
        sys.exit(f"error: no loop of {row} with {form} multiplies")
    return max(sum(bool(STACK.search(line)) for line in body) for body in loops)


def main(kernels, formats):
    cases = [(row, form, rows) for row in ROWS for rows in (1, 4, 64) for form in formats or formats_of(row, rows)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda case: worst(kernels, *case), cases))
    table = collections.defaultdict(list)
    failed = False
    for (row, form, rows), accesses in zip(cases, found):
        if accesses:
            table[row, rows].append(f"{form}={accesses}")
        allowed = ALLOWED.get((row, rows), {}).get(form, 0)
        if accesses > allowed:
            print(f"{row} {form} {rows} rows: {accesses} accesses to the stack, {allowed} allowed", file=sys.stderr)
            failed = True
    for row in ROWS:
        for rows, what in (1, "one row"), (4, "four rows"), (64, "a tile"):
            print(f"{row}, {what}:", *table[row, rows] or ["none"])
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
