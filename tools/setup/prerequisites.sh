#!/usr/bin/env bash
# Checks for what these scripts do not install themselves: Node.js and Rust.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

has node || fail "Node.js 20.14 or newer is needed (nodejs.org, or your package manager)"
node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 14) ? 0 : 1);
' || fail "Node.js 20.14 or newer is needed; this is $(node --version)"
has npm || fail "npm is needed; it usually comes with Node.js"
has cargo || fail "Rust is needed: install it with rustup (rustup.rs)"
