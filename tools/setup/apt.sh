#!/usr/bin/env bash
# Installs the Debian packages that building, running and testing need.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

packages=(
    build-essential          # the linker that Rust calls
    chromium                 # end-to-end tests of the web app
    clang                    # pgrx reads Postgres's headers with it
    libclang-dev
    jq                       # bench/instructions.sh
    pkg-config
    postgresql-15
    postgresql-server-dev-15
    python3-venv             # comparisons with other machine learning libraries
    valgrind                 # bench/instructions.sh counts with it
)

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

has apt-get || fail "this is not Debian; install the counterparts of: ${missing[*]}"

# Debian would make and start a cluster of its own with the first installation of Postgres. The
# stack has a private one, so that is switched off while the packages are installed.
no_cluster=/etc/postgresql-common/createcluster.d/pg-offline-sync.conf
if ! is_installed postgresql-15; then
    say "keeping Debian from creating a system-wide Postgres cluster ($no_cluster, for this installation)"
    as_root mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    trap 'as_root rm -f "$no_cluster"' EXIT
fi

say "installing Debian packages for Postgres, its headers, and the end-to-end tests: ${missing[*]}"
as_root apt-get update -qq
as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends -qq "${missing[@]}"
