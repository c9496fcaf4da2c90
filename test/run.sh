#!/usr/bin/env bash
# Builds Nibble in build/ and runs every test. The last line is "N passed, N failed[, N skipped]".
#
#   test/run.sh                 all
#   NIBBLE_SKIP_SLOW=1          without the tests named *.slow.*
#   NIBBLE_JOBS=N               compile and test with N processes (default: number of CPUs)
#   NIBBLE_NO_MODEL=1           does not fetch SmolLM2; the tests that need it are counted as skipped
#
# Exits 0 when the build and all tests succeeded.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
jobs=${NIBBLE_JOBS:-$(nproc)}
results=$build/test/results
started=$SECONDS

step() { printf '== %s  (%d s)\n' "$1" $((SECONDS - started)); }
broken() {
  echo "error: $1"
  echo "0 passed, 1 failed"
  exit 1
}

step "packages"
"$root/examples/packages.sh" build test || broken "packages are missing"

step "model"
if [ -n "${NIBBLE_NO_MODEL:-}" ]; then
  echo "SmolLM2 is not fetched (NIBBLE_NO_MODEL); a cached one is used"
elif ! "$root/examples/get-model.sh"; then
  echo "SmolLM2 could not be fetched: tests that need it are skipped"
fi

step "configure"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang-22 \
  -DCMAKE_CXX_COMPILER=clang++-22 -DNIBBLE_BUILD_TESTS=ON > "$build.configure.log" 2>&1
configured=$?
mkdir -p "$build" && mv "$build.configure.log" "$build/configure.log"
[ $configured -eq 0 ] || { cat "$build/configure.log"; broken "cmake failed"; }

step "build with $jobs processes"
NINJA_STATUS='[%f/%t %es] ' ninja -C "$build" -j "$jobs" all || broken "the build failed"

rm -rf "$results" && mkdir -p "$results"

step "unit tests"
(cd "$build" && ctest -j "$jobs" --output-on-failure --output-junit "$results/ctest.junit")

step "lit"
"$(sed -n 's/^NIBBLE_LLVM_ROOT:[A-Z]*=//p' "$build/CMakeCache.txt")/bin/lit" -j "$jobs" -v \
  --time-tests --xunit-xml-output="$results/lit.xml" "$build/test"

step "done"
python3 "$root/test/summary.py" "$results"
