#!/usr/bin/env python3
"""Compiles a model of each family in the size of 1B and measures: the table of docs/models.

    family_table.py [--nibble=NIBBLE] [--families=A,B,…] [--no-speed] [--layers=N] [--keep=FILE]

A line a family: seconds and peak memory (10^6 bytes resident) of the compiler, bytes of weights that a token of decode
reads, tokens a second of decode with one thread, and the bytes a second that these make, in relation to llama's. The models are those of
make_family_gguf.py: random weights in Q4_0, of mixtures eight experts of which a token chooses two. An encoder has no
decode. Compiling must take at most 60 s and 500 MB, and decode 0.95 of llama's bandwidth; what does not ends the script with 1,
after all families.

The figures are kept in --keep (test/Perf/families.json), from which test/Models/make_pages.py writes the pages; those that
are not measured stay. --no-speed measures the compiler only, whose memory does not depend on what else the machine does.
A family takes about a minute, and 1.3 GB of the folder for temporary files.
"""
import argparse
import json
import os
import resource
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


def figures(options, case, work):
    """The figures of a family, by name."""
    sys.path[:0] = [HERE]
    import make_family_gguf as maker  # noqa: E402
    model, program, report = (os.path.join(work, name) for name in ("model.gguf", "program", "report.json"))
    layers = [f"--layers={options.layers}"] if options.layers else []
    run(sys.executable, os.path.join(HERE, "make_family_gguf.py"), f"--case={case}", "-o", model, *layers)
    inspected = json.loads(run(options.nibble, "inspect", model, "--json"))
    seconds, megabytes = measured(options.nibble, "compile", model, "-o", program, "-q", f"--report={report}")
    config = maker.scaled(maker.to_gguf.read_config(os.path.join(CASES, case)), options.layers or 1)
    with open(report, encoding="utf-8") as file:
        read = bytes_a_token(json.load(file), config)
    row = {"parameters": inspected["parameters"], "seconds": round(seconds, 1), "megabytes": round(megabytes),
           "bytes_a_token": read}
    if case == "bert":
        del row["bytes_a_token"]
    elif not options.no_speed:
        bench = json.loads(run(program, "--bench", "-t", "1", "-p", "16", "-n", "32", "--json"))
        row["tokens_a_second"] = round(bench["decode"]["median_tokens_per_second"], 2)
    return row


def fraction(row, llama):
    """Of llama's bytes a second; None where one of them has no speed."""
    if not row.get("tokens_a_second") or not llama or not llama.get("tokens_a_second"):
        return None
    of = [r["tokens_a_second"] * r["bytes_a_token"] for r in (row, llama)]
    return of[0] / of[1]


def line(case, row, llama):
    share = fraction(row, llama)
    cells = [case, f"{row['parameters'] / 1e9:.2f} G", f"{row['seconds']:.1f} s", f"{row['megabytes']} MB",
             f"{row['bytes_a_token'] / 1e6:.0f} MB/token" if "bytes_a_token" in row else "–",
             f"{row['tokens_a_second']:.2f} tokens/s" if "tokens_a_second" in row else "–",
             f"{share:.3f} of llama's bandwidth" if share else "–"]
    return "  ".join(cells)


def misses(row, llama):
    share = fraction(row, llama)
    return row["seconds"] > SECONDS or row["megabytes"] > MEGABYTES or (share is not None and share < FRACTION)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", default=os.path.join(HERE, "../../build/bin/nibble"))
    parser.add_argument("--families")
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--keep", default=os.path.join(HERE, "families.json"))
    options = parser.parse_args()
    # llama first: the others are compared with it.
    cases = options.families.split(",") if options.families else sorted(os.listdir(CASES), key=lambda c: (c != "llama", c))
    kept = {}
    if os.path.exists(options.keep):
        with open(options.keep, encoding="utf-8") as file:
            kept = json.load(file)
    missed = []
    for case in cases:
        with tempfile.TemporaryDirectory() as work:
            kept[case] = {**kept.get(case, {}), **figures(options, case, work)}
        with open(options.keep, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1, sort_keys=True)
            file.write("\n")
        print(line(case, kept[case], kept.get("llama")), flush=True)
        if misses(kept[case], kept.get("llama")):
            missed.append(case)
    if missed:
        print(f"error: more than {SECONDS} s or {MEGABYTES} MB, or less than {FRACTION} of llama's bandwidth: "
              + ", ".join(missed), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
