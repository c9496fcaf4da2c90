"""Prints the mlir examples of a .td file, split by "// -----"; fails if there are none."""
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    examples = re.findall(r"```mlir\n(.*?)```", file.read(), re.S)
if not examples:
    sys.exit(f"error: {sys.argv[1]} has no examples")
print("\n// -----\n".join(examples))
