#!/usr/bin/env python3
"""Writes docs/models/: a page for each model family, from its page in compiler/Import/Families/ and from the IR that
its case in this directory becomes. Figures are those of test/Perf/families.json, which test/Perf/family_table.py
measures. Lines of more than 120 columns because what is written stands here as it is.

    make_pages.py --nibble=NIBBLE             writes the pages
    make_pages.py --nibble=NIBBLE --check     exits 1 and names each page that is not what would be written
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FAMILIES = os.path.join(ROOT, "compiler", "Import", "Families")
PAGES = os.path.join(ROOT, "docs", "models")
NOTE = "<!-- Written by test/Models/make_pages.py; a test holds it to that. -->\n"
FIGURES = os.path.join(ROOT, "test", "Perf", "families.json")
# Checkpoints of a family whose real weights were tried.
CHECKPOINTS = {"llama": "SmolLM2-135M-Instruct", "gemma3": "Gemma 3 270M", "bert": "all-MiniLM-L6-v2"}
# A case whose name is another architecture's.
ARCHITECTURE = {"bitnet": "bitnet-b1.58"}


def functions():
    """{architecture: function of its page}, from Families.def."""
    with open(os.path.join(ROOT, "compiler", "Import", "Families.def"), encoding="utf-8") as file:
        return dict(re.findall(r'(?m)^NIBBLE_FAMILY\("([^"]+)", (\w+)\)', file.read()))


def source_of(function):
    """(file name, text) of the page that defines a function."""
    for name in sorted(os.listdir(FAMILIES)):
        with open(os.path.join(FAMILIES, name), encoding="utf-8") as file:
            text = file.read()
        if f"void nibble::{function}(" in text:
            return name, text
    sys.exit(f"error: no page defines {function}")


def head_of(text):
    """The comment at a file's head, without its first and last line, as paragraphs."""
    lines = re.match(r"//===-.*\n((?://.*\n)+)", text).group(1).splitlines()
    lines = [line[2:].strip() for line in lines if not line.startswith("//===")]
    return "\n".join(lines).strip()


def imported(nibble, case, work):
    """The IR of a case."""
    model, out = os.path.join(work, case + ".gguf"), os.path.join(work, case + ".mlir")
    folder = os.path.join(HERE, "cases", case)
    subprocess.run([sys.executable, os.path.join(HERE, "to_gguf.py"), folder, "-o", model], check=True)
    subprocess.run([nibble, "compile", model, "--stop-after=import", "-o", out], check=True)
    with open(out, encoding="utf-8") as file:
        return file.read()


def operations(ir):
    """{operation: the optional parts of it that occur}, in the order of first use."""
    words = {"lm.attention": ("window", "softcap", "bidirectional"), "lm.top_k": ("normalize",),
             "lm.expert_sum": ("sigmoid",), "lm.pool": ("normalize",), "lm.embed": ("scale",), "lm.linear": ("bias",),
             "lm.logits": ("scale", "softcap"), "lm.layer_norm": ("bias",)}
    found = {}
    for line in ir.splitlines():
        match = re.match(r"\s+(?:%\S+ = )?(lm\.\w+|arith\.addf|tensor\.extract_slice) ", line)
        if not match or match.group(1) in ("lm.weight_ref", "lm.state_ref", "lm.model", "lm.weight", "lm.state"):
            continue
        options = found.setdefault(match.group(1), [])
        options += [word for word in words.get(match.group(1), ())
                    if re.search(rf"\b{word}\b", line) and word not in options]
        activation = re.search(r"#lm\.activation<(\w+)>", line)
        if activation and activation.group(1) not in options:
            options.append(activation.group(1))
        if match.group(1) == "lm.rms_norm":
            row, weight = re.search(r"tensor<\d+x(\d+)xf32>, tensor<(\d+)xf32>", line).groups()
            if row != weight and "of each head" not in options:
                options.append("of each head")
    return found


def measured(case, row):
    """The sentences of a page on figures and checkpoints."""
    tried = CHECKPOINTS.get(case)
    text = (f"A model of {row['parameters'] / 1e9:.2f} G parameters with random weights (Q4_0, "
            f"`test/Perf/family_table.py`) compiles in {row['seconds']:.0f} s\nwith {row['megabytes']} MB of memory")
    if "bytes_a_token" in row:
        text += f", and its decode reads {row['bytes_a_token'] / 1e6:.0f} MB of weights a token"
    if "tokens_a_second" in row:
        text += f",\n{row['tokens_a_second']:.1f} tokens a second with one thread"
    return text + ".\n" + (f"Tried with real weights: {tried} ([figures](../checkpoints.md)).\n" if tried else
                           "No real checkpoint has been tried.\n")


