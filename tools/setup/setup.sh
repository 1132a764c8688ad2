#!/usr/bin/env bash
# Installs everything that is missing for building, running and testing; repeating it does nothing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/prerequisites.sh"
"$here/apt.sh"
"$here/pgvector.sh"
"$here/cargo-pgrx.sh"
"$here/wasm.sh"
"$here/npm.sh"
