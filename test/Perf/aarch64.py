"""Counts the instructions of AArch64 programs, and models their inner loops: figures for CPUs that nobody has at hand.

    aarch64.py --nibble=build/bin/nibble --model=MODEL.gguf [--cpus=cortex-a76,neoverse-n2] [--prompt=32] [--jobs=2]
               [--compile=OPTION ...] [--blocks=N] [--json=FILE]
    aarch64.py --kernels=build/bin/KernelAssembly [--formats=q4_0,q8_0] [--models=neoverse-n1,neoverse-v2]

The first form compiles MODEL for each CPU, runs its benchmark with one thread under qemu-aarch64 (Debian's package
qemu-user; the static emulator takes no plugins) and prints instructions per decoded token, per token of a prompt of
--prompt tokens with the output head of its last one, and per further token of the prompt. All are differences of runs
of different lengths, so that start-up does not count. With --blocks, the blocks of code of most weight follow, as
addresses.

The second form prints, for each instruction row, format and number of activation rows, what the innermost loop costs:
instructions and modelled cycles (llvm-mca) for 100 products. Where a tile's loop walks steps of columns (aarch64_neon),
that is without the scales. LLVM has no model of its own of a Cortex-A76; Neoverse N1 is the nearest core (V1 for
Cortex-X1, V2 for X3, V3 for X4). A model is no measurement. Tables go to standard output, as Markdown.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "Targets"))
sys.dont_write_bytecode = True
from inner_loops import innermost_loops  # noqa: E402

RUNS = 5  # of prefill and of decode, in one benchmark

# row -> (CPU that has it, products of one instruction by its name)
ROWS = {
    "aarch64_neon_1x4x4_s8s8s32": ("cortex-a72", {"smull": 8, "smlal": 8, "smull2": 8, "smlal2": 8}),
    "aarch64_dotprod_1x4x4_s8s8s32": ("cortex-a76", {"sdot": 16}),
    "aarch64_i8mm_2x4x8_s8s8s32": ("neoverse-n2", {"sdot": 16, "smmla": 32}),
    "aarch64_sve256_1x8x4_s8s8s32": ("neoverse-v1", {"sdot": 32}),
    "aarch64_sve256i8mm_2x8x8_s8s8s32": ("neoverse-v1", {"sdot": 32, "smmla": 64}),
    "aarch64_sve512_1x16x4_s8s8s32": ("a64fx", {"sdot": 64}),
}


def output(command, text=None):
    done = subprocess.run(command, capture_output=True, text=True, input=text)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} failed ({done.returncode}): {done.stderr.strip()[-400:]}")
    return done


def emulated_cpu(cpu):
    bits = {"neoverse-v1": 256, "a64fx": 512}.get(cpu, 128)
    return f"max,sve-max-vq={bits // 128}"


def count(options, plugin, program, cpu, prompt, generate):
    """(instructions, blocks) of one benchmark."""
    done = output([options.qemu, "-cpu", emulated_cpu(cpu), "-plugin", f"{plugin},blocks={options.blocks}", "-d",
                   "plugin", program, "--bench", "--json", "--threads=1", "-p", str(prompt), "-n", str(generate)])
    lines = done.stderr.split("\n")
    totals = [int(line.split()[1]) for line in lines if line.startswith("instructions ")]
    if not totals:
        sys.exit(f"error: {options.qemu} printed no count; is it the dynamic emulator, with plugins?")
    return totals[0], [line for line in lines if line.startswith("block ")]


def build_plugin(options, folder):
    plugin = os.path.join(folder, "instructions.so")
    output([options.cc, "-O2", "-shared", "-fPIC", os.path.join(HERE, "instructions.c"), "-o", plugin])
    return plugin


def decoded_token(options, plugin, program, cpu):
    """Instructions of one decoded token."""
    one, three = (count(options, plugin, program, cpu, 1, generate)[0] for generate in (1, 3))
    return (three - one) / 2 / RUNS


def further_token(options, plugin, program, cpu, prompt):
    """Instructions of a token of a prompt that goes on behind `prompt` tokens, for as many."""
    once, twice = (count(options, plugin, program, cpu, times * prompt, 1)[0] for times in (1, 2))
    return (twice - once) / RUNS / prompt


def count_tokens(options, folder):
    plugin = build_plugin(options, folder)
    print("| CPU | decoded token | prefilled token | further prefilled token |\n|---|---|---|---|")
    found = []
    for cpu in options.cpus.split(","):
        program = os.path.join(folder, cpu)
        output([options.nibble, "compile", options.model, "-o", program, "--target=aarch64-linux-gnu", f"--cpu={cpu}",
                "--quiet", *options.compile])
        runs = [(1, 1), (1, 3), (options.prompt, 1), (2 * options.prompt, 1)]
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            results = list(pool.map(lambda run: count(options, plugin, program, cpu, *run), runs))
        one, three, prompt, twice = (total for total, _ in results)
        decode = (three - one) / 2 / RUNS
        # A benchmark with a prompt of one token has prefilled it RUNS times, at the cost of decoding it.
        prefill = ((prompt - one) / RUNS + decode) / options.prompt
        further = (twice - prompt) / RUNS / options.prompt
        found.append({"cpu": cpu, "decode": decode, "prefill": prefill, "further": further})
        print(f"| {cpu} | {decode / 1e6:.2f} M | {prefill / 1e6:.2f} M | {further / 1e6:.2f} M |", flush=True)
        for line in results[3][1]:
            print(line, file=sys.stderr)
    return found


def first_loop(text, products):
    """The first innermost loop that multiplies, and its number of products. Kernels compute the largest tiles first."""
    for body in innermost_loops(text.split("\n")):
        names = [line.split()[0] for line in body if re.match(r"\s+[a-z]", line)]
        if multiplied := sum(products.get(name, 0) for name in names):
            return body, multiplied
    return None, 0


def modelled_cycles(options, body, model):
    """Cycles of one iteration, from the total of many; None if the core lacks an instruction."""
    code = "\n".join(line for line in body if not line.strip().startswith("//"))
    done = subprocess.run([options.mca, "--mtriple=aarch64-linux-gnu", f"--mcpu={model}", "--iterations=200"],
                          capture_output=True, text=True, input=code)
    if done.returncode != 0 and "instruction requires" in done.stderr:
        return None
    if done.returncode != 0:
        sys.exit(f"error: {options.mca} failed ({done.returncode}): {done.stderr.strip()[-400:]}")
    return int(re.search(r"Total Cycles:\s+(\d+)", done.stdout).group(1)) / 200


def model_kernels(options):
    models = options.models.split(",")
    print("| row | format | rows at once | instructions | " + " | ".join(models) + " |\n|---|---|---|---"
          + "|---" * len(models) + "|")
    found = []
    for row, (cpu, products) in ROWS.items():
        for form in options.formats.split(","):
            for rows in (1, 64):
                text = output([options.kernels, row, "aarch64-linux-gnu", cpu, form, "64", "1536", str(rows)]).stdout
                body, most = first_loop(text, products)
                if not body:
                    sys.exit(f"error: no loop of {row} with {form} holds one of {', '.join(products)}")
                instructions = sum(bool(re.match(r"\s+[a-z]", line)) for line in body)
                cycles = [modelled_cycles(options, body, model) for model in models]
                found.append({"row": row, "format": form, "rows": rows, "products": most, "instructions": instructions,
                              "cycles": dict(zip(models, cycles))})
                print(f"| {row} | {form} | {'1' if rows == 1 else 'a tile'} | {100 * instructions / most:.1f} | "
                      + " | ".join("–" if c is None else f"{100 * c / most:.1f}" for c in cycles) + " |", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default="nibble")
    parser.add_argument("--model")
    parser.add_argument("--cpus", default="cortex-a76,neoverse-n2")
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--compile", action="append", default=[], help="an option for nibble compile")
    parser.add_argument("--blocks", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--qemu", default="qemu-aarch64")
    parser.add_argument("--cc", default=os.environ.get("CC", "clang-22"))
    parser.add_argument("--kernels")
    parser.add_argument("--formats", default="q4_0,q8_0,q5_0,q4_k,q6_k,q2_k,tq2_0")
    parser.add_argument("--models", default="neoverse-n1,neoverse-v1,neoverse-v2,neoverse-v3")
    parser.add_argument("--mca", default="llvm-mca-22")
    parser.add_argument("--json")
    options = parser.parse_args()
    if bool(options.model) == bool(options.kernels):
        parser.error("give --model to count a program's instructions, or --kernels to model the inner loops")
    with tempfile.TemporaryDirectory() as folder:
        found = count_tokens(options, folder) if options.model else model_kernels(options)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
