"""The rules that lint.py checks, each with an example it accepts and examples it refuses.

A tree is a dict from path to text. A check yields "path:line: message" strings. Forbidden words stand in this file in
pieces ("TO" "DO"), so that the rules can be run on it, too.
"""
import re
from collections import namedtuple

Rule = namedtuple("Rule", "name check good bad")

CPP = (".cpp", ".h", ".c", ".def", ".inc")
CODE = CPP + (".td", ".fbs")
SCRIPTS = (".py", ".sh", ".cmake")
FOLDERS = ("dialects/", "compiler/", "codegen/", "runtime/", "test/", "examples/", "cmake/")


def lines(tree, folders=FOLDERS, suffixes=CODE, skip=()):
    """(path, number, line) of the files below `folders` that end in one of `suffixes`."""
    for path in sorted(tree):
        if path.startswith(folders) and path.endswith(suffixes) and not path.startswith(skip):
            for number, line in enumerate(tree[path].splitlines(), 1):
                yield path, number, line


def refuse(pattern, message, **where):
    """A check that finds `pattern` in the lines that `where` selects."""
    compiled = re.compile(pattern)

    def check(tree):
        for path, number, line in lines(tree, **where):
            found = compiled.search(line)
            if found:
                yield f"{path}:{number}: {message.format(found.group(0).strip())}"
    return check


# --- Law 1: who may know what ---------------------------------------------------------------------------------------

def check_layers(tree):
    allowed = {
        "runtime/": ("runtime/", "nibble/"),
        "dialects/": ("dialects/",),
        "codegen/": ("codegen/", "dialects/", "compiler/Target/", "nibble/"),
    }
    include = re.compile(r'^\s*#\s*include\s+["<]((?:dialects|compiler|codegen|runtime|mlir|llvm|llvm-c|lld)/[^">]*)')
    for path, number, line in lines(tree, folders=tuple(allowed), suffixes=CPP + (".td",)):
        found = include.search(line)
        if not found:
            continue
        folder = path.split("/")[0] + "/"
        upstream = ("mlir/", "llvm/", "llvm-c/", "lld/") if folder != "runtime/" else ()
        if not found.group(1).startswith(allowed[folder] + upstream):
            yield f"{path}:{number}: {folder} may not include {found.group(1)}"


# Extensions and instructions; words of the IR that only look alike ("sum_group", "dot") are no match.
INSTRUCTIONS = (
    r"(?i)(?<![a-z])(isa::\w+|isx86\w*|isaarch64\w*|"
    r"avx\d*\w*|sse\d\w*|ssse3|fma3|f16c|vnni|vp[a-z]{4,}|amx\w*|neon\w*|[su]dot|usdot|sudot|dotprod|"
    r"[su]mmla|usmmla|bfmmla|bfdot|i8mm|sve2?|sme2?|immintrin|pmadd\w*)(?![a-z])")

check_instruction_sets = refuse(
    INSTRUCTIONS, "names an instruction set or instruction: {} (belongs in codegen/ or compiler/Target/)",
    folders=("compiler/", "dialects/"), suffixes=CODE + (".txt",), skip=("compiler/Target/",))

check_models = refuse(
    r"(?i)llama|qwen|gemma|mistral|mixtral|smollm|(?<![a-z])phi-?[1-4]|deepseek|gpt-?[2-4]",
    "codegen/ names a model: {}", folders=("codegen/",), suffixes=CODE + (".txt",))

check_no_kernels = refuse(
    r"immintrin\.h|x86intrin\.h|arm_neon\.h|arm_sve\.h|(?<![a-z_])_mm\d*_\w+|__attribute__\(\(vector_size|"
    r"#\s*pragma\s+omp",
    "the runtime contains no kernels: {}", folders=("runtime/",))

check_runtime = refuse(
    r"#\s*include\s*<(iostream|fstream|sstream|stdexcept|thread|mutex|regex|map|unordered_map|functional|future)>"
    r"|(?<![\w.])(throw|try|catch|dynamic_cast|typeid)(?![\w])\s*[({<\w\"]",
    "the runtime has no exceptions, no RTTI and no iostream: {}", folders=("runtime/",), suffixes=(".cpp", ".h"))


