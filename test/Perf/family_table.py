#!/usr/bin/env python3
"""Compiles a model of each family in the size of 1B and measures: the table of docs/models.

    family_table.py [--nibble=NIBBLE] [--families=A,B,…] [--no-speed] [--runs=5] [--layers=N] [--keep=FILE]

A line a family: seconds and peak memory (10^6 bytes resident) of the compiler, bytes of weights that a token of decode
reads, tokens a second of decode with one thread, and the bytes a second that these make, in relation to llama's. A
memory's bandwidth moves from minute to minute: llama's program and the family's run in turn, A B A B, and the relation
is that of the medians of --runs. The models are those of make_family_gguf.py: random weights in Q4_0, of mixtures eight
experts of which a token chooses two. An encoder has no decode. Compiling must take at most 60 s and 500 MB, and decode
0.95 of llama's bandwidth; what does not ends the script with 1, after all families.

The figures are kept in --keep (test/Perf/families.json), from which test/Models/make_pages.py writes the pages; those
that are not measured stay. --no-speed measures the compiler only, whose memory does not depend on what else the machine
does. A family takes about half a minute, and 2 GB of the folder for temporary files.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "..", "Models", "cases")
SECONDS, MEGABYTES, FRACTION = 60, 500, 0.95


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def measured(*command):
    """Seconds and peak memory of a command. A process of its own, whose children are this command alone."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        start = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        os.write(2, done.stderr[-2000:] if done.returncode else b"")
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(write, json.dumps([time.monotonic() - start, usage.ru_maxrss * 1024 / 1e6]).encode())
        os._exit(done.returncode)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"error: {' '.join(command)} failed")
    return json.loads(text)


def bytes_a_token(report, config):
    """What decode reads of the weights: of tables of rows one row, which is left out, and of experts those chosen."""
    names = [tensor["name"] for tensor in report["tensors"]]
    tables = ["position_embd.weight", "token_types.weight"]
    if "output.weight" in names:
        tables.append("token_embd.weight")
    total = 0
    for tensor in report["tensors"]:
        if tensor["format"] == "computed" or tensor["name"] in tables:
            continue
        share = config["num_experts_per_tok"] / config["num_experts"] if "_exps." in tensor["name"] else 1
        total += int(tensor["bytes"] * share)
    return total


def compiled(options, case, work, program):
    """Compiles the family's model to `program`: the figures of that, by name."""
    sys.path[:0] = [HERE]
    import make_family_gguf as maker  # noqa: E402
    model, report = (os.path.join(work, name) for name in ("model.gguf", "report.json"))
    layers = [f"--layers={options.layers}"] if options.layers else []
    run(sys.executable, os.path.join(HERE, "make_family_gguf.py"), f"--case={case}", "-o", model, *layers)
    inspected = json.loads(run(options.nibble, "inspect", model, "--json"))
    seconds, megabytes = measured(options.nibble, "compile", model, "-o", program, "-q", f"--report={report}")
    os.remove(model)
    config = maker.scaled(maker.to_gguf.read_config(os.path.join(CASES, case)), options.layers or 1)
    with open(report, encoding="utf-8") as file:
        read = bytes_a_token(json.load(file), config)
    row = {"parameters": inspected["parameters"], "seconds": round(seconds, 1), "megabytes": round(megabytes),
           "bytes_a_token": read}
    if case == "bert":
        del row["bytes_a_token"]
    return row


def speeds(programs, runs):
    """Median tokens a second of the decode of each program, run in turn."""
    measured = [[] for _ in programs]
    for _ in range(runs):
        for program, speed in zip(programs, measured):
            bench = json.loads(run(program, "--bench", "-t", "1", "-p", "1", "-n", "16", "--json"))
            speed.append(bench["decode"]["median_tokens_per_second"])
    return [statistics.median(speed) for speed in measured]


def figures(options, case, work, llama):
    """The figures of a family, by name. `llama`: its program and figures, of which there are none for llama itself."""
    program = os.path.join(work, case)
    row = compiled(options, case, work, program)
    if "bytes_a_token" not in row or options.no_speed:
        return row
    other, of = llama or (program, row)
    speed = speeds([program] + [other] * (other != program), options.runs)
    row["tokens_a_second"] = round(speed[0], 2)
    row["of_llamas_bandwidth"] = round(speed[0] * row["bytes_a_token"] / (speed[-1] * of["bytes_a_token"]), 3)
    if llama:
        os.remove(program)
    return row


def line(case, row):
    share = row.get("of_llamas_bandwidth")
    cells = [case, f"{row['parameters'] / 1e9:.2f} G", f"{row['seconds']:.1f} s", f"{row['megabytes']} MB",
             f"{row['bytes_a_token'] / 1e6:.0f} MB/token" if "bytes_a_token" in row else "–",
             f"{row['tokens_a_second']:.2f} tokens/s" if "tokens_a_second" in row else "–",
             f"{share:.3f} of llama's bandwidth" if share else "–"]
    return "  ".join(cells)


def misses(row):
    return row["seconds"] > SECONDS or row["megabytes"] > MEGABYTES or row.get("of_llamas_bandwidth", 1) < FRACTION


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(HERE, "../../build/bin/nibble"))
    parser.add_argument("--families")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--keep", default=os.path.join(HERE, "families.json"))
    options = parser.parse_args()
    cases = options.families.split(",") if options.families else sorted(os.listdir(CASES))
    if not options.no_speed: # the others are compared with it
        cases = ["llama"] + [case for case in cases if case != "llama"]
    kept = {}
    if os.path.exists(options.keep):
        with open(options.keep, encoding="utf-8") as file:
            kept = json.load(file)
    missed = []
    with tempfile.TemporaryDirectory() as work:
        llama = None
        for case in cases:
            kept[case] = {**kept.get(case, {}), **figures(options, case, work, llama)}
            if case == "llama":
                llama = os.path.join(work, case), kept[case]
            with open(options.keep, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1, sort_keys=True)
                file.write("\n")
            print(line(case, kept[case]), flush=True)
            if misses(kept[case]):
                missed.append(case)
    if missed:
        print(f"error: more than {SECONDS} s or {MEGABYTES} MB, or less than {FRACTION} of llama's bandwidth: "
              + ", ".join(missed), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
