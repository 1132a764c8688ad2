"""Evidence: bench/ml/run.sh accuracy_vs_sklearn [--json]

scikit-learn's bundled data sets, cut into the same five parts (LONG=1: three times over). Every algorithm that both have is trained on four
parts, through offline.train_model here and by scikit-learn there, with the same parameters where they have the same names, else with
each side's own defaults, and judged on the fifth, through offline.predict_many.
"""

import argparse
import json
import os
from dataclasses import dataclass
from typing import Callable

import numpy as np
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from database import database
from rows import finish, note, row

COMMAND = "bench/ml/run.sh accuracy_vs_sklearn --json"
REPEATS, PARTS = 3 if os.environ.get("LONG") == "1" else 1, 5
POINTS = 1.0
TABLES = {
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}


@dataclass
class Pair:
    """One algorithm on both sides: its name and parameters here, a maker of the estimator there."""

    algorithm: str
    make: Callable
    params: dict


def scaled(estimator):
    """As our feature pipeline does by itself."""
    return make_pipeline(StandardScaler(), estimator)


CLASSIFIERS = [
    Pair("logistic", lambda seed: scaled(LogisticRegression(max_iter=2000)), {}),
    Pair("gaussian_nb", lambda seed: GaussianNB(), {}),
    Pair("multinomial_nb", lambda seed: MultinomialNB(), {}),
    Pair("tree", lambda seed: DecisionTreeClassifier(random_state=seed), {}),
    Pair("forest", lambda seed: RandomForestClassifier(random_state=seed), {}),
    Pair("boosting", lambda seed: GradientBoostingClassifier(max_depth=4, random_state=seed), {"max_depth": 4}),
]
BINARY = [Pair("ftrl", lambda seed: scaled(SGDClassifier(loss="log_loss", random_state=seed)), {})]
REGRESSORS = [
    Pair("linear", lambda seed: LinearRegression(), {}),
    Pair("elastic_net", lambda seed: scaled(ElasticNet()), {}),
    Pair("tree", lambda seed: DecisionTreeRegressor(max_depth=4, random_state=seed), {"max_depth": 4, "task": "regression"}),
    Pair("forest", lambda seed: RandomForestRegressor(random_state=seed), {"task": "regression"}),
    Pair("boosting", lambda seed: GradientBoostingRegressor(max_depth=2, random_state=seed), {"max_depth": 2, "task": "regression"}),
]


def fill(db, name, data):
    """A table of the rows, in their order."""
    columns = [f"f{n}" for n in range(data.data.shape[1])]
    db.execute(f"create table bench_{name} (n int primary key, label text, {', '.join(f'{c} float8' for c in columns)})")
    with db.cursor().copy(f"copy bench_{name} from stdin") as copy:
        for n, (values, label) in enumerate(zip(data.data.tolist(), data.target.tolist())):
            copy.write_row([n, label, *values])
    return columns


def ours(db, name, columns, pair, data, train, test, seed):
    """What a model trained on some rows says of others: labels, or numbers."""
    spec = {
        "algorithm": pair.algorithm,
        "query": f"select * from bench_{name} where n = any ('{{{','.join(map(str, sorted(train)))}}}') order by n",
        "features": columns,
        "label": "label",
        "test_share": 0,
        "seed": seed,
        "params": pair.params,
        "deploy": "always",
    }
    model = f"{name}_{pair.algorithm}"
    db.execute("select offline.train_model(%s, %s::jsonb)", (model, json.dumps(spec)))
    rows = [dict(zip(columns, values)) for values in data.data[test].tolist()]
    answers = db.execute("select offline.predict_many(%s, %s::jsonb)", (model, json.dumps(rows))).fetchone()[0]
    if name == "diabetes":
        return [answer["score"] for answer in answers]
    return [float(answer["label"]) for answer in answers]


def pairs_of(name, data):
    """The algorithms that take these data."""
    if name == "diabetes":
        return REGRESSORS
    pairs = [pair for pair in CLASSIFIERS if pair.algorithm != "multinomial_nb" or data.data.min() >= 0]
    return pairs + (BINARY if len(data.target_names) == 2 else [])