def without_comments(check):
    """Runs `check` on the tree with // comments blanked: prose may say what code may not do."""
    def stripped(tree):
        return check({
            path: re.sub(r"(?m)^(\s*)(//|\*|/\*).*$|\s//\s.*$", "", text) if path.endswith((".cpp", ".h")) else text
            for path, text in tree.items()})
    return stripped


# --- Law 2: one list of phases --------------------------------------------------------------------------------------

def phases(tree):
    """(name, folder) of the rows in compiler/Pipelines/Phases.def, in order."""
    text = tree.get("compiler/Pipelines/Phases.def", "")
    return re.findall(r'(?m)^NIBBLE_PHASE\(\s*(\w+),\s*"([\w/]+)"', text)


def check_phases(tree):
    rows = phases(tree)
    names = [name for name, _ in rows]
    if not rows:
        yield "compiler/Pipelines/Phases.def:1: holds no row NIBBLE_PHASE(name, folder, contract)"
        return
    table = re.findall(r"(?m)^\|\s*`(\w+)`\s*\|", tree.get("docs/phases.md", "").split("\n## ")[0])
    if table != names:
        yield f"docs/phases.md:1: the table lists {table}, Phases.def lists {names}"
    for name, folder in rows:
        if not any(path.startswith(folder + "/") for path in tree):
            yield f"compiler/Pipelines/Phases.def:1: phase {name} has no folder {folder}"
        if not any(path.lower().startswith(f"test/{name.lower()}/") for path in tree):
            yield f"compiler/Pipelines/Phases.def:1: phase {name} has no folder in test/"


# --- Files ----------------------------------------------------------------------------------------------------------

def check_machine_paths(tree):
    pattern = re.compile(r"/(?:work|farm|root)/|/home/\w+/|/tmp/bash" "_jobs")
    for path in sorted(tree):
        for number, line in enumerate(tree[path].splitlines(), 1):
            if pattern.search(line) and not path.startswith("test/lint/"):
                yield f"{path}:{number}: a path of one machine: {line.strip()[:80]}"


def check_length(tree):
    for path in sorted(tree):
        text = tree[path]
        count = text.count("\n")
        if path.startswith(FOLDERS) and path.endswith(CODE + SCRIPTS) and count > 600 \
                and not re.search(r"Longer than 600 lines because", text[:4000]):
            yield f"{path}:1: {count} lines; split it, or say in the head comment 'Longer than 600 lines because ...'"


def check_columns(tree):
    """Code and scripts; IR and RUN lines of tests are as long as their types and options are."""
    for path, number, line in lines(tree, folders=FOLDERS, suffixes=CODE + SCRIPTS):
        if len(line) > 120 and "Lines of more than 120 columns because" not in tree[path][:2000]:
            yield f"{path}:{number}: a line of {len(line)} columns (120 at most)"


def check_function_length(tree):
    """Functions at column 0 (namespaces are not indented); a longer one says why in the comment above it."""
    for path in sorted(tree):
        if not path.startswith(FOLDERS) or not path.endswith((".cpp", ".h", ".c")):
            continue
        start, opened = None, False
        text = tree[path].splitlines()
        for number, line in enumerate(text, 1):
            if start is None:
                if re.match(r"[A-Za-z_~]", line) and not re.match(
                        r"(template\b.*)?"
                        r"(namespace|struct|class|union|enum|extern|using|typedef|public|private|protected)\b",
                        line) and not re.fullmatch(r"template\s*<.*>", line.rstrip()):
                    start, opened = number, line.rstrip().endswith("{")
                    if line.rstrip().endswith((";", "}")):
                        start = None
            elif not opened and line.rstrip().endswith(";"):
                start = None
            elif line.rstrip().endswith("{"):
                opened = True
            if start is not None and opened and line.startswith("}"):
                above = "\n".join(text[max(0, start - 12):start])
                if number - start + 1 > 80 and "Longer than 80 lines because" not in above:
                    yield f"{path}:{start}: a function of {number - start + 1} lines (80 at most)"
                start = None


def check_head_comment(tree):
    for path in sorted(tree):
        if not path.startswith(FOLDERS) or not path.endswith(CODE + SCRIPTS) or path.endswith(".inc"):
            continue
        text = re.sub(r"\A#!.*\n", "", tree[path]).lstrip()
        head = re.match(r'(?:(?://|#(?!include|ifndef|define|pragma)).*\n)+|/\*[\s\S]*?\*/|"""[\s\S]*?"""', text)
        stem, name = path.rsplit(".", 1)[0], path.rsplit("/", 1)[-1]
        # A title is enough where the header or the table says the rest.
        titled = (name == "Passes.h" or name.endswith((".td", "Test.cpp"))
                  or (path.endswith(".cpp") and stem + ".h" in tree))
        if not head or len(re.findall(r"[A-Za-z]{2,}", head.group(0))) < (3 if titled else 8):
            yield f"{path}:1: no head comment that says what the file is, why it exists and its contract"


