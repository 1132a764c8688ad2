"""A private Postgres cluster with the extension, the sample tables and the models' feature views."""

import os
import pathlib
import subprocess
from contextlib import contextmanager

import psycopg

ROOT = pathlib.Path(__file__).resolve().parents[2]
PG_CONFIG = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
# What the evaluations hand over at once is more than a caller of the API may.
SETTINGS = {
    "offline_sync.train_rows_max": "1000000",
    "offline_sync.predict_rows_max": "100000",
}


@contextmanager
def database(sample=False):
    """A connection as the owner of a database who is no superuser. `sample`: with the sample tables, views and generators.

    The cluster ends with this process, however it ends."""
    cluster = subprocess.Popen(
        [ROOT / "pg_offline_sync/tests/cluster.sh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OFFLINE_TEST_FSYNC": "off"},
        text=True,
    )
    try:
        where = cluster.stdout.readline().strip()
        if not where:
            raise RuntimeError("the cluster did not start")
        prepare(where, sample)
        with psycopg.connect(f"{where} user=owner", autocommit=True) as connection:
            connection.execute("set search_path = public, offline")
            yield connection
    finally:
        cluster.stdin.close()
        cluster.wait()


def prepare(where, sample):
    """Roles, extension, storage; the sample tables and the models' views."""
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute((ROOT / "bench/ml/stage.sql").read_text())
        admin.execute("create extension pg_offline_sync")
        for name, value in SETTINGS.items():
            admin.execute(f"alter database postgres set {name} = '{value}'")
    with psycopg.connect(f"{where} user=owner", autocommit=True) as owner:
        owner.execute("select offline.bootstrap()")
        if not sample:
            return
        for migration in sorted((ROOT / "supabase/migrations").glob("*.sql")):
            owner.execute(migration.read_text())
    psql = pathlib.Path(subprocess.check_output([PG_CONFIG, "--bindir"], text=True).strip()) / "psql"
    command = [psql, f"{where} user=owner", "-qXv", "ON_ERROR_STOP=1", "-f", ROOT / "supabase/models/load.sql"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
