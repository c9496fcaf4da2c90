"""Runs a program on files that are not as they were written.

    damage.py each STATE COMMAND...     for every fifth byte of STATE: flips a bit of it, cuts the file off there, and
                                        runs COMMAND, in which FILE stands for the damaged file
    damage.py sections PROGRAM          flips a byte in every section of a program (and in some tensors), and runs
                                        it with --verify
    damage.py limited BYTES COMMAND...  runs COMMAND with files limited to BYTES (RLIMIT_FSIZE)
"""
import os
import resource
import signal
import struct
import subprocess
import sys


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stderr


def each(state, command):
    whole = open(state, "rb").read()
    damaged = state + ".damaged"
    words = [damaged if word == "FILE" else word for word in command]
    flipped = cut = 0
    places = range(0, len(whole), 5)
    for i in places:
        for kind in ("flip", "cut"):
            data = bytearray(whole)
            if kind == "flip":
                data[i] ^= 1 << i % 8
            else:
                data = data[:i]
            with open(damaged, "wb") as file:
                file.write(data)
            code, said = run(words)
            # A header that speaks of another model or of more than fits is refused before its checksum is.
            good = code in (2, 3) and said.startswith("error: ")
            assert good, (kind, i, code, said)
            flipped += kind == "flip"
            cut += kind == "cut"
    os.remove(damaged)
    print(f"{flipped} of {len(places)} damaged files were refused with exit code 3 or 2, {cut} of {len(places)} "
          "truncated ones")


def sections(program):
    whole = open(program, "rb").read()
    weights, weights_size, description, description_size = struct.unpack_from("<4Q", whole, len(whole) - 64 + 16)
    places = {
        "program": weights - 1,  # of the padding: code that is altered may do anything
        "weights": weights + weights_size // 2,
        "last weight": weights + weights_size - 1,
        "description": description + description_size // 2,
        "trailer": len(whole) - 20,
    }
    if description - weights - weights_size >= 64:
        places["prefix"] = weights + weights_size + 40
    damaged = program + ".damaged"
    for name, place in places.items():
        data = bytearray(whole)
        data[place] ^= 16
        with open(damaged, "wb") as file:
            file.write(data)
        os.chmod(damaged, 0o755)
        code, said = run([damaged, "--verify"])
        assert code == 3, (name, code, said)
        print(f"{name}: {said.strip()}")
    os.remove(damaged)


def limited(limit, command):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os.execv(command[0], command)


if sys.argv[1] == "each":
    each(sys.argv[2], sys.argv[3:])
elif sys.argv[1] == "sections":
    sections(sys.argv[2])
else:
    limited(int(sys.argv[2]), sys.argv[3:])
