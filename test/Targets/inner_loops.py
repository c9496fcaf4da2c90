"""Reads assembly, and prints one line for each innermost loop: how often it holds each of the instructions named on
the command line, how many instructions it has, and how many of them touch the stack (spills).

    KernelAssembly … | inner_loops.py vpdpbusd vpmaddubsw

Which blocks are a loop's, and which instructions spill or reload, LLVM says in the comments of the assembly: branches
alone do not tell an innermost loop from one that leaves inner ones out, and a long register of SVE is spilled through
any general register.
"""
import re
import sys

BLOCK = re.compile(r"^\.L(BB\w+):|^(?://|#) %bb\.\d+:")
INNERMOST = re.compile(r"=>\s*This Inner Loop Header")
INSIDE = re.compile(r"\bin Loop: Header=(BB\w+)")
STACK = re.compile(r"(?://|#) \S+ (?:Folded )?(?:Spill|Reload)$")


def innermost_loops(lines):
    """Bodies (lists of lines) of the loops that hold no other loop, in the order of their first blocks."""
    blocks, headers = [], []  # (header of its loop, lines)
    for line in lines:
        if start := BLOCK.match(line):
            blocks.append([None, []])
        if not blocks:
            continue
        if start and start.group(1):
            label = start.group(1)
        if inside := INSIDE.search(line):
            blocks[-1][0] = inside.group(1)
        elif INNERMOST.search(line):
            blocks[-1][0] = label
            headers.append(label)
        blocks[-1][1].append(line)
    return [[line for header, body in blocks if header == wanted for line in body] for wanted in headers]


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
