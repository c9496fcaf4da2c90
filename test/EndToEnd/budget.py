"""Compiles under a budget that is a plan's sum and a little more or less.

    budget.py NIBBLE MODEL OUT REPORT.json sum+N|sum-N OPTIONS...

REPORT is that of the model compiled without a budget. Prints the exit code, and what was chosen or proposed; every set
of options that is proposed is compiled under the same budget.
"""
import json
import os
import re
import subprocess
import sys

nibble, model, out, report, change = sys.argv[1:6]
options = sys.argv[6:]
budget = json.load(open(report))["memory"]["sum"] + int(change.removeprefix("sum"))


def compile_with(more):
    command = [nibble, "compile", model, "-o", out, "-q", f"--memory-budget={budget}", f"--report={out}.json"]
    return subprocess.run(command + more, capture_output=True, text=True)


done = compile_with(options)
sys.stdout.write(done.stderr)
if done.returncode == 0:
    plan = json.load(open(out + ".json"))
    assert plan["memory"]["sum"] <= budget, (plan["memory"], budget)
    print(f"exit 0, chunk {plan['chunk']}, {plan['threads']} threads planned, at most {plan['max_threads']}")
    sys.exit()
assert not os.path.exists(out)
print(f"exit {done.returncode}, nothing written")
proposed = re.findall(r"note:   (--\S+(?: --\S+)*) +(\d+) bytes", done.stderr)
assert proposed, done.stderr
for text, figure in proposed:
    assert int(figure) <= budget, (text, figure, budget)
    names = {word.split("=")[0] for word in text.split()}
    kept = [word for word in options if word.split("=")[0] not in names]
    again = compile_with(kept + text.split())
    assert again.returncode == 0, (text, again.stderr)
    print(f"proposed and compiled: {text}")
