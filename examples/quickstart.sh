#!/usr/bin/env bash
# From a fresh Debian 12 to an answer: packages, build, model, compile, run. What is done already is skipped.
#
#   examples/quickstart.sh ["question"]
#
# Downloads about 300 MB of packages and 93 MB of model the first time. The compiler is built in build/, the model is
# kept in ${NIBBLE_CACHE:-$HOME/.cache/nibble}, and the compiled program is build/smollm2: one file that needs no other.
# NIBBLE_QUICKSTART_OUT names another place for the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
program=${NIBBLE_QUICKSTART_OUT:-$build/smollm2}
question=${1:-What is the capital of France?}

say() { printf '\033[1m[%d/5] %s\033[0m\n' "$1" "$2" >&2; }

say 1 "Debian packages"
"$root/examples/packages.sh" build

say 2 "Build the compiler"
if [ ! -f "$build/build.ninja" ]; then
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-22 \
    -DCMAKE_CXX_COMPILER=clang++-22 -DNIBBLE_BUILD_TESTS=OFF >&2
fi
NINJA_STATUS='[%f/%t %es] ' ninja -C "$build" nibble >&2

say 3 "Get SmolLM2-135M-Instruct"
model=$("$root/examples/get-model.sh")

say 4 "Compile the model"
if [ "$program" -nt "$build/bin/nibble" ] && [ "$program" -nt "$model" ]; then
  echo "$program is up to date" >&2
else
  "$build/bin/nibble" compile "$model" -o "$program"
fi

say 5 "Ask: $question"
# Greedy, so that two runs give one answer. With the system prompt of its own template the small model is undecided
# between English and French here; with this one it is not (the first token's logit is 1.5 above the next one's).
"$program" "$question" --system "Answer in one sentence." --temp 0
