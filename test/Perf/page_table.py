"""Tables of the documentation that scripts write: what stands in a page between two markers, each a line of its own."""
import sys


def read(path, begin, end):
    """(what is before the table, the table, what is behind it), without the markers."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    if page.count(begin) != 1 or page.count(end) != 1:
        sys.exit(f"error: {path} has no place for the table: {begin} … {end}")
    head, rest = page.split(begin)
    table, tail = rest.split(end)
    return head, table, tail


def write(path, begin, end, table):
    head, _, tail = read(path, begin, end)
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n" + table + end + tail)


def markdown(header, rows, texts=1):
    """The first `texts` columns hold text, the others numbers."""
    lines = [header, ["---"] * texts + ["---:"] * (len(header) - texts), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def cells(table):
    """The rows of a table, its header first."""
    lines = [line.strip("| \n").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return [line for line in lines if set("".join(line)) - set("-: ")]
