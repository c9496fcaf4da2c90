"""Compares the speed of a compiled program with llama-bench programs on the same model, in the same run.

    compare.py --program=PROGRAM --model=MODEL.gguf --peer=NAME=COMMAND [--peer=...]
               [--threads=1,2] [--prompt=512] [--generate=64] [--runs=5] [--repetitions=3] [--json=FILE]

COMMAND is a llama-bench, with options of its own if it needs any ("ik-rtr=/opt/ik/llama-bench -rtr 1"). The engines
run in turn, A B A B, because the speed of these machines moves; the table shows the median of --runs (5 at least), each
itself the median of an engine's repetitions (5 in a compiled program), and each engine's ratio to the first peer.
Bandwidth and int8 peak are measured before and after (machine.cpp, compiled with clang++-22 or $CXX), and each
figure is given as a fraction of them. Tables go to standard output, as Markdown.

The time to the first token is that of a whole process, from its start to its end: of the program, which answers a
prompt of --prompt tokens with one token, and of llama-bench, which loads the model and evaluates as many tokens once,
without its warm-up. The file is in the page cache in both cases. --first-token=no leaves it out.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ggufsize  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def output(command):
    """Standard output of a command; its failure ends the comparison with what it said."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)} failed ({done.returncode}): {done.stderr.strip()[-400:]}")
    return done.stdout


def build_machine(folder):
    binary = os.path.join(folder, "machine")
    output([os.environ.get("CXX", "clang++-22"), "-std=c++20", "-O3", "-march=native", "-pthread",
            os.path.join(HERE, "machine.cpp"), "-o", binary])
    return binary


def run_program(options, threads):
    """(prefill, decode) in tokens a second, from the program's own benchmark."""
    found = json.loads(output([options.program, "--bench", "--json", f"--threads={threads}",
                               "-p", str(options.prompt), "-n", str(options.generate)]))
    return found["prefill"]["median_tokens_per_second"], found["decode"]["median_tokens_per_second"]


def run_llama_bench(command, options, threads):
    """(prefill, decode) in tokens a second, the medians of llama-bench's repetitions after its warm-up."""
    text = output(shlex.split(command) + ["-m", options.model, "-p", str(options.prompt), "-n", str(options.generate),
                                          "-r", str(options.repetitions), "-t", str(threads), "-ngl", "0",
                                          "-o", "json"])
    rows = json.loads(text[text.index("["):])
    return (next(statistics.median(row["samples_ts"]) for row in rows if row["n_prompt"] > 0 and row["n_gen"] == 0),
            next(statistics.median(row["samples_ts"]) for row in rows if row["n_gen"] > 0))


def milliseconds(command):
    start = time.monotonic()
    output(command)
    return 1000 * (time.monotonic() - start)


def first_token_of_program(options, threads):
    ids = ",".join(str(1 + i % 64) for i in range(options.prompt))
    return milliseconds([options.program, f"--tokens={ids}", "-n", "1", "--print-ids", "--quiet",
                         f"--threads={threads}"])


def first_token_of_llama_bench(command, options, threads):
    usage = output(shlex.split(command) + ["--help"])
    no_warmup = ["--no-warmup"] if "--no-warmup" in usage else ["--warmup", "0"]
    return milliseconds(shlex.split(command) + ["-m", options.model, "-p", str(options.prompt), "-n", "0", "-r", "1",
                                                "-t", str(threads), "-ngl", "0", "-o", "json"] + no_warmup)


def measure(options, threads, machine):
    """{engine: [(prefill, decode, time to the first token or 0)...]} and the limits before and after."""
    first = options.first_token == "yes"

    def program():
        return *run_program(options, threads), first_token_of_program(options, threads) if first else 0

    def llama_bench(command):
        return (*run_llama_bench(command, options, threads),
                first_token_of_llama_bench(command, options, threads) if first else 0)

    engines = {"nibble": program}
    for peer in options.peer:
        name, _, command = peer.partition("=")
        engines[name] = lambda command=command: llama_bench(command)
    limits = [json.loads(output([machine, str(threads)]))]
    results = {name: [] for name in engines}
    for run in range(options.runs):
        for name, engine in engines.items():
            results[name].append(engine())
            print(f"threads {threads}, run {run + 1}/{options.runs}: {name} prefill {results[name][-1][0]:.1f}, "
                  f"decode {results[name][-1][1]:.1f} tokens/s", file=sys.stderr)
    limits.append(json.loads(output([machine, str(threads)])))
    return results, limits


def table(options, threads, results, limits):
    """One Markdown table; `limits` are those before and after, and the larger of each is the roofline."""
    bandwidth = max(limit["read_gb_s"] for limit in limits)
    peak = max(limit["int8_tops"] for limit in limits)
    read, operations = ggufsize.work(options.model)
    base = next(iter(name for name in results if name != "nibble"), "nibble")
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in results.items()}
    print(f"\n{threads} thread{'s' if threads > 1 else ''}: read bandwidth "
          + " / ".join(f"{limit['read_gb_s']:.1f}" for limit in limits) + " GB/s before / after, int8 peak "
          + " / ".join(f"{limit['int8_tops']:.3f}" for limit in limits) + f" Tops/s ({limits[0]['instruction']})\n")
    print(f"| engine | prefill {options.prompt}, tokens/s | × {base} | of int8 peak | decode {options.generate}, "
          f"tokens/s | × {base} | of bandwidth |\n|---|---|---|---|---|---|---|")
    for name, (prefill, decode, _) in medians.items():
        print(f"| {name} | {prefill:.1f} | {prefill / medians[base][0]:.2f} | "
              f"{prefill * operations / 1e12 / peak:.0%} | {decode:.1f} | {decode / medians[base][1]:.2f} | "
              f"{decode * read / 1e9 / bandwidth:.0%} |")
    if options.first_token == "yes":
        print(f"\n| engine | first token behind {options.prompt}, ms | × faster than {base} |\n|---|---|---|")
        for name, (_, _, first) in medians.items():
            print(f"| {name} | {first:.0f} | {medians[base][2] / first:.2f} |")
    sys.stdout.flush()
    return {"threads": threads, "limits": limits, "runs": results, "medians": medians}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--first-token", choices=["yes", "no"], default="yes")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.runs < 5:
        print("note: fewer than 5 runs are no measurement, only a look", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        machine = build_machine(folder)
        found = [table(options, threads, *measure(options, threads, machine))
                 for threads in map(int, options.threads.split(","))]
    if options.json:
        with open(options.json, "w") as file:
            json.dump(found, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
