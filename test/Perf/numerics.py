"""Distance of a compiled program's logits from the reference interpreter's, and of other engines' on the same file.

    numerics.py --nibble=NIBBLE --program=PROGRAM --model=MODEL.gguf [--engine=NAME=COMMAND ...]
                [--reference=OPTION ...] [--tokens=64] [--prompts=5] [--cache=DIR] [--max-nmse=X]
                [--not-worse-than=NAME]

Five prompts of 64 tokens each. For each engine, over all positions of all prompts (and on standard error for each
prompt, which shows how much of a difference is chance):
    NMSE   sum (a - r)^2 / sum r^2, a the engine's logits and r the reference's
    KL     mean over positions of sum p log(p / q) in nats, p = softmax(r), q = softmax(a)
    top-1  share of positions whose largest logit is the reference's, too
COMMAND is run with the words {model}, {tokens} (ids joined by commas) and {out} replaced, and must write every
position's logits to {out} as raw little-endian float32. --cache keeps the reference's logits between runs. Exits 1 if
the program exceeds --max-nmse, or is further from the reference than the engine of --not-worse-than in NMSE or KL.
"""
import argparse
import array
import hashlib
import math
import os
import shlex
import subprocess
import sys
import tempfile

# Written for this test: different registers, a list, a program, numbers.
PROMPTS = [
    "The river had frozen early that year, and by the second week of December the children were already crossing it on "
    "foot to reach the school on the other bank. Nobody had asked whether the ice would hold; the old ferryman only "
    "shook his head, pulled his boat further up the shore and waited for the spring that would bring him his trade "
    "back.",
    "A compiler reads a program in one language and writes an equivalent program in another. First it splits the text "
    "into tokens, then it builds a tree, checks the types of all expressions, and lowers the tree step by step until "
    "every operation corresponds to an instruction of the machine. Each step should be small enough to be tested "
    "alone.",
    "def fibonacci(n):\n    a, b = 0, 1\n    for _ in range(n):\n        yield a\n        a, b = b, a + b\n\n\ndef "
    "main():\n    for index, value in enumerate(fibonacci(10)):\n        print(f\"{index}: {value}\")\n\n\nif __name__ "
    "== \"__main__\":\n    main()\n",
    "Shopping list for the weekend: 12 eggs, 500 g flour, 250 g butter, 3 lemons, 1 l milk, 2 onions, 4 carrots, 750 g "
    "potatoes, a bunch of parsley. At 3.49 per kilogram the potatoes cost 2.62; together with the rest we should stay "
    "below 25 euros, provided that the butter is not more expensive than it was in October 2023.",
    "Question: Why does the sky look blue during the day and red in the evening? Answer: Air scatters short waves of "
    "light much more than long ones. When the sun is high, the blue part reaches us from all directions. When the sun "
    "is low, its light passes through far more air, so that mostly the red part is left of the direct beam.",
]


def run(command, **keywords):
    done = subprocess.run(command, capture_output=True, **keywords)
    if done.returncode != 0:
        sys.exit(f"error: {shlex.join(command)} failed ({done.returncode}): "
                 + done.stderr.decode("utf-8", "replace").strip()[-400:])
    return done.stdout


def token_ids(options):
    """The first --tokens ids of each prompt, tokenized by the compiler under test."""
    found = []
    for prompt in PROMPTS[:options.prompts]:
        ids = run([options.nibble, "tokenize", options.model], input=prompt.encode()).decode().split()
        if len(ids) < options.tokens:
            sys.exit(f"error: a prompt has only {len(ids)} tokens: {prompt[:40]}...")
        found.append(",".join(ids[:options.tokens]))
    return found


def read_logits(path, positions):
    """One array of floats per position."""
    flat = array.array("f")
    with open(path, "rb") as file:
        flat.frombytes(file.read())
    if sys.byteorder != "little":
        flat.byteswap()
    vocabulary, rest = divmod(len(flat), positions)
    if rest or not vocabulary:
        sys.exit(f"error: {path} holds {len(flat)} floats, no multiple of {positions} positions")
    return [flat[row * vocabulary:(row + 1) * vocabulary] for row in range(positions)]


