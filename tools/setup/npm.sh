#!/usr/bin/env bash
# Installs the npm packages of the local stack, the demonstration and the client, as their lock files say.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for package in supabase/local supabase/demo client-js; do
    lock=$root/$package/package-lock.json
    # npm writes this copy of the lock file at the end of an installation.
    installed=$root/$package/node_modules/.package-lock.json
    [ -f "$lock" ] || fail "$package has no package-lock.json"
    if [ ! -f "$installed" ] || [ "$lock" -nt "$installed" ]; then
        say "installing the npm packages of $package"
        npm ci --prefix "$root/$package" --no-audit --no-fund
    fi
done
