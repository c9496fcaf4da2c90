"""Reads assembly, and prints one line for each innermost loop: how often it holds each of the instructions named on
the command line, how many instructions it has, and how many of them touch the stack (spills).

    KernelAssembly … | inner_loops.py vpdpbusd vpmaddubsw

An innermost loop is what lies between a label and a branch back to it, with no other such branch between.
"""
import re
import sys

LABEL = re.compile(r"^(\.?\w+):")
BRANCH = re.compile(r"^\s+(?:j\w+|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\d+,)\s+(\.\w+)\s*$")
STACK = re.compile(r"\(%rsp\)|\[sp")  # what has an index is an array of the kernel's


def innermost_loops(lines):
    """Bodies (lists of lines) of the loops that hold no other loop."""
    labels, loops = {}, []
    for number, line in enumerate(lines):
        if label := LABEL.match(line):
            labels[label.group(1)] = number
        elif (branch := BRANCH.match(line)) and branch.group(1) in labels:
            start = labels[branch.group(1)]
            if not any(other >= start for other, _ in loops):
                loops.append((start, number))
    # A branch out of a loop to a block that stands before it closes none.
    closed = [(start, end) for start, end in loops if not any(start < other <= end for other, _ in loops)]
    return [lines[start:end + 1] for start, end in closed]


def main(names):
    for body in innermost_loops(sys.stdin.read().split("\n")):
        instructions = [line.split() for line in body if re.match(r"\s+[a-z{]", line)]
        counts = {name: sum(words[0] == name for words in instructions) for name in names}
        if any(counts.values()):
            # By element: the last operand is one lane of a register, v1.4b[2].
            by_element = sum(words[0] == names[0] and "[" in words[-1] for words in instructions)
            print("loop", *(f"{name}={count}" for name, count in counts.items()), f"by_element={by_element}",
                  f"instructions={len(instructions)}", f"stack={sum(bool(STACK.search(line)) for line in body)}")


if __name__ == "__main__":
    main(sys.argv[1:])
