"""Evidence: bench/ml/run.sh speed [--json] [--only training|scoring]

training_vs_sklearn: 100,000 rows × 20 features, from a table through offline.train_model, against fetching the same table and
scikit-learn's fit; and against the fit alone. scoring_throughput: 1,000,000 rows × 20 features scored inside a query, against fetching the
rows and scikit-learn's predict. One thread each; ours and theirs in turns; LONG=1 repeats more often.
"""

import argparse
import json
import os
import time

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from database import database
from rows import finish, note, row

COMMAND = "bench/ml/run.sh speed --json"
FEATURES = 20
TRAIN_ROWS, TEST_ROWS, SCORE_ROWS = 100_000, 10_000, 1_000_000
IS_LONG = os.environ.get("LONG") == "1"
TRAIN_ROUNDS = {"logistic": 9 if IS_LONG else 5, "forest": 3 if IS_LONG else 1}
SCORE_ROUNDS = 9 if IS_LONG else 3
TIME_BAR, RATE_BAR, FETCH_BAR = 2.0, 2_000_000, 5.0
COLUMNS = [f"f{n}" for n in range(FEATURES)]
# One record of COPY in binary of a real[] of 20: counts and header of the array, then length and number of each.
RECORD = np.dtype([("head", "V26"), ("cells", [("bytes", ">i4"), ("value", ">f4")], FEATURES)])


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def middle(values):
    """Median, and the interquartile range relative to it."""
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    return median, (high - low) / median


def in_turns(rounds, ours, theirs):
    """Seconds of both, in turns."""
    pairs = []
    for at in range(rounds):
        if at % 2 == 0:
            pairs.append((seconds(ours), seconds(theirs)))
        else:
            second = seconds(theirs)
            pairs.append((seconds(ours), second))
    return np.array(pairs)


def sample(rows, seed):
    return make_classification(
        rows, FEATURES, n_informative=10, n_redundant=5, class_sep=0.8, flip_y=0.05, random_state=seed
    )


def fill(db, values, labels):
    db.execute(f"create table bench_train (n int primary key, label text, {', '.join(f'{c} float8' for c in COLUMNS)})")
    with db.cursor().copy("copy bench_train from stdin") as copy:
        for n, (numbers, label) in enumerate(zip(values.tolist(), labels.tolist())):
            copy.write_row([n, label, *numbers])
    db.execute("vacuum analyze bench_train")


def train(db, algorithm, **more):
    spec = {"algorithm": algorithm, "table": "public.bench_train", "features": COLUMNS, "label": "label", "test_share": 0, "deploy": "always", **more}
    db.execute("select offline.train_model(%s, %s::jsonb)", (algorithm, json.dumps(spec)))


def table(db):
    """The table's numbers and labels, as a client gets them."""
    with db.cursor(binary=True) as cursor:
        cursor.execute(f"select {', '.join(COLUMNS)}, label from bench_train order by n")
        rows = cursor.fetchall()
    return np.array([values[:-1] for values in rows]), [values[-1] for values in rows]


def training_rows(db):
    """Time of training, and that it was not bought with accuracy."""
    values, labels = sample(TRAIN_ROWS + TEST_ROWS, 1)
    test, test_labels = values[TRAIN_ROWS:], labels[TRAIN_ROWS:]
    values, labels = values[:TRAIN_ROWS], labels[:TRAIN_ROWS]
    fill(db, values, labels)
    asked = json.dumps([dict(zip(COLUMNS, row)) for row in test.tolist()])
    makers = {
        "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": lambda: RandomForestClassifier(n_jobs=1, random_state=1),
    }
    rows = []
    for algorithm, make in makers.items():
        fitted, fits = [], []

        def theirs():
            numbers, words = table(db)
            fits.append(seconds(lambda: fitted.append(make().fit(numbers, words))))

        times = in_turns(TRAIN_ROUNDS[algorithm], lambda: train(db, algorithm), theirs)
        said = db.execute("select offline.predict_many(%s, %s::jsonb)", (algorithm, asked)).fetchone()[0]
        mine = np.mean([int(answer["label"]) for answer in said] == test_labels)
        other = np.mean(fitted[-1].predict(test).astype(int) == test_labels)
        ours_s, theirs_s = np.median(times, axis=0)
        fit_s = np.median(fits)
        note(f"{algorithm}: {ours_s:.3f} s against {theirs_s:.3f} s (fit alone {fit_s:.3f} s); accuracy {mine:.4f}, {other:.4f}")
        size = f"{TRAIN_ROWS:,} rows × {FEATURES}, {TRAIN_ROUNDS[algorithm]} rounds, one thread each"
        for name, what, ratios, bar in (
            ("", f"{fit_s:.2f} s for scikit-learn's fit alone, of numbers that its memory holds already", times[:, 0] / np.array(fits), TIME_BAR),
            ("_from_table", f"{theirs_s:.2f} s for fetching the same table (psycopg, binary) and scikit-learn's fit", times[:, 0] / times[:, 1], None),
        ):
            ratio, spread = middle(ratios)
            rows.append(
                row(
                    f"training_vs_sklearn_{algorithm}{name}",
                    f"from a table to a stored {algorithm} model, {ours_s:.2f} s, against {what}; defaults of both (our trees are at most 16 deep); "
                    f"accuracy on {TEST_ROWS:,} other rows {mine:.4f} and {other:.4f}",
                    ratio,
                    "× its time",
                    COMMAND,
                    size,
                    None if bar is None else f"≤ {bar:g}",
                    bar is None or (ratio <= bar and mine >= other - 0.01),
                    spread,
                )
            )
    return rows


