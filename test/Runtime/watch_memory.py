"""Compares the address space of a running program early and late: watch_memory.py PROGRAM."""
import subprocess
import sys


def regions(pid):
    """Ranges of the mappings; permissions and names do not matter."""
    with open(f"/proc/{pid}/maps") as file:
        return sorted(line.split()[0] for line in file)


program = subprocess.Popen([sys.argv[1], "--raw", "-q", "-n", "3000", "a"], stdout=subprocess.PIPE)
program.stdout.read(10)
early = regions(program.pid)
count = 10
late = early
while True:
    data = program.stdout.read(200)
    if len(data) < 200:
        break
    count += len(data)
    late = regions(program.pid) or late  # empty once it has ended
assert early and early == late, (early, late)
assert program.wait() == 0
print(f"same map after {count} bytes")
