#!/usr/bin/env bash
# A private Postgres cluster that lives as long as this script's standard input is open, so that it can never outlive the
# tests that asked for it. Prints one line, a connection string, when it accepts connections.
#
# PG_CONFIG             which Postgres (default: Debian's 15)
# OFFLINE_TEST_FSYNC    off: no flushing to disk
set -euo pipefail
# What a backtrace reads of the library stays in the memory of a backend, which tests measure.
export RUST_BACKTRACE=0
trap '' INT # Ctrl-C reaches the whole group; the end of the input says when to stop.

bin=$("${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}" --bindir)
dir=$(mktemp -d "${TMPDIR:-/tmp}/offline-test.XXXXXX")

# Postgres refuses to run as root.
run=()
if [ "$(id -u)" = 0 ]; then
    run=(runuser -u postgres --)
    chown postgres "$dir"
fi

stop='"${@:2}" -D "$1/data" -m immediate stop >>"$1/stop.log" 2>&1; rm -rf "$1"'
arguments=(janitor "$dir" "${run[@]}" "$bin/pg_ctl")
trap 'bash -c "$stop" "${arguments[@]}"' EXIT

cd "$dir"
"${run[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 \
    || { cat "$dir/initdb.log" >&2; exit 1; }

# No TCP: the socket's directory is private, so no port can be taken.
cat >>"$dir/data/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$dir'
fsync = ${OFFLINE_TEST_FSYNC:-on}
max_connections = 300
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 1h
timezone = 'UTC'
SETTINGS
"${run[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >"$dir/start.log" 2>&1 </dev/null \
    || { cat "$dir/start.log" "$dir/data/server.log" >&2; exit 1; }

# From here on a process in a session of its own waits for the end of the input: whoever is killed, it stops the cluster.
exec 3<&0 </dev/null
trap - EXIT
setsid bash -c "cat >/dev/null; $stop" "${arguments[@]}" <&3 3<&- >/dev/null 2>&1 &
exec 3<&-
echo "host=$dir port=5432 user=postgres dbname=postgres"
wait
