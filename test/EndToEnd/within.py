"""Runs a command and fails if it takes more time or memory than allowed.

    within.py --seconds=S --megabytes=M -- COMMAND...

Memory is the peak resident set of the command, as the kernel counts it, in units of 10^6 bytes. The command's exit code
is passed on; 1 if a limit is exceeded.
"""
import argparse
import resource
import subprocess
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--megabytes", type=float, required=True)
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    start = time.monotonic()
    code = subprocess.run(options.command).returncode
    seconds = time.monotonic() - start
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    print(f"{seconds:.2f} s, {megabytes:.0f} MB", file=sys.stderr)
    if code == 0 and (seconds > options.seconds or megabytes > options.megabytes):
        print(f"error: more than {options.seconds:g} s or {options.megabytes:g} MB", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
