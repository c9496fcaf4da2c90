"""Starts a program twice and looks at the pages of its weights in /proc/PID/smaps: shared_weights.py PROGRAM.

Each process answers a question first, so that weights have been touched. Mapped weights are the part of the program's
file at the offset that its trailer names; read ones are the anonymous region of their size.
"""
import os
import re
import struct
import subprocess
import sys

program = sys.argv[1]
with open(program, "rb") as file:
    file.seek(-64 + 16, os.SEEK_END)
    offset, size = struct.unpack("<2Q", file.read(16))


def regions(pid):
    """(is the file's weights, bytes, numbers by name) of each region."""
    for block in re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", open(f"/proc/{pid}/smaps").read())[1:]:
        begin, end, at, name = re.match(r"([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \d+ *(.*)", block).groups()
        numbers = {key: int(value) * 1024 for key, value in re.findall(r"(\w+): +(\d+) kB", block)}
        is_weights = name == os.path.realpath(program) and int(at, 16) == offset
        yield is_weights, not name, int(end, 16) - int(begin, 16), numbers


for how in ("map", "read"):
    processes = [subprocess.Popen([program, "-i", "-q", "--weights-residency", how], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) for _ in range(2)]
    for process in processes:
        process.stdin.write(b"hi\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"xyz\n"
    rounded = (size + 4095) // 4096 * 4096
    found = [numbers for mapped, anonymous, extent, numbers in regions(processes[0].pid)
             if (mapped if how == "map" else anonymous and extent == rounded)]
    assert found, how
    shared = sum(numbers["Shared_Clean"] + numbers["Shared_Dirty"] for numbers in found)
    private = sum(numbers["Private_Clean"] + numbers["Private_Dirty"] for numbers in found)
    resident = sum(numbers["Rss"] for numbers in found)
    print(f"{how}: {shared} of {resident} resident bytes are shared, {private} are private")
    for process in processes:
        process.stdin.close()
        assert process.wait() == 0
