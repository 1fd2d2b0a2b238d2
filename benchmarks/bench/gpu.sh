#!/usr/bin/env bash
# What is asked of a GPU, in at most eight minutes, into results/bench/gpu/; the table is printed.
#   benchmarks/bench/gpu.sh            on a machine with a GPU
#   benchmarks/bench/gpu.sh --small    the same in little, on any machine: to see that it runs to its end
# It needs a Python with gradest's dependencies and JAX for the GPU (PYTHON=…, else the one of `make setup`,
# else python3), and PyTorch for its peers. Nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}"
"$python" -c 'import importlib.metadata as installed; installed.version("gradest")' 2>/dev/null ||
  "$python" -m pip install --quiet --no-deps --no-build-isolation --editable .
exec "$python" -m gradest.benchmarks.bench.gpu "$@"
