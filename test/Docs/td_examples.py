"""Parses the examples of operations, types, attributes and passes: ```mlir blocks and `Example:` lines in *.td.

    td_examples.py SOURCE NIBBLE_OPT      prints "path:line: message" for each that does not parse, exits 1 if any

An example is one or a few lines that use values and symbols it does not define. They are given here: a value gets the
type that the operation's own type list says, in order; a number (%n, %pos, %layer, %row) outside such a list is an
index; a symbol gets the type of the reference.
"""
import os
import re
import subprocess
import sys

SOURCE, NIBBLE_OPT = sys.argv[1:3]
NUMBERS = {"%n", "%pos", "%layer", "%row"}


def nesting(text, index):
    """By how much the letter at an index changes the depth of brackets; the > of an arrow is none."""
    letter = text[index]
    if letter in "{<([":
        return 1
    return -1 if letter in "}])" or (letter == ">" and text[index - 1] != "-") else 0


def split_types(text):
    """The types of a comma-separated list; commas in brackets do not separate."""
    parts, depth, current = [], 0, ""
    for index, letter in enumerate(text):
        depth += nesting(text, index)
        if letter == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += letter
    return parts + [current.strip()]


def operands(statement):
    """name → type of the values that one operation takes."""
    text = statement.partition("=")[2] if re.match(r"\s*%", statement) else statement
    # The type list follows the last " : " that no bracket holds.
    depth, cut = 0, -1
    for index, letter in enumerate(text):
        depth += nesting(text, index)
        if letter == ":" and depth == 0:
            cut = index
    names = list(dict.fromkeys(re.findall(r"%\w+", text[:cut])))
    listed = text[cut + 1:].strip()
    if listed.startswith("("):
        return dict(zip(names, split_types(listed[1:listed.rindex(") ->")])))
    shaped = [name for name in names if name not in NUMBERS]
    given = dict.fromkeys((name for name in names if name in NUMBERS), "index")
    types = split_types(listed.split(" -> ")[0])
    given.update(zip(shaped, types + types[-1:] * len(shaped)))  # one type for all operands: arith.addf
    return given


def statements(example):
    """One line each: a bracket that is open, or attributes or types at the beginning, go on with the line before."""
    flat, depth = [], 0
    for line in example.strip().split("\n"):
        line = line.strip()
        if flat and (depth > 0 or line.startswith((":", "-", "{"))):
            flat[-1] += " " + line
        else:
            flat.append(line)
        depth += sum(nesting(line, index) for index in range(len(line)))
    return flat


def module(example):
    """The example in a module that defines what it uses."""
    if re.match(r"\s*(//.*\n\s*)*(func\.func|lm\.(model|weight|state) |module)", example):
        return example
    flat = statements(example)
    defined, arguments, symbols = set(), {}, ""
    for statement in flat:
        found = re.search(r"lm\.(weight|state)_ref (@\w+) : (.*)", statement)
        if found:
            source = ' from [#lm.source<"m", 0, 1, "f32">]' if found.group(1) == "weight" else ""
            symbols += f"lm.{found.group(1)} {found.group(2)} : {found.group(3)}{source}\n"
        for name, type_ in operands(statement).items():
            if name not in defined:
                arguments.setdefault(name, type_)
        defined.update(re.findall(r"%\w+", statement.split(" = ")[0]) if " = " in statement.split("{")[0] else [])
    listed = ", ".join(f"{name}: {type_}" for name, type_ in arguments.items() if name not in defined)
    body = "\n".join(flat)
    return f"{symbols}func.func @example({listed}) {{\n{body}\nreturn\n}}\n"


def examples(text):
    for found in re.finditer(r"```mlir\n(.*?)```", text, re.DOTALL):
        yield found.start(), module(found.group(1))
    for found in re.finditer(r"Example: `(#[^`]*)`", text):
        yield found.start(), f"module attributes {{lm.example = {found.group(1)}}} {{}}\n"


count = wrong = 0
for folder, _, names in os.walk(SOURCE):
    if os.path.relpath(folder, SOURCE).split(os.sep)[0] not in ("dialects", "compiler", "codegen"):
        continue
    for name in sorted(name for name in names if name.endswith(".td")):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for start, example in examples(text):
            count += 1
            run = subprocess.run([NIBBLE_OPT], input=example, capture_output=True, text=True)
            if run.returncode:
                wrong += 1
                message = next((line for line in run.stderr.splitlines() if "error:" in line), run.stderr)
                print(f"{os.path.relpath(path, SOURCE)}:{text.count(chr(10), 0, start) + 1}: {message}")
print(f"{count} examples, {wrong} wrong")
sys.exit(wrong > 0 or count == 0)
