#!/usr/bin/env bash
# Tests, a race and a profile on one NVIDIA GPU, in under six minutes and without a network; one dated result file.
#
#     benchmarks/gpu/wheels.sh                    # before, on a machine with a network: what the bare one lacks
#     benchmarks/gpu/check.sh [RESULT.md]         # default: benchmarks/results/gpu/<date>-<card>.md
#     benchmarks/gpu/check.sh --dry-run [RESULT.md]   # the whole script on a CPU, with tiny models
#
# Expects Python (PYTHON=python3) with torch, transformers, accelerate, numpy, pandas, scipy, scikit-learn, typer, rich
# and jinja2. A part that runs out of its time, or fails, is noted in the file, and the next one begins.
set -uo pipefail
cd "$(dirname "$0")/../.."
started=$SECONDS
dry=() patience=1
if [ "${1:-}" = --dry-run ]; then
    dry=(--dry-run) patience=10 # A CPU takes as long as it takes.
    export HARNESS_DRY_RUN=1 CUDA_VISIBLE_DEVICES=""
    shift
fi
python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 TOKENIZERS_PARALLELISM=false HARNESS_FEATURES=0 XDG_CACHE_HOME="$scratch/cache"
export PYTHONPATH="$PWD" HARNESS_NATIVE=0 # Our compiled kernels are for CPUs.

wheels=(benchmarks/gpu/wheels/*.whl)
if [ -e "${wheels[0]}" ]; then
    "$python" -m pip install --quiet --no-index --no-deps --target "$scratch/site" "${wheels[@]}" || exit 2
    mkdir "$scratch/start"
    # Behind what is installed, so that what the machine has of its own is what is used.
    echo "import sys; sys.path.append('$scratch/site')" >"$scratch/start/sitecustomize.py"
    export PYTHONPATH="$PWD:$scratch/start"
fi
"$python" -c 'import torch, transformers, accelerate, pydantic, pyarrow, pytest, harness.runs.execution' || {
    echo "check.sh: a package is missing (above). Make the wheels with benchmarks/gpu/wheels.sh, and bring them along." >&2
    exit 2
}
card=$("$python" -c 'import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")')
if [ "$card" = "no GPU" ] && [ ${#dry[@]} -eq 0 ]; then
    echo "check.sh: no NVIDIA GPU is here. --dry-run works everything through on a CPU." >&2
    exit 2
fi
slug=$(echo "$card" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9-')
result=${1:-benchmarks/results/gpu/$(date +%F)-${dry:+dry-run-}$slug.md}
mkdir -p "$(dirname "$result")"
failed=0

part() { # part TITLE SECONDS COMMAND...: what it printed goes into the result, and how it ended.
    local title=$1 seconds=$(($2 * patience)) begun=$SECONDS code
    shift 2
    timeout "$seconds" "$@" >"$scratch/part" 2>"$scratch/errors"
    code=$?
    {
        echo "## $title"
        echo
        cat "$scratch/part"
        echo
        [ "$code" -eq 0 ] || { failed=1; echo '```'; tail -n 40 "$scratch/errors"; echo '```'; }
        echo "$title: exit code $code$([ "$code" -eq 124 ] && echo " (its $seconds s were over)"), $((SECONDS - begun)) s."
        echo
    } >>"$result"
    [ "$code" -eq 0 ] || failed=1
    echo "$title: exit code $code, $((SECONDS - begun)) s"
}

{
    echo "# One GPU: tests, a race and a profile"
    echo
    if [ ${#dry[@]} -gt 0 ]; then
        echo "DRY RUN ON A CPU, with tiny models: nothing below was run on a GPU, and no number of it means anything."
    else
        echo "Card: $card, driver $(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)."
    fi
    echo "Date: $(date -u +'%F %H:%M') UTC. $("$python" -c 'import sys, torch, transformers, accelerate as a
print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, transformers {transformers.__version__}, accelerate {a.__version__}.")')"
    commit=$(git rev-parse --short HEAD 2>/dev/null) || commit=unknown
    [ "$commit" = unknown ] || git diff --quiet HEAD || commit="$commit, with local changes"
    echo "Commit: $commit."
    echo
} >"$result"

part "Tests" 160 "$python" -m pytest -q -p no:cacheprovider -o addopts="--import-mode=importlib --strict-markers" -m gpu tests/gpu
part "Race" 150 "$python" -m benchmarks.gpu.race --seconds 110 "${dry[@]}"
part "Profile" 45 "$python" -m benchmarks.gpu.profiled "${dry[@]}"
echo "All: $((SECONDS - started)) s." >>"$result"
echo "$result"
exit "$failed"
