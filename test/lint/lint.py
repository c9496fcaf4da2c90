"""Holds the laws of the architecture and the rules of the house style that a machine can check.

    lint.py --list              names of the rules
    lint.py RULE [RULE...]      checks the repository, prints "path:line: message" for each violation, exits 1 if any
    lint.py --self-test RULE    shows that the rule accepts what it should and finds what it must

Why here and not in a compiler plugin: the rules are about which words and files may stand where, and text is enough
for that. A rule is a function from a tree of files to violations. Each has, in rules.py, a small tree that it accepts
and small trees that it refuses, so that a rule that has stopped finding anything fails its own test.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rules  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def repository():
    """path → text of every text file that git tracks (or, outside git, of every file below the source folders)."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True)
    if listed.returncode == 0 and listed.stdout:
        paths = [path for path in listed.stdout.decode().split("\0") if path]
    else:
        paths = [
            os.path.relpath(os.path.join(folder, name), ROOT)
            for folder, folders, names in os.walk(ROOT) for name in names
            if not os.path.relpath(folder, ROOT).startswith(("build", ".git"))]
    tree = {}
    for path in paths:
        try:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                tree[path] = file.read()
        except (UnicodeDecodeError, OSError):
            continue  # binary test inputs, and files deleted but not committed yet
    return tree


def self_test(rule):
    """True if the rule accepts its good tree and finds exactly one kind of fault in each bad one."""
    ok = True
    for message in rule.check(rule.good):
        print(f"{rule.name}: refuses its good example: {message}")
        ok = False
    for number, bad in enumerate(rule.bad):
        if not list(rule.check({**rule.good, **bad})):
            print(f"{rule.name}: finds nothing in bad example {number}")
            ok = False
    if not rule.bad:
        print(f"{rule.name}: has no bad example")
        ok = False
    return ok


def main(arguments):
    if arguments == ["--list"]:
        print("\n".join(rule.name for rule in rules.ALL))
        return 0
    testing = arguments[:1] == ["--self-test"]
    names = arguments[1:] if testing else arguments
    by_name = {rule.name: rule for rule in rules.ALL}
    if not names or any(name not in by_name for name in names):
        print(__doc__, file=sys.stderr)
        return 2
    tree = None if testing else repository()
    ok = True
    for name in names:
        if testing:
            ok &= self_test(by_name[name])
            continue
        for message in by_name[name].check(tree):
            print(message)
            ok = False
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