def page(case, architectures, name, text, ir, row):
    features = []
    for operation, options in operations(ir).items():
        features.append(f"`{operation}`" + (f" ({', '.join(options)})" if options else ""))
    pairing = re.search(r"#lm\.pairing<(\w+)>", ir)
    lines = text.count("\n")
    result = "vector" if "lm.pool" in ir else "logits"
    return f"""{NOTE}# {case}

{head_of(text)}

| | |
|---|---|
| `general.architecture` | {", ".join(f"`{architecture}`" for architecture in architectures)} |
| read by | [{name}](../../compiler/Import/Families/{name}), {lines} lines |
| operations | {", ".join(features)} |
| pairs of dimensions that turn together | {pairing.group(1) if pairing else "none"} |
| kinds of layers in the test's model | {len(set(re.findall(r"@prefill[.]layer([0-9]+)", ir)))} |

{measured(case, row)}
The test's model is in `test/Models/cases/{case}`: random weights, every feature on. The {result} that the family's
implementation in `transformers` gives for it in 64-bit arithmetic lie there, too; what Nibble's reference interpreter and
a compiled program give is held to an NMSE of 1e-9 from that:

```sh
python3 test/Models/check_case.py --nibble=build/bin/nibble --case={case} --work=/tmp/{case}
```
"""


def pages(nibble):
    """{file name: text} of every page."""
    known = functions()
    written, rows, sizes = {}, [], []
    with open(FIGURES, encoding="utf-8") as file:
        figures = json.load(file)
    with tempfile.TemporaryDirectory() as work:
        for case in sorted(os.listdir(os.path.join(HERE, "cases"))):
            function = known[ARCHITECTURE.get(case, case)]
            name, text = source_of(function)
            architectures = [key for key, value in known.items() if value == function]
            written[case + ".md"] = page(case, architectures, name, text, imported(nibble, case, work),
                                         figures[case])
            row = figures[case]
            reads = f"{row['bytes_a_token'] / 1e6:.0f}" if "bytes_a_token" in row else "–"
            speed = f"{row['tokens_a_second']:.1f}" if "tokens_a_second" in row else "–"
            share = f"{row['of_llamas_bandwidth']:.2f}" if "of_llamas_bandwidth" in row else "–"
            sizes.append(f"| {case} | {row['parameters'] / 1e9:.2f} G | {row['seconds']:.0f} | {row['megabytes']} "
                         f"| {reads} | {speed} | {share} |")
            rows.append(f"| [{case}]({case}.md) | {', '.join(f'`{key}`' for key in architectures)} | "
                        f"[{name}](../../compiler/Import/Families/{name}) | {text.count(chr(10))} |")
    written["README.md"] = f"""{NOTE}# Model families

Each is a page in `compiler/Import/Families/` that says what its models have; everything else is shared. Checkpoints that
were tried, with figures, are in [checkpoints](../checkpoints.md).

| family | `general.architecture` | its page | lines |
|---|---|---|---|
""" + "\n".join(rows) + """

An architecture that is not here is an error that gives the list, exit code 4. `nibble inspect MODEL` says what a file is,
and what of it is not supported, without compiling it.

## In the size of 1B

Models of random weights in Q4_0 in the shape of a model of 1B (an encoder of 0.3B), as `test/Perf/make_family_gguf.py` writes
them: 16 layers of width 2048, of mixtures eight experts of which a token chooses two. Seconds and megabytes are the compiler's (wall clock
and peak resident), megabytes a token what decode reads of the weights, of experts those that
were chosen; bandwidth is these times tokens a second, with one thread, as a fraction of what llama's program, run in turn with
this one, reads. (That machine's bandwidth moves: the tokens a second of two lines do not compare.)

| family | parameters | s | MB | MB a token | tokens/s | bandwidth |
|---|---:|---:|---:|---:|---:|---:|
""" + "\n".join(sizes) + """

```sh
python3 test/Perf/family_table.py && python3 test/Models/make_pages.py --nibble=build/bin/nibble
```
"""
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nibble", required=True)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wrong = 0
    os.makedirs(PAGES, exist_ok=True)
    for name, text in pages(options.nibble).items():
        path = os.path.join(PAGES, name)
        if options.check:
            with open(path, encoding="utf-8") as file:
                if file.read() != text:
                    print(f"docs/models/{name}: not what test/Models/make_pages.py writes")
                    wrong = 1
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