def compare(db, name):
    """Figures of each algorithm in points: (algorithm, ours, scikit-learn's)."""
    data = TABLES[name]()
    columns = fill(db, name, data)
    judge = r2_score if name == "diabetes" else accuracy_score
    found = []
    for pair in pairs_of(name, data):
        points = []
        for repeat in range(REPEATS):
            cut = KFold if name == "diabetes" else StratifiedKFold
            for train, test in cut(PARTS, shuffle=True, random_state=repeat).split(data.data, data.target):
                theirs = pair.make(repeat).fit(data.data[train], data.target[train]).predict(data.data[test])
                mine = ours(db, name, columns, pair, data, train, test, repeat + 1)
                points.append((100 * judge(data.target[test], mine), 100 * judge(data.target[test], theirs)))
        mine, theirs = np.mean(points, axis=0)
        note(f"{name:14} {pair.algorithm:15} {mine:7.2f} {theirs:7.2f} {mine - theirs:+6.2f}")
        found.append((pair.algorithm, mine, theirs))
    return found + (unsupervised(db, name, columns, data) if name == "wine" else [])


def unsupervised(db, name, columns, data):
    """k-means and components: the share of the variance that they explain, in points."""
    found = []
    scaler = StandardScaler().fit(data.data)
    values = scaler.transform(data.data)
    for algorithm, params in (("kmeans", {"clusters": 3}), ("pca", {"components": 5})):
        spec = {"algorithm": algorithm, "table": f"public.bench_{name}", "features": columns, "test_share": 0, "params": params, "deploy": "always"}
        db.execute("select offline.train_model(%s, %s::jsonb)", (f"{name}_{algorithm}", json.dumps(spec)))
        rows = json.dumps([dict(zip(columns, row)) for row in data.data.tolist()])
        said = db.execute("select offline.predict_many(%s, %s::jsonb)", (f"{name}_{algorithm}", rows)).fetchone()[0]
        total = (values**2).sum()
        if algorithm == "kmeans":
            clusters = np.array([int(answer["label"]) for answer in said])
            inertia = sum(((values[clusters == n] - values[clusters == n].mean(0)) ** 2).sum() for n in set(clusters))
            mine = 1 - inertia / total
            theirs = 1 - KMeans(3, n_init=10, random_state=1).fit(values).inertia_ / total
        else:
            scores = np.array([answer["components"] for answer in said])
            mine = scores.var(0).sum() / values.var(0).sum()
            theirs = PCA(5).fit(values).explained_variance_ratio_.sum()
        note(f"{name:14} {algorithm:15} {100 * mine:7.2f} {100 * theirs:7.2f} {100 * (mine - theirs):+6.2f}")
        found.append((algorithm, 100 * mine, 100 * theirs))
    return found


def data_set_row(name, found):
    """One row: the algorithm that falls behind most."""
    worst = min(mine - theirs for _, mine, theirs in found)
    listed = "; ".join(f"{algorithm} {mine:.1f} / {theirs:.1f}" for algorithm, mine, theirs in found)
    measure = "R² × 100" if name == "diabetes" else "accuracy in percent"
    return row(
        f"accuracy_vs_sklearn_{name}",
        f"{measure}, ours / scikit-learn's, on the same splits: {listed}; the value is the largest lag of ours",
        worst,
        "points",
        COMMAND,
        f"{REPEATS} × {PARTS} parts, {len(found)} algorithms",
        f"≥ -{POINTS:.0f}",
        worst >= -POINTS,
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--only", default=",".join(TABLES))
    asked = arguments.parse_args()
    with database() as db:
        note(f"{'data set':14} {'algorithm':15} {'ours':>7} {'sklearn':>7} {'diff':>6}")
        finish([data_set_row(name, compare(db, name)) for name in asked.only.split(",")], asked.json)


if __name__ == "__main__":
    main()