def fetched(db):
    """All vectors, as a client gets them through psycopg in binary."""
    with db.cursor(binary=True) as cursor:
        cursor.execute("select features from bench_score")
        return np.array([features for features, in cursor], dtype=np.float32)


def copied(db):
    """All vectors by COPY in binary, taken apart by numpy without a Python object for each."""
    with db.cursor().copy("copy (select features from bench_score) to stdout (format binary)") as copy:
        data = b"".join(copy)
    # 19 bytes of header, 2 of trailer.
    return np.frombuffer(data, RECORD, SCORE_ROWS, 19)["cells"]["value"].astype(np.float32)


def scoring_rows(db):
    """Rows a second inside a query, and against fetching them."""
    values, labels = sample(TRAIN_ROWS, 1)
    fill(db, values, labels)
    train(db, "logistic")
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, labels)
    db.execute("create table bench_score (n int primary key, features real[])")
    db.execute(
        f"insert into bench_score select n, array[{', '.join(f'(f{f} + 0.001 * (n / {TRAIN_ROWS}))::real' for f in range(FEATURES))}] "
        f"from generate_series(0, {SCORE_ROWS - 1}) n join (select n as m, {', '.join(COLUMNS)} from bench_train) t on t.m = n % {TRAIN_ROWS}"
    )
    db.execute("vacuum analyze bench_score")
    db.execute("set max_parallel_workers_per_gather = 0")
    found = {}

    def inside():
        found["ours"] = db.execute("select sum((offline.score('logistic', features) > 0.5)::int) from bench_score").fetchone()[0]

    def outside(fetch):
        found["theirs"] = int(theirs.predict(fetch(db)).sum())

    inside()
    outside(copied)
    read = min(seconds(lambda: db.execute("select sum((features is not null)::int) from bench_score").fetchone()) for _ in range(3))
    usual = in_turns(SCORE_ROUNDS, inside, lambda: outside(fetched))
    quick = in_turns(SCORE_ROUNDS, inside, lambda: outside(copied))
    agree = abs(found["ours"] - found["theirs"]) / SCORE_ROWS
    rate, rate_spread = middle(SCORE_ROWS / np.concatenate([usual[:, 0], quick[:, 0]]))
    note(f"scoring: {rate:,.0f} rows/s; fetching {np.median(usual[:, 1]):.2f} s, by COPY {np.median(quick[:, 1]):.2f} s; reading alone {read:.3f} s; classes differ in {agree:.2%}")
    size = f"{SCORE_ROWS:,} rows × {FEATURES} real, one core"
    rows = [
        row(
            "scoring_throughput",
            f"logistic regression by offline.score inside a query, the reading of the table ({read:.2f} s of it) included",
            rate,
            "rows/s",
            COMMAND,
            size,
            f"≥ {RATE_BAR:,}",
            rate >= RATE_BAR and agree < 0.01,
            rate_spread,
        )
    ]
    for name, what, times, bar in (
        ("against_fetch", "fetching the vectors with psycopg (binary) and scikit-learn's predict", usual, FETCH_BAR),
        ("against_copy", "COPY in binary taken apart by numpy, and scikit-learn's predict", quick, None),
    ):
        ratio, spread = middle(times[:, 1] / times[:, 0])
        rows.append(
            row(
                f"scoring_throughput_{name}",
                f"the same count of positives: {what}, {np.median(times[:, 1]):.2f} s, against offline.score in the query, {np.median(times[:, 0]):.2f} s; "
                f"the two models differ in {agree:.2%} of the classes",
                ratio,
                "× faster",
                COMMAND,
                size,
                None if bar is None else f"≥ {bar:g}",
                bar is None or ratio >= bar,
                spread,
            )
        )
    return rows


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--only", choices=["training", "scoring"])
    asked = arguments.parse_args()
    rows = []
    for name, make in (("training", training_rows), ("scoring", scoring_rows)):
        if asked.only in (None, name):
            with database() as db:
                rows += make(db)
    finish(rows, asked.json)


if __name__ == "__main__":
    main()
