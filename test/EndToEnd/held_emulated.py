"""Runs an AArch64 program under the emulator and adds up the memory that it asks its system for.

    held_emulated.py EMULATOR PROGRAM ARGUMENT...

The emulator cannot be put under a limit equal to the program's plan, because its own memory counts, too. So its log of
system calls is read: the most that mmap and brk hold at any time, and the program's segments, must fit the plan of
`PROGRAM --info --json`. Address space bounds resident memory. The first thread's stack, for which the plan has room as
well, is made by the system and not seen.
"""
import json
import re
import subprocess
import sys

PAGE = 4096
CALL = re.compile(r"(?:mmap\(\w+,(\d+),[^)]*\)|munmap\((0x\w+|\d+),(\d+)\)|brk\(\w+\)) = (0x\w+|\d+)")

emulator, *command = sys.argv[1:]
plan = json.loads(subprocess.check_output([emulator, command[0], "--info", "--json"] +
                                          [a for i, a in enumerate(command) if "-t" in command[i - 1:i + 1]]))["memory"]
done = subprocess.run([emulator, "-strace"] + command, stdin=subprocess.DEVNULL, capture_output=True)
log = done.stderr.decode(errors="replace")
assert done.returncode == 0, (done.returncode, log[-2000:])


def pages(size):
    return (size + PAGE - 1) // PAGE * PAGE


held = most = 0
breaks = []
for mapped, _, unmapped, result in CALL.findall(log):
    if mapped:
        held += pages(int(mapped))
    elif unmapped:
        held -= pages(int(unmapped))
    else:
        breaks.append(int(result, 0))
    most = max(most, held + pages(max(breaks) - breaks[0]) if breaks else held)
calls = sum(1 for call in CALL.findall(log) if call[0])
assert calls >= 3, "no mappings of description, weights and memory in the log"
total = most + plan["program"]
assert total <= plan["sum"], (total, plan)
print(f"held: {total} of {plan['sum']} planned bytes, {calls} mappings")