def log_softmax_sum(row):
    top = max(row)
    return top + math.log(math.fsum(math.exp(value - top) for value in row))


class Distance:
    """Sums over all positions seen so far."""

    def __init__(self):
        self.error = self.power = self.divergence = 0.0
        self.same = self.positions = 0

    def add(self, reference, other):
        if len(reference) != len(other):
            sys.exit(f"error: {len(other)} logits a position, the reference has {len(reference)}")
        if not all(map(math.isfinite, other)):
            self.error = math.inf
        self.error += math.fsum((a - r) * (a - r) for a, r in zip(other, reference))
        self.power += math.fsum(r * r for r in reference)
        zp, zq = log_softmax_sum(reference), log_softmax_sum(other)
        self.divergence += math.fsum(math.exp(r - zp) * ((r - zp) - (a - zq)) for a, r in zip(other, reference))
        self.same += reference.index(max(reference)) == other.index(max(other))
        self.positions += 1

    def __iadd__(self, other):
        for name in ("error", "power", "divergence", "same", "positions"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    nmse = property(lambda self: self.error / self.power)
    kl = property(lambda self: self.divergence / self.positions)


def reference_logits(options, tokens, folder):
    """Path of the reference's logits; computed once per model and token list if --cache is given."""
    with open(options.model, "rb") as file:
        key = hashlib.sha256(file.read(1 << 20))
    key.update(repr((os.path.getsize(options.model), tokens, options.reference)).encode())
    path = os.path.join(options.cache or folder, f"reference-{key.hexdigest()[:16]}.f32")
    if not os.path.exists(path):
        run([options.nibble, "reference", options.model, f"--tokens={tokens}", f"--logits={path}.part"]
            + options.reference)
        os.replace(path + ".part", path)
    return path


def measure(options, engines, folder):
    distances = {name: Distance() for name in engines}
    for number, tokens in enumerate(token_ids(options)):
        print(f"prompt {number + 1}/{options.prompts}", file=sys.stderr)
        reference = read_logits(reference_logits(options, tokens, folder), options.tokens)
        for name, command in engines.items():
            out = os.path.join(folder, "logits.f32")
            run([word.format(model=options.model, tokens=tokens, out=out) for word in shlex.split(command)])
            prompt = Distance()
            for expected, found in zip(reference, read_logits(out, options.tokens)):
                prompt.add(expected, found)
            os.remove(out)
            distances[name] += prompt
            print(f"  {name}: NMSE {prompt.nmse:.3e}, KL {prompt.kl:.3e}", file=sys.stderr)
    return distances


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nibble", "program", "model"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--reference", action="append", default=[])
    parser.add_argument("--engine", action="append", default=[])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompts", type=int, default=len(PROMPTS))
    parser.add_argument("--cache")
    parser.add_argument("--max-nmse", type=float)
    parser.add_argument("--not-worse-than")
    options = parser.parse_args()
    engines = {"nibble": shlex.quote(options.program) + " --tokens {tokens} --logits {out}"}
    engines.update(engine.split("=", 1) for engine in options.engine)
    if options.cache:
        os.makedirs(options.cache, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        distances = measure(options, engines, folder)
    print(f"{options.prompts} prompts of {options.tokens} tokens, against the reference interpreter\n")
    print("| engine | NMSE | KL, nats | same top token |\n|---|---|---|---|")
    for name, distance in distances.items():
        print(f"| {name} | {distance.nmse:.3e} | {distance.kl:.3e} | {distance.same / distance.positions:.1%} |")
    ours, ok = distances["nibble"], True
    if options.max_nmse is not None and not ours.nmse <= options.max_nmse:
        print(f"error: NMSE {ours.nmse:.3e} exceeds {options.max_nmse:.3e}", file=sys.stderr)
        ok = False
    if options.not_worse_than:
        other = distances[options.not_worse_than]
        if not (ours.nmse <= other.nmse and ours.kl <= other.kl):
            print(f"error: further from the reference than {options.not_worse_than}", file=sys.stderr)
            ok = False
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
