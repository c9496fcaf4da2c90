"""Compares memory plans.

    plans.py same INSPECT.json REPORT.json INFO.json SAID    the three JSON outputs and what compile printed agree
    plans.py report --nibble=N --work=DIR --model=M... -- OPTIONS... [-- OPTIONS...]
                                                             compiles each model with each set of options; one line each
"""
import json
import re
import subprocess
import sys


def same(inspect, report, info, said):
    plans = [json.load(open(inspect))["memoryPlan"], json.load(open(report))["memory"], json.load(open(info))["memory"]]
    printed = [int(x) for x in re.findall(r"(?m)^  .{32} +(\d+) bytes", open(said).read())]
    rest = [{key: value for key, value in plan.items() if key not in ("program", "sum")} for plan in plans]
    assert rest[0] == rest[1] == rest[2], rest
    assert plans[1] == plans[2], plans
    for plan in plans:
        assert sum(plan.values()) == 2 * plan["sum"], plan
    assert sorted(printed) == sorted(plans[1].values()), (printed, plans[1])
    assert json.load(open(info))["memory_as_compiled"] == plans[1]["sum"]
    bound, exact = plans[0]["program"], plans[1]["program"]
    assert bound >= exact, (bound, exact)
    print(f"the program's row is at most {bound} bytes as inspected, {exact} as linked; all others are equal")


def report(arguments):
    groups = [[]]
    for argument in arguments:
        groups.append([]) if argument == "--" else groups[-1].append(argument)
    named = [argument.split("=", 1) for argument in groups[0]]
    values = {key: [value for name, value in named if name == key] for key, _ in named}
    work = values["--work"][0]
    for model in values["--model"]:
        for options in groups[1:]:
            subprocess.run([values["--nibble"][0], "compile", model, "-o", f"{work}/out", "-q",
                            f"--report={work}/out.json"] + options, check=True)
            plan = json.load(open(f"{work}/out.json"))
            arena, bound = plan["arena_bytes"], plan["arena_lower_bound"]
            close = "within 3 % of" if arena * 100 <= bound * 103 else "MORE THAN 3 % OVER"
            print(f"{' '.join(options)}: state {plan['state_bytes']}, arena {arena} of {bound}, {close} the bound")


if sys.argv[1] == "same":
    same(*sys.argv[2:])
else:
    report(sys.argv[2:])
