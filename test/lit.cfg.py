"""lit configuration: which files are tests, what their commands may name, what they may require.

Substitutions   %nibble %nibble-opt        the built tools (also on PATH by their plain names)
                %python                    the Python that CMake found
                %qemu-aarch64              user-mode emulator, default CPU "max"
                %cxx                       the host compiler
                %source %inputs            root of the repository, test/Inputs
                %smollm2                   SmolLM2-135M-Instruct, Q4_1 (only with REQUIRES: model-smollm2)
                %minilm                    all-MiniLM-L6-v2, f32 (only with REQUIRES: model-minilm)
                %gemma3                    Gemma 3 270M, Q4_K_M (only with REQUIRES: model-gemma3)
Features        aarch64-qemu               AArch64 programs can be linked and run
                qemu-plugins               qemu-aarch64 is there, the dynamic emulator, which takes plugins
                avx2 avx512vnni            this CPU has them
                model-smollm2              the model lies in the cache (test/run.sh fetches it)
                model-minilm               the model lies in the cache (examples/get-model.sh minilm fetches it)
                model-gemma3               the model lies in the cache (examples/get-model.sh gemma3 fetches it)
                root                       running as the superuser
Files named *.slow.* take more than ten seconds; NIBBLE_SKIP_SLOW=1 leaves them out. The longest start first in a new
build: .lit_test_times.txt has their seconds, as lit writes them.
"""
import os
import shutil

import lit.formats

config.name = "nibble"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.nibble_source, "test")
config.test_exec_root = os.path.join(config.nibble_build, "test")

tools = os.path.join(config.nibble_build, "bin")
config.environment["PATH"] = os.pathsep.join(
    [tools, os.path.join(config.llvm_root, "bin"), os.environ.get("PATH", "")])
for name in ("HOME", "NIBBLE_CACHE", "TMPDIR", "LD_LIBRARY_PATH"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

cache = os.environ.get("NIBBLE_CACHE") or os.path.expanduser("~/.cache/nibble")
smollm2 = os.path.join(cache, "SmolLM2-135M-Instruct.Q4_1.gguf")
gemma3 = os.path.join(cache, "gemma-3-270m-q4_k_m.gguf")
minilm = os.path.join(cache, "all-MiniLM-L6-v2")

# The longer name first: a substitution replaces every occurrence of its pattern.
config.substitutions += [
    ("%nibble-opt", os.path.join(tools, "nibble-opt")),
    ("%nibble", os.path.join(tools, "nibble")),
    ("%python", config.python),
    ("%qemu-aarch64", config.qemu_aarch64),
    ("%cxx", config.cxx),
    ("%source", config.nibble_source),
    ("%inputs", os.path.join(config.nibble_source, "test", "Inputs")),
    ("%smollm2", smollm2),
    ("%gemma3", gemma3),
    ("%minilm", minilm),
]


def cpu_flags():
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.split())
    except OSError:
        pass
    return set()


flags = cpu_flags()
if shutil.which(config.qemu_aarch64) and shutil.which(config.aarch64_cxx):
    config.available_features.add("aarch64-qemu")
if shutil.which("qemu-aarch64") and shutil.which(config.aarch64_cxx):
    config.available_features.add("qemu-plugins")
if "avx2" in flags:
    config.available_features.add("avx2")
if "avx512_vnni" in flags:
    config.available_features.add("avx512vnni")
if os.path.exists(minilm):
    config.available_features.add("model-minilm")
if os.path.exists(smollm2):
    config.available_features.add("model-smollm2")
if os.path.exists(gemma3):
    config.available_features.add("model-gemma3")
if os.geteuid() == 0:
    config.available_features.add("root")
if os.environ.get("NIBBLE_SKIP_SLOW"):
    config.excludes += [
        name for _, _, names in os.walk(config.test_source_root) for name in names if ".slow." in name]
