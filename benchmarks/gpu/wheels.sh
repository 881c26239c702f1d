#!/usr/bin/env bash
# Fetch what a bare GPU machine lacks, as wheels for its Python (default 3.12, Linux, x86), into benchmarks/gpu/wheels/.
set -euo pipefail
cd "$(dirname "$0")/../.."
# As constraints.txt pins them. What the machine has (check.sh) is left out, and so are datasets and evaluate, without
# which check.sh works. If the tree is to be small, it needs no weights of configs/models either (31 MiB).
names=(annotated-types attrs iniconfig joblib pluggy protobuf psutil pydantic pydantic_core pytest sentencepiece
    typing-inspection)
pinned=(pyarrow==21.0.0) # Small: all of it and the tree, without weights, take 57 MiB.
for name in "${names[@]}"; do
    pinned+=("$(grep -i "^$name==" constraints.txt)")
done
rm -rf benchmarks/gpu/wheels
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --dest benchmarks/gpu/wheels \
    --python-version "${1:-3.12}" --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 "${pinned[@]}"
du -sm benchmarks/gpu/wheels
