#!/usr/bin/env bash
# Runs one of the programs beside this file with the pinned Python packages: bench/ml/run.sh product_models --json
# The first call makes the environment in .local/ml; a change of requirements.txt makes it anew.
# The extension must be installed in the Postgres that PG_CONFIG names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/.local/ml

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi

program=${1:?"which program? $(cd "$here" && ls ./*.py | xargs)"}
shift
# One thread on both sides: a backend has one core.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
# Settings for old builds of OpenBLAS slow a present one down; here its speed is measured.
case $program in *speed) unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE ;; esac
cd "$root"
exec "$venv/bin/python" "$here/$program.py" "$@"
