"""Adds up the result files of a test run and prints the line that says how it went.

    summary.py DIRECTORY

DIRECTORY holds what the runners wrote: lit.xml (lit), ctest.junit (one entry a program) and one NAME.xml for each
GoogleTest program NAME. A program that ended without writing its file counts as one failure, so that a crash cannot
make its tests vanish. Names failed and skipped tests, prints "N passed, N failed[, N skipped]", and exits 0 only if
nothing failed and something passed.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree


def cases(path):
    """(name, outcome) of every test case in a JUnit-style file."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled") \
                or case.get("result") in ("skipped", "suppressed"):
            yield name, "skipped"
        else:
            yield name, "passed"


def collect(directory):
    """All (name, outcome) pairs of a run; a missing or unreadable file is a failure of its own."""
    found = []
    for required in ("lit.xml", "ctest.junit"):
        path = os.path.join(directory, required)
        try:
            pairs = list(cases(path))
        except (OSError, ElementTree.ParseError) as error:
            found.append((f"{required}: {error}", "failed"))
            continue
        if required == "lit.xml":
            if not pairs:
                found.append(("lit.xml holds no test", "failed"))
            found += pairs
            continue
        for program, outcome in pairs:  # replaced by the program's own cases, where there are any
            name = program.split(".")[-1]
            try:
                own = list(cases(os.path.join(directory, name + ".xml")))
            except (OSError, ElementTree.ParseError):
                own = []
            found += own
            if outcome == "failed" and not any(state == "failed" for _, state in own):
                found.append((f"{name}: ended without saying which test failed", "failed"))
            elif not own:
                found.append((program, outcome))
    return found


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = collect(sys.argv[1])
    count = {outcome: sum(state == outcome for _, state in found) for outcome in ("passed", "failed", "skipped")}
    for outcome in ("skipped", "failed"):
        for name in sorted(name for name, state in found if state == outcome):
            print(f"{outcome}: {name}")
    print(f"{count['passed']} passed, {count['failed']} failed"
          + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return 0 if count["failed"] == 0 and count["passed"] > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
