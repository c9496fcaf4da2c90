"""Holds Nibble against the logits that the reference implementation of a family gave.

    check_case.py --nibble=NIBBLE --case=NAME --work=DIR [--folder | --packed] [--max-nmse=X]
                  [--compile=OPTION ...] [--run=EMULATOR]

Of an encoder, it is the vector of the prompt, by one thread and by two.

The case's folder is converted to GGUF (or, with --folder, imported as it is; with --packed it is one of those that are
quantized already, which make_packed.py makes, with --gguf converted by nvfp4_to_gguf.py), and both the reference
interpreter and a program compiled with --strategy=float must give the case's logits at all positions. The program
computes them by prefill and token by token; the two must be the same bits. Prints the distances; exits 1 on the first
that is too large.
"""
import argparse
import array
import json
import os
import shlex
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "Inputs"))

from make_tiny_folder import write_tokenizer

VOCABULARY, POSITIONS = 96, 64


def tokens():
    """The prompt of make_cases.py."""
    return ",".join(str((7 * i * i + 3 * i + 5) % VOCABULARY) for i in range(POSITIONS))


def run(*command, output=None):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)} ended with {done.returncode}:\n"
                 + done.stderr.decode("utf-8", "replace")[-2000:])
    if output:
        with open(output, "wb") as file:
            file.write(done.stdout)


def read(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


def nmse(found, expected):
    if len(found) != len(expected):
        sys.exit(f"error: {len(found)} logits, expected {len(expected)}")
    error = sum((a - b) ** 2 for a, b in zip(found, expected))
    return error / sum(b * b for b in expected)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nibble", "case", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--folder", action="store_true")
    parser.add_argument("--packed", action="store_true")
    parser.add_argument("--gguf", action="store_true")
    parser.add_argument("--max-nmse", type=float, default=1e-9)
    parser.add_argument("--compile", action="append", default=[])
    parser.add_argument("--run", default="")
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    model = os.path.join(HERE, "packed" if options.packed else "cases", options.case)
    expected = read(os.path.join(model, "logits.f32"))
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        encodes = json.load(file)["model_type"] == "bert"
    if options.gguf:
        gguf = os.path.join(options.work, "model.gguf")
        run(sys.executable, os.path.join(HERE, "nvfp4_to_gguf.py"), model, "-o", gguf)
        model = gguf
    elif options.folder or options.packed:
        folder = os.path.join(options.work, "folder")
        shutil.copytree(model, folder, dirs_exist_ok=True)
        write_tokenizer(folder, VOCABULARY)
        model = folder
    else:
        run(sys.executable, os.path.join(HERE, "to_gguf.py"), model, "-o", os.path.join(options.work, "model.gguf"))
        model = os.path.join(options.work, "model.gguf")
    program = os.path.join(options.work, "program")
    run(options.nibble, "compile", model, "-o", program, "--strategy=float", "--kv=f32", "-q",
        *([] if encodes else ["--chunk=24"]), *options.compile)
    logits = os.path.join(options.work, "logits.f32")
    results = {}
    reference = [options.nibble, "reference", model, "--kv=f32", f"--tokens={tokens()}", f"--logits={logits}"]
    if encodes:
        prompt = [*shlex.split(options.run), program, "--embed", "--f32", "-q", "--tokens", tokens(), "--threads"]
        commands = (("reference", reference), ("program", [*prompt, "2"]), ("one thread", [*prompt, "1"]))
    else:
        prompt = [*shlex.split(options.run), program, "--tokens", tokens(), "--logits", logits]
        commands = (("reference", reference), ("program", prompt),
                    ("token by token", [*prompt, "--no-prefill", "--threads", "1"]))
    for name, command in commands:
        run(*command, output=logits if "--embed" in command else None)
        results[name] = read(logits)
        distance = nmse(results[name], expected)
        print(f"{options.case}, {name}: NMSE {distance:.2e}")
        if not distance <= options.max_nmse:
            sys.exit(f"error: NMSE {distance:.2e} exceeds {options.max_nmse:.0e}")
    if results["program"] != results[commands[-1][0]]:
        sys.exit(f"error: {commands[-1][0]}, the program gives other numbers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
