"""Checks that the documentation does not say what is not so.

    check_docs.py links ROOT               every relative link and `path/in/the/tree` resolves, in every *.md
    check_docs.py options ROOT TOOL...     every --option shown with a command `NAME SUBCOMMAND --option` in a code
                                           block is known to TOOL SUBCOMMAND --help (TOOL's file name is NAME)
    check_docs.py quotes FILE.md DIRECTORY each line of a block that follows <!-- quoted from NAME --> is a line of the
                                           file NAME in DIRECTORY, up to the names of values
    check_docs.py run FILE.md DIRECTORY    runs the file's ```sh blocks in order with bash -e in DIRECTORY; a block
                                           whose line before it is <!-- not run: reason --> is left out

Prints "file:line: message" and exits 1 if anything is wrong.
"""
import os
import re
import subprocess
import sys


def markdown(root):
    """(path relative to root, text) of every tracked Markdown file."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "*.md"], capture_output=True)
    paths = [path for path in listed.stdout.decode().split("\0") if path]
    if not paths:
        paths = [os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root)
                 for name in names if name.endswith(".md") and not os.path.relpath(folder, root).startswith("build")]
    for path in sorted(paths):
        if os.path.exists(os.path.join(root, path)):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                yield path, file.read()


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def anchors(text):
    """GitHub's anchors of a page's headings."""
    plain = re.sub(r"(?s)```.*?```", "", text)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")
            for title in re.findall(r"(?m)^#+\s+(.*)$", plain)}


def check_links(root):
    pages = dict(markdown(root))
    for path, text in pages.items():
        prose = re.sub(r"(?s)```.*?```", lambda block: "\n" * block.group(0).count("\n"), text)
        for found in re.finditer(r"\[[^\]]*\]\(([^)\s]+)\)", prose):
            target, _, anchor = found.group(1).partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            resolved = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
            where = f"{path}:{line_of(prose, found.start())}"
            if not os.path.exists(os.path.join(root, resolved)):
                yield f"{where}: link to {found.group(1)}, which does not exist"
            elif anchor and resolved in pages and anchor not in anchors(pages[resolved]):
                yield f"{where}: no heading for #{anchor} in {resolved}"
        for found in re.finditer(
                r"`((?:dialects|compiler|codegen|runtime|test|examples|docs|cmake)/[\w./-]*\w/?)`", prose):
            if not os.path.exists(os.path.join(root, found.group(1))):
                yield f"{path}:{line_of(prose, found.start())}: {found.group(1)} does not exist"


def blocks(text):
    """(line, body) of each ```sh block that is to be run."""
    for found in re.finditer(r"(?m)^(.*\n)?```sh\n([\s\S]*?)^```", text):
        if "<!-- not run:" not in (found.group(1) or ""):
            yield line_of(text, found.start(2)), found.group(2)


def commands(text):
    """(line, words) of the command lines in all code blocks, continuation lines joined."""
    for found in re.finditer(r"(?m)^```(?:sh|console)\n([\s\S]*?)^```", text):
        body = found.group(1).replace("\\\n", "  ")
        for number, line in enumerate(body.splitlines()):
            yield line_of(text, found.start(1)) + number, re.split(r"#|[|]", line)[0].split()


def check_options(root, tools):
    known = {}  # (tool name, subcommand) → help text
    by_name = {os.path.basename(tool): tool for tool in tools}
    for path, text in markdown(root):
        for number, words in commands(text):
            name = os.path.basename(words[0]) if words else ""
            if name not in by_name:
                continue
            subcommand = words[1] if len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]) else ""
            key = (name, subcommand)
            if key not in known:
                done = subprocess.run([by_name[name]] + ([subcommand] if subcommand else []) + ["--help"],
                                      capture_output=True, text=True)
                known[key] = done.stdout + done.stderr if done.returncode == 0 else None
            if known[key] is None:
                yield f"{path}:{number}: `{name} {subcommand} --help` fails"
                continue
            for word in words:
                option = re.match(r"--?[a-zA-Z][\w-]*", word)
                if option and not re.search(rf"(?<![\w-]){re.escape(option.group(0))}(?![\w-])", known[key]):
                    yield f"{path}:{number}: {name} {subcommand} has no option {option.group(0)}"


def nameless(line):
    """A line of IR without indentation and without the names of its values."""
    return re.sub(r"%[\w]+", "%", line.strip())


def check_quotes(path, directory):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = list(re.finditer(r"<!-- quoted from (\S+) -->\n```\w*\n([\s\S]*?)^```", text, re.MULTILINE))
    if not found:
        yield f"{path}:1: quotes nothing"
    for block in found:
        with open(os.path.join(directory, block.group(1)), encoding="utf-8") as file:
            real = {nameless(line) for line in file}
        for number, line in enumerate(block.group(2).splitlines(), line_of(text, block.start(2))):
            if nameless(line) not in real:
                yield f"{path}:{number}: not in {block.group(1)}: {line.strip()}"


def check_run(path, directory):
    with open(path, encoding="utf-8") as file:
        found = list(blocks(file.read()))
    if not found:
        yield f"{path}:1: holds no ```sh block to run"
    for number, body in found:
        print(f"{path}:{number}:\n{body}", flush=True)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=directory)
        if done.returncode != 0:
            yield f"{path}:{number}: the block fails with exit code {done.returncode}"
            return


def main(arguments):
    checks = {"links": (check_links, 1, 1), "options": (check_options, 2, None), "quotes": (check_quotes, 2, 2),
              "run": (check_run, 2, 2)}
    if not arguments or arguments[0] not in checks:
        print(__doc__, file=sys.stderr)
        return 2
    check, least, most = checks[arguments[0]]
    rest = arguments[1:]
    if len(rest) < least or (most and len(rest) > most):
        print(__doc__, file=sys.stderr)
        return 2
    found = list(check(rest[0], rest[1:])) if check is check_options else list(check(*rest))
    for message in found:
        print(message)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
