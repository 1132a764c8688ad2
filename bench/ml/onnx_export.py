"""Evidence: bench/ml/run.sh onnx_export [--json]

Every kind of model that can be exported is trained over numbers with gaps and a category, exported by
offline.export_model(…, 'onnx'), checked by onnxruntime and compared with offline.predict_many on rows with gaps and an unknown category.
"""

import argparse
import base64
import hashlib
import json

import numpy as np
import onnxruntime
from sklearn import datasets

from database import database
from rows import finish, note, row

COMMAND = "bench/ml/run.sh onnx_export --json"
# The format's numbers have 32 bits: seven digits.
TOLERANCE = 1e-4
SETS = {
    "wine": (datasets.load_wine, ["logistic", "tree", "forest"]),
    "breast_cancer": (datasets.load_breast_cancer, ["logistic", "tree", "forest"]),
    "diabetes": (datasets.load_diabetes, ["linear", "elastic_net", "tree", "forest"]),
}


def prepared(load, seed=1):
    """Numbers as 32 bits hold them with one in twenty missing, and a category with one in ten missing."""
    data = load()
    random = np.random.default_rng(seed)
    values = data.data.astype(np.float32)
    values[random.random(values.shape) < 0.05] = np.nan
    thirds = np.digitize(data.data[:, 0], np.quantile(data.data[:, 0], [1 / 3, 2 / 3]))
    categories = [None if random.random() < 0.1 else ["low", "middle", "high"][third] for third in thirds]
    return values, categories, data.target


def fill(db, name, values, categories, target):
    columns = [f"f{n}" for n in range(values.shape[1])]
    db.execute(f"create table bench_{name} (n int primary key, label text, kind text, {', '.join(f'{c} float8' for c in columns)})")
    with db.cursor().copy(f"copy bench_{name} from stdin") as copy:
        for n, numbers in enumerate(values.tolist()):
            copy.write_row([n, target[n].item(), categories[n], *(None if np.isnan(number) else number for number in numbers)])
    return columns


def compare(db, name, algorithm, columns, values, categories):
    """The largest difference of a probability (or, relative to the spread, of a value), and rows whose label differs."""
    is_number = name == "diabetes"
    spec = {
        "algorithm": algorithm,
        "table": f"public.bench_{name}",
        "features": columns,
        "categorical": ["kind"],
        "label": "label",
        "deploy": "always",
        "params": {"task": "regression"} if is_number and algorithm in ("tree", "forest") else {},
    }
    model = f"{name}_{algorithm}"
    db.execute("select offline.train_model(%s, %s::jsonb)", (model, json.dumps(spec)))
    document = db.execute("select offline.export_model(%s, null, 'onnx')", (model,)).fetchone()[0]
    bytes_ = base64.b64decode(document["artifact"])
    assert hashlib.sha256(bytes_).hexdigest() == document["sha256"], "hash of the export"
    session = onnxruntime.InferenceSession(bytes_, providers=["CPUExecutionProvider"])
    asked = ["never seen" if n % 17 == 0 else category for n, category in enumerate(categories)]
    given = {"features": values, "categories": np.array([[category or ""] for category in asked], dtype=object)}
    rows = [
        {**{c: v for c, v in zip(columns, numbers) if not np.isnan(v)}, **({"kind": category} if category else {})}
        for numbers, category in zip(values.tolist(), asked)
    ]
    said = db.execute("select offline.predict_many(%s, %s::jsonb)", (model, json.dumps(rows))).fetchone()[0]
    if is_number:
        theirs = session.run(["value"], given)[0].reshape(-1)
        mine = np.array([answer["score"] for answer in said])
        return np.abs(mine - theirs).max() / mine.std(), 0, len(bytes_)
    labels, theirs = session.run(["label", "probabilities"], given)
    names = sorted(said[0]["probabilities"])
    mine = np.array([[answer["probabilities"][name] for name in names] for answer in said])
    # Where two classes are as good as equal, seven digits may choose the other.
    clear = np.sort(mine, 1)[:, -1] - np.sort(mine, 1)[:, -2] > 10 * TOLERANCE
    differ = sum(str(label) != answer["label"] for label, answer, is_clear in zip(labels, said, clear) if is_clear)
    return np.abs(mine - theirs).max(), differ, len(bytes_)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    found = []
    with database() as db:
        for name, (load, algorithms) in SETS.items():
            values, categories, target = prepared(load)
            columns = fill(db, name, values, categories, target)
            for algorithm in algorithms:
                difference, differ, size = compare(db, name, algorithm, columns, values, categories)
                note(f"{name:14} {algorithm:12} {difference:.2e} {differ} labels differ, {size} bytes")
                found.append((difference, differ, f"{algorithm} on {name} {difference:.0e}"))
    worst = max(difference for difference, *_ in found)
    labels = sum(differ for _, differ, _ in found)
    what = (
        "largest difference of a probability (of a value: relative to its deviation) between onnxruntime on the export and offline.predict_many, "
        f"with missing values and unknown categories; {labels} labels differ: " + "; ".join(text for *_, text in found)
    )
    rows = [
        row("onnx_export", what, 1e6 * worst, "millionths", COMMAND, f"{len(found)} models", f"≤ {1e6 * TOLERANCE:.0f}", worst <= TOLERANCE and labels == 0)
    ]
    finish(rows, asked.json)


if __name__ == "__main__":
    main()
