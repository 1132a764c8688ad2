#!/usr/bin/env bash
# Installs cargo-pgrx, which builds the extension, and tells it where Postgres is.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The same version as the pgrx dependency in Cargo.toml: pgrx refuses any other.
version=0.18.1
pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
config=${PGRX_HOME:-$HOME/.pgrx}/config.toml

if [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $version" ]; then
    say "installing cargo-pgrx $version, which builds the extension (takes some minutes)"
    cargo install cargo-pgrx --version "=$version" --locked
fi

if ! grep -qs '^pg15 *=' "$config"; then
    say "telling pgrx to use the Postgres of $pg_config"
    cargo pgrx init "--pg15=$pg_config"
fi