def check_header_guards(tree):
    """A header is read once: by `#pragma once`, or by a guard of its path, which a copied or moved one has not."""
    for path in sorted(tree):
        if not path.startswith(FOLDERS) or not path.endswith(".h"):
            continue
        include_path = path.removeprefix("runtime/include/")
        wanted = re.sub(r"\W", "_", include_path).upper()
        wanted = wanted if wanted.startswith("NIBBLE_") else "NIBBLE_" + wanted
        guards = re.findall(r"(?m)^#ifndef (\w+)\n#define \1$", tree[path])
        if not re.search(r"(?m)^#pragma once$", tree[path]) and guards[:1] != [wanted]:
            found = f"the guard {guards[0]}" if guards else "neither"
            yield f"{path}:1: has no '#pragma once' and no guard {wanted}, but {found}"


def check_names(tree):
    word = "(?:Util|Utils|Common|Helper|Helpers|Manager|Experimental)"
    named = re.compile(rf"(?:class|struct|namespace|enum|function\()\s+\w*?{word}\b", re.IGNORECASE)
    for path in sorted(tree):
        for part in path.split("/"):
            if re.fullmatch(rf"\w*?{word}(?:\.\w+)*", part, re.IGNORECASE):
                yield f"{path}:1: '{part}' says nothing; name the one idea it holds"
                break
    for path, number, line in lines(tree, suffixes=CODE + SCRIPTS, skip=("test/lint/",)):
        if named.search(line):
            yield f"{path}:{number}: '{named.search(line).group(0)}' says nothing; name the one idea it holds"


