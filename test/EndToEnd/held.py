"""Runs a program under a limit of its address space equal to its own memory plan, and looks at what it occupied.

    held.py [--threads N] [--lines FILE] PROGRAM ARGUMENT...

The plan is that of `PROGRAM --info --json`. Address space (RLIMIT_AS, what `ulimit -v` sets) bounds resident memory, so
the program keeps its plan if it ends well; that its peak of resident memory is below the plan is checked as well, with
what the program says behind every answer. With --lines the file's lines are questions of a chat; the peak must not grow
from the second half of the turns on by more than 64 KiB a hundred turns (pages of text that are touched for the first
time).
"""
import argparse
import json
import os
import re
import resource
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--lines")
parser.add_argument("program")
parser.add_argument("arguments", nargs=argparse.REMAINDER)
options = parser.parse_args()

threads = ["-t", str(options.threads)]
# The environment lies on the stack; the plan has room for a usual one.
environment = {"PATH": os.environ["PATH"], "LANG": "C"}
info = json.loads(subprocess.check_output([options.program, "--info", "--json"] + threads, env=environment))
plan = info["memory"]["sum"]


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (plan, plan))


done = subprocess.run([options.program] + threads + options.arguments, env=environment, preexec_fn=limit,
                      stdin=open(options.lines) if options.lines else subprocess.DEVNULL, capture_output=True)
said = done.stderr.decode(errors="replace")
assert done.returncode == 0, (done.returncode, said[-2000:])
peaks = [float(x) * 1048576 for x in re.findall(r"peak ([0-9.]+) MiB", said)]
assert peaks and max(peaks) <= plan + 0.05 * 1048576, (peaks, plan)
if options.lines:
    turns = sum(1 for _ in open(options.lines))
    assert len(peaks) == turns, (len(peaks), turns, said[-2000:])
    grown = peaks[-1] - peaks[turns // 2]
    assert grown <= 1048576 * 0.1 + 65536 * turns / 100, (grown, peaks[turns // 2], peaks[-1])
sys.stderr.write(said[-400:])
print(f"held: {len(peaks)} answers, peak {max(peaks):.0f} of {plan} planned bytes")
