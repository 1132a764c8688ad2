"""Evidence: bench/ml/run.sh backend [--json] [--only latency|cancel]

predict_latency: the first predict of a connection (library, catalog and model are all new to its backend), and a later single one, measured
inside the backend. cancel: a cancel during training, until the client has its error, and the memory of the backend afterwards.
"""

import argparse
import json
import os
import pathlib
import threading
import time

import numpy as np
import psycopg
from sklearn.datasets import make_classification

from database import database
from rows import finish, note, row

COMMAND = "bench/ml/run.sh backend --json"
IS_LONG = os.environ.get("LONG") == "1"
FEATURES, ROWS = 20, 2_000
CONNECTIONS = 60 if IS_LONG else 20
CALLS = 2_000
CANCELS = 20 if IS_LONG else 8
FIRST_BAR_MS, LATER_BAR_US, CANCEL_BAR_MS = 10, 100, 200
# What the allocator and the caches of a backend may differ by.
MEMORY_BAR_MB = 8
QUERY = (
    "select hashint4(g) / 1e9 as a, hashint4(g + 1) / 1e9 as b, hashint4(g + 2) / 1e9 as c, hashint4(g + 3) / 1e9 as d, "
    "hashint4(g + 4) / 1e9 as e, hashint4(g + 5) % 2 as kind from generate_series(1, 300000) g"
)
FOREST = json.dumps(
    {"algorithm": "forest", "query": QUERY, "label": "kind", "features": list("abcde"), "params": {"trees": 1_000, "task": "classification"}}
)


def train(db):
    """A logistic model of 20 features, and one row for it."""
    values, labels = make_classification(ROWS, FEATURES, n_informative=10, random_state=1)
    columns = [f"f{n}" for n in range(FEATURES)]
    db.execute(f"create table sample (n int primary key, label text, {', '.join(f'{c} float8' for c in columns)})")
    with db.cursor().copy("copy sample from stdin") as copy:
        for n, (numbers, label) in enumerate(zip(values.tolist(), labels.tolist())):
            copy.write_row([n, label, *numbers])
    spec = {"algorithm": "logistic", "table": "public.sample", "features": columns, "label": "label"}
    db.execute("select offline.train_model('kind', %s::jsonb)", (json.dumps(spec),))
    return json.dumps(dict(zip(columns, values[0].tolist())))


def latency_rows(db):
    features = train(db)
    where = db.info.dsn
    first = []
    for _ in range(CONNECTIONS):
        with psycopg.connect(where, autocommit=True) as fresh:
            began = time.perf_counter()
            fresh.execute("select offline.predict('kind', %s::jsonb)", (features,)).fetchone()
            first.append((time.perf_counter() - began) * 1e3)
    # The clock of the backend around each call, as a caller's own function would make it.
    db.execute(
        """
        create function time_predict(p_features jsonb, p_calls int) returns double precision[] language plpgsql as $$
        declare
            v_began timestamptz;
            v_answer jsonb;
            v_times double precision[];
        begin
            for i in 1 .. p_calls loop
                v_began := clock_timestamp();
                v_answer := offline.predict('kind', p_features);
                v_times := v_times || extract(epoch from clock_timestamp() - v_began)::double precision;
            end loop;
            return v_times;
        end $$"""
    )
    inside = np.array(db.execute("select time_predict(%s::jsonb, %s)", (features, CALLS)).fetchone()[0]) * 1e6
    # A statement of its own each: the version that serves is looked up anew, as its snapshot is new.
    alone = []
    for _ in range(200):
        answer = db.execute("explain (analyze, format json) select offline.predict('kind', %s::jsonb || jsonb_build_object('f0', random()))", (features,)).fetchone()[0]
        alone.append(answer[0]["Execution Time"] * 1e3)
    note(f"first {np.median(first):.2f} ms, again {np.median(inside):.1f} µs, in a statement of its own {np.median(alone):.1f} µs")
    size = f"logistic, {FEATURES} features by name"
    spread = lambda values: (np.quantile(values, 0.75) - np.quantile(values, 0.25)) / np.median(values)
    return [
        row("predict_latency_first", "the first predict of a new connection, seen by the client: loads the library, finds and parses the model", np.median(first), "ms",
            COMMAND, f"{size}, {CONNECTIONS} connections", f"< {FIRST_BAR_MS}", np.median(first) < FIRST_BAR_MS, spread(first)),
        row("predict_latency", "a later predict, by the clock of the backend, each as a statement of its own that looks up which version serves", np.median(alone), "µs",
            COMMAND, f"{size}, 200 statements", f"< {LATER_BAR_US}", np.median(alone) < LATER_BAR_US, spread(alone)),
        row("predict_latency_same_snapshot", "the same, again and again within one statement", np.median(inside), "µs",
            COMMAND, f"{size}, {CALLS:,} calls", f"< {LATER_BAR_US}", np.median(inside) < LATER_BAR_US, spread(inside)),
    ]


def anonymous_mb(pid):
    """Memory of a process that is its own."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon:")).split()[1]) / 1024


def cancel_rows(db):
    train(db)
    pid = db.execute("select pg_backend_pid()").fetchone()[0]
    waits, kept, peak = [], [], 0.0
    for at in range(CANCELS):
        before = anonymous_mb(pid)
        failed = {}

        def work():
            try:
                db.execute("select offline.train_model('big', %s::jsonb)", (FOREST,))
            except psycopg.errors.QueryCanceled:
                failed["at"] = time.perf_counter()

        thread = threading.Thread(target=work)
        thread.start()
        # The rows are gathered by Postgres itself; the training begins when the backend has more than them, and is hit at another
        # moment each time.
        deadline = time.perf_counter() + 60
        while anonymous_mb(pid) < before + 30 and time.perf_counter() < deadline:
            time.sleep(0.002)
        time.sleep(0.3 + 0.25 * at)
        peak = max(peak, anonymous_mb(pid) - before)
        asked = time.perf_counter()
        db.cancel_safe()
        thread.join()
        waits.append((failed["at"] - asked) * 1e3)
        time.sleep(0.3)
        kept.append(anonymous_mb(pid) - before)
    note(f"cancel: {np.median(waits):.0f} ms, at most {max(waits):.0f} ms; memory {peak:.0f} MB at most, kept {np.median(kept):.1f} MB")
    size = f"forest of 1,000 trees on 300,000 rows, {CANCELS} cancels at different moments"
    return [
        row("cancel", "from the request to cancel a training until the client has its error (57014), the slowest", max(waits), "ms", COMMAND, size,
            f"< {CANCEL_BAR_MS}", max(waits) < CANCEL_BAR_MS),
        row("cancel_memory", f"memory of the backend 0.3 s after a cancel beyond what it had before, of {peak:.0f} MB that the training took; the later half of the cancels",
            np.median(kept[CANCELS // 2 :]), "MB", COMMAND, size, f"< {MEMORY_BAR_MB}", np.median(kept[CANCELS // 2 :]) < MEMORY_BAR_MB and peak > 50),
    ]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--only", choices=["latency", "cancel"])
    asked = arguments.parse_args()
    rows = []
    for name, make in (("latency", latency_rows), ("cancel", cancel_rows)):
        if asked.only in (None, name):
            with database() as db:
                rows += make(db)
    finish(rows, asked.json)


if __name__ == "__main__":
    main()
