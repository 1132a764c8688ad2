#!/usr/bin/env bash
# Sees to pgvector, with which recommendations are searched by index. The product works without it; the tests try both. Debian 12 has
# no package of it, Debian 13 has its source, which builds in seconds.
set -euo pipefail
# shellcheck source=tools/setup/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
[ ! -e "$("$pg_config" --sharedir)/extension/vector.control" ] || exit 0
has apt-get || fail "pgvector is missing: install the package of your system for this Postgres"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Lists of its own: the system's sources stay as they are.
mirror=$(grep -rhoE '^(URIs: |deb (\[[^]]*\] )?)[a-z]+://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
    grep -oE '[a-z]+://[^ ]+' | head -n 1) || true
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} trixie main" >"$work/sources.list"
mkdir -p "$work/lists/partial"
chmod -R a+rX "$work"
options=(-qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
say "building pgvector from Debian's source for $("$pg_config" --version)"
(
    cd "$work"
    apt-get "${options[@]}" update
    apt-get "${options[@]}" --download-only source pgvector
    mkdir source
    tar -xf pgvector_*.orig.tar.* -C source --strip-components=1
    # Any machine of this architecture may run what is built here.
    make -s -C source OPTFLAGS="" PG_CONFIG="$pg_config"
    as_root make -s -C source install PG_CONFIG="$pg_config" >/dev/null
)