check_open_ends = refuse(
    r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b", "left open: {}", suffixes=CODE + SCRIPTS + (".mlir", ".test"))


# --- Tables and their tests -----------------------------------------------------------------------------------------

def check_pass_tests(tree):
    tests = {path.split("/")[-1] for path in tree if path.startswith("test/") and path.endswith(".mlir")}
    for path in sorted(tree):
        if not path.endswith("Passes.td"):
            continue
        for found in re.finditer(r'\bdef\s+\w+\s*:\s*(?:Interface)?Pass<\s*"([\w-]+)"', tree[path]):
            name = found.group(1)
            wanted = {name + ".mlir", name.split("-", 1)[-1] + ".mlir"}
            if not wanted & tests:
                number = tree[path].count("\n", 0, found.start()) + 1
                yield f"{path}:{number}: pass {name} has no lit file {' or '.join(sorted(wanted))}"


def check_op_tests(tree):
    for path in sorted(tree):
        ops = re.fullmatch(r"dialects/(\w+)/\w*Ops\.td", path)
        if not ops:
            continue
        # Whatever its base class is called: an op is a definition whose first argument is a mnemonic.
        for found in re.finditer(r'(?m)^def\s+\w+\s*:\s*\w+\s*<\s*"([\w.]+)"', tree[path]):
            wanted = f"test/{ops.group(1)}/{re.sub('[_.]', '-', found.group(1))}.mlir"
            if wanted not in tree:
                number = tree[path].count("\n", 0, found.start()) + 1
                yield f"{path}:{number}: op {found.group(1)} has no lit file {wanted}"


def check_op_examples(tree):
    for path in sorted(tree):
        if not path.startswith("dialects/") or not path.endswith(".td"):
            continue
        text = tree[path]
        heads = list(re.finditer(r'(?m)^def\s+(\w+)\s*:\s*\w*Op(?:Base)?<"', text))
        for found in heads:
            following = re.search(r"(?m)^(?:def|class|#endif)\b", text[found.end():])
            body = text[found.end():found.end() + following.start()] if following else text[found.end():]
            number = text.count("\n", 0, found.start()) + 1
            if "let summary" not in body and "summary = " not in body:
                yield f"{path}:{number}: {found.group(1)} has no summary"
            if not re.search(r"description\s*=\s*\[\{[\s\S]*?```[\s\S]*?```[\s\S]*?\}\]", body):
                yield f"{path}:{number}: {found.group(1)} has no description with an example"


def check_lit_files(tree):
    for path in sorted(tree):
        if not path.startswith("test/") or not path.endswith((".mlir", ".test")) or "/Inputs/" in path:
            continue
        if "RUN:" not in tree[path]:
            yield f"{path}:1: has no RUN line, so it tests nothing"
        if "autogenerated" in tree[path]:
            yield f"{path}:1: pasted, generated CHECK lines"
        count = tree[path].count("\n")
        if count > 120 and "Longer than 120 lines because" not in tree[path]:
            yield f"{path}:1: {count} lines (120 at most); one behaviour a file"


HEAD = "// What the file is, why it exists here and what its contract is.\n"
ALL = [
    Rule("layers", check_layers,
         {"runtime/a.cpp": '#include "nibble/abi.h"\n', "codegen/b.cpp": '#include "mlir/IR/Builders.h"\n'},
         [{"runtime/a.cpp": '#include "dialects/LM/LM.h"\n'}, {"runtime/a.cpp": '#include "llvm/ADT/StringRef.h"\n'},
          {"dialects/a.h": '#include "compiler/Import/GGUF.h"\n'},
          {"codegen/a.h": '#include "compiler/Tile/Passes.h"\n'}]),
    Rule("instruction-sets", check_instruction_sets,
         {"compiler/Tile/a.cpp": "// dot rows\n", "compiler/Target/a.cpp": "avx2\n", "codegen/x.cpp": "neon\n"},
         [{"compiler/Tile/a.cpp": 'has("avx512vnni")\n'}, {"compiler/Legalize/a.cpp": "row.isa != Isa::Generic\n"},
          {"dialects/M.td": "// uses sdot\n"},
          {"compiler/Tile/a.cpp": "// vpdpbusd\n"}]),
    Rule("models", check_models,
         {"codegen/a.cpp": "// a phi node\n", "compiler/Import/Llama.cpp": "llama\n"},
         [{"codegen/a.cpp": "// for Llama\n"}, {"codegen/Lower/a.cpp": "Qwen2\n"}]),
    Rule("no-kernels", check_no_kernels,
         {"runtime/a.cpp": "int f();\n"},
         [{"runtime/a.cpp": "#include <immintrin.h>\n"}, {"runtime/a.cpp": "x = _mm256_add_ps(a, b);\n"}]),
    Rule("runtime", without_comments(check_runtime),
         {"runtime/a.cpp": "// does not throw an error\n  int i; // we try it\n"},
         [{"runtime/a.cpp": "#include <iostream>\n"}, {"runtime/a.cpp": "  throw Error();\n"},
          {"runtime/a.cpp": "  try {\n"}]),
    Rule("phases", check_phases,
         {"compiler/Pipelines/Phases.def":
          'NIBBLE_PHASE(import, "compiler/Import", "x")\nNIBBLE_PHASE(tile, "compiler/Tile", "y")\n',
          "compiler/Import/a.cpp": "", "compiler/Tile/a.cpp": "", "test/Import/a.mlir": "", "test/Tile/a.mlir": "",
          "docs/phases.md": "| phase |\n|---|\n| `import` | x |\n| `tile` | y |\n"},
         [{"docs/phases.md": "| `import` | x |\n"}, {"compiler/Pipelines/Phases.def": ""},
          {"compiler/Pipelines/Phases.def": 'NIBBLE_PHASE(import, "compiler/Import", "x")\n'},
          {"compiler/Pipelines/Phases.def": 'NIBBLE_PHASE(link, "compiler/Import", "x")\n',
           "docs/phases.md": "| `link` | x |\n"},
          {"compiler/Pipelines/Phases.def": 'NIBBLE_PHASE(tile, "compiler/None", "x")\n',
           "docs/phases.md": "| `tile` | x |\n"}]),
    Rule("machine-paths", check_machine_paths,
         {"docs/a.md": "build/bin\n"},
         [{"docs/a.md": "/" "work/main\n"}, {"test/a.test": "/home/" "me/x\n"}]),
    Rule("file-length", check_length,
         {"compiler/a.cpp": "x\n" * 600},
         [{"compiler/a.cpp": "x\n" * 601}]),
    Rule("columns", check_columns,
         {"compiler/a.cpp": "x" * 120 + "\n", "test/a.mlir": "x" * 121 + "\n",
          "test/b.py": '"""Templates. Lines of more than 120 columns because they are as published."""\n' + "x" * 121},
         [{"compiler/a.cpp": "é" * 121 + "\n"}, {"test/b.py": "x" * 121}, {"dialects/a.td": "x\n" + "x" * 121}]),
    Rule("function-length", check_function_length,
         {"compiler/a.cpp": "namespace n {\nint f(int a,\n      int b) {\n" + "  x;\n" * 70 + "}\nint g();\n" + "}\n"},
         [{"compiler/a.cpp": "int f() {\n" + "  x;\n" * 90 + "}\n"},
          {"compiler/a.cpp": "int f(int a,\n      int b) {\n" + "  x;\n" * 90 + "}\n"}]),
    Rule("head-comment", check_head_comment,
         {"compiler/a.cpp": HEAD + "int i;\n", "test/a.py": '"""' + HEAD + '"""\n',
          "compiler/Tile/Passes.td": "// Passes.td - phase tile\n"},
         [{"compiler/a.cpp": "#include <a>\n"}, {"compiler/a.h": "// a.h\n"}, {"test/a.py": "import os\n"}]),
    Rule("header-guards", check_header_guards,
         {"compiler/a.h": "#pragma once\n",
          "compiler/Tile/B.h": "#ifndef NIBBLE_COMPILER_TILE_B_H\n#define NIBBLE_COMPILER_TILE_B_H\n#endif\n",
          "runtime/include/nibble/c.h": "#ifndef NIBBLE_C_H\n#define NIBBLE_C_H\n#endif\n"},
         [{"compiler/a.h": "int f();\n"},
          {"compiler/Tile/B.h": "#ifndef NIBBLE_COMPILER_TILE_A_H\n#define NIBBLE_COMPILER_TILE_A_H\n#endif\n"}]),
    Rule("names", check_names,
         {"compiler/Tile/Tile.cpp": "class Commonwealth;\n"},
         [{"compiler/Common/a.cpp": ""}, {"compiler/Tile/TileUtils.h": ""}, {"runtime/a.h": "class BufferManager {\n"},
          {"runtime/a.h": "namespace utils {\n"}]),
    Rule("open-ends", check_open_ends,
         {"compiler/a.cpp": "// done\n"},
         [{"compiler/a.cpp": "// TO" "DO: later\n"}]),
    Rule("pass-tests", check_pass_tests,
         {"compiler/Tile/Passes.td": 'def T : Pass<"tile-pack-weights", "ModuleOp"> {\n',
          "test/Tile/pack-weights.mlir": ""},
         [{"compiler/Tile/Passes.td": 'def T : Pass<"tile-other", "ModuleOp"> {\n'}]),
    Rule("op-tests", check_op_tests,
         {"dialects/A/AOps.td":
          'class A_Op<string mnemonic> : Op<A_Dialect, mnemonic>;\ndef A_AddOneOp : A_Op<"add_one"> {\n',
          "test/A/add-one.mlir": "", "dialects/A/AInterfaces.td": 'def A_I : OpInterface<"I"> {\n'},
         [{"dialects/A/AOps.td": 'def A_OtherOp : A_Op<"other", [Pure]> {\n'},
          {"dialects/A/AOps.td": 'def A_OtherOp\n    : A_OtherBase<"other"> {\n'},
          {"dialects/A/AOps.td": 'def A_OtherOp : A_Op<"other"> {\n', "test/A/other-invalid.mlir": ""},
          {"dialects/B/BOps.td": 'def B_AddOneOp : B_Op<"add_one"> {\n'}]),
    Rule("op-examples", check_op_examples,
         {"dialects/A/AOps.td":
          'def A : A_Op<"a"> {\n  let summary = "s";\n  let description = [{\n ```mlir\n a.a\n```\n }];\n}\n'},
         [{"dialects/A/AOps.td": 'def A : A_Op<"a"> {\n  let summary = "s";\n  let description = [{ none }];\n}\n'},
          {"dialects/A/AOps.td": 'def A : A_Op<"a"> {\n}\n'}]),
    Rule("lit-files", check_lit_files,
         {"test/a.mlir": "// RUN: x\n"},
         [{"test/a.mlir": "func\n"}, {"test/a.mlir": "// RUN: x\n" * 121}]),
]
