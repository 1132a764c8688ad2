#!/usr/bin/env bash
# Runs the database tests on one private cluster that all test programs share. Arguments go to the test runner.
# The extension must be installed in the Postgres that PG_CONFIG names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

pg_config=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
if [ ! -e "$("$pg_config" --sharedir)/extension/pg_offline_sync.control" ]; then
    echo "pg_offline_sync is not installed in $("$pg_config" --bindir): run cargo pgrx install first" >&2
    exit 1
fi

coproc cluster { exec "$here/cluster.sh"; }
cluster_pid=$!
exec {cluster_in}>&"${cluster[1]}" {cluster_out}<&"${cluster[0]}"
read -r OFFLINE_TEST_DATABASE_URL <&"$cluster_out"
export OFFLINE_TEST_DATABASE_URL

status=0
if cargo nextest --version >/dev/null 2>&1; then
    runner=(cargo nextest run)
else
    runner=(cargo test)
fi
"${runner[@]}" --manifest-path "$here/Cargo.toml" "$@" {cluster_in}>&- {cluster_out}<&- || status=$?

eval "exec ${cluster[1]}>&- ${cluster[0]}<&-" 2>/dev/null || true
exec {cluster_in}>&- {cluster_out}<&-
wait "$cluster_pid" || true
exit "$status"
