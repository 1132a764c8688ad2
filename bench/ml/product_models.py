"""Evidence: bench/ml/run.sh product_models [--json] [--seed 1] [--only intent,emotion]

Generates sample data with a known truth (supabase/models), trains every model of the product through offline.train_model on three
quarters of them, asks offline.predict_many (recommend) about the rest, and compares with the best possible answers.
"""

import argparse
import json
import time

from database import ROOT, database
from recommendation import recommendation_rows
from rows import finish, note, row

COMMAND = "bench/ml/run.sh product_models --json"
MODELS = ["personalization", "intent", "content_score", "recommendation", "emotion", "lead_score", "stale_content"]
BAR = 0.97
# Of the way from always answering the same to the best possible: guessing the most frequent class is no model.
SKILL_BAR = 0.9
ROWS_PER_CALL = 5_000


def train(db, name):
    """Trains as supabase/models/<name>/spec.json says, without the rows that are held out."""
    spec = json.loads((ROOT / "supabase/models" / name / "spec.json").read_text())
    spec["query"] = f"select q.* from ({spec['query']}) q where not model_sample.held_out(q.key) order by q.key"
    began = time.monotonic()
    answer = db.execute("select offline.train_model(%s, %s::jsonb)", (name, json.dumps(spec))).fetchone()[0]
    answer["seconds"] = time.monotonic() - began
    return spec, answer


def predictions(db, name):
    """Rows that were held out: their label, what the model says, and what is true of them."""
    rows = db.execute(
        f"""select f.label::text, to_jsonb(f) - 'key' - 'label', t.best, t.probabilities, t.expected
        from models.{name}_features f join model_sample.truth t on t.model = %s and t.key = f.key
        where model_sample.held_out(f.key) order by f.key""",
        (name,),
    ).fetchall()
    said = []
    for start in range(0, len(rows), ROWS_PER_CALL):
        part = json.dumps([features for _, features, *_ in rows[start : start + ROWS_PER_CALL]])
        said += db.execute("select offline.predict_many(%s, %s::jsonb)", (name, part)).fetchone()[0]
    assert len(said) == len(rows) > 0, f"{name}: {len(said)} predictions for {len(rows)} rows"
    return rows, said


def accuracy(rows, said):
    """Figures of a classifier: its accuracy, the best possible, and the most frequent class's."""
    labels = [label for label, *_ in rows]
    share = lambda answers: sum(a == b for a, b in zip(answers, labels)) / len(labels)
    found = share([answer["label"] for answer in said])
    best = share([best for _, _, best, _, _ in rows])
    expected = sum(max(probabilities.values()) for *_, probabilities, _ in rows) / len(rows)
    base = max(labels.count(label) for label in set(labels)) / len(labels)
    return found, best, base, f"accuracy {found:.4f}; best possible {best:.4f} (expected {expected:.4f}), most frequent class {base:.4f}"


def r_squared(rows, said):
    """The same for a regression: R², of the model and of the true expectation."""
    values = [float(label) for label, *_ in rows]
    mean = sum(values) / len(values)
    whole = sum((value - mean) ** 2 for value in values)
    share = lambda answers: 1 - sum((a - b) ** 2 for a, b in zip(answers, values)) / whole
    found = share([float(answer["score"]) for answer in said])
    best = share([expected for *_, expected in rows])
    return found, best, 0.0, f"R² {found:.4f}; best possible {best:.4f}"


def model_row(db, name):
    """Trains and measures one model."""
    spec, trained = train(db, name)
    rows, said = predictions(db, name)
    figures = r_squared if trained["task"] == "regression" else accuracy
    found, best, base, words = figures(rows, said)
    skill = (found - base) / (best - base)
    ratio = found / best
    note(f"{name}: {words}; ratio {ratio:.4f}, skill {skill:.4f}; {trained['seconds']:.2f} s, {trained['bytes']} bytes")
    return row(
        f"product_models_{name}",
        f"{spec['algorithm']} on rows that it has not seen, against the best possible: {words}; "
        f"{skill:.1%} of the way from that guess to the best (bar {SKILL_BAR:.0%}); trained in {trained['seconds']:.1f} s, {trained['bytes']} bytes",
        ratio,
        "of the best possible",
        COMMAND,
        f"{trained['rows']} rows of training, {len(rows)} held out",
        f"≥ {BAR}",
        ratio >= BAR and skill >= SKILL_BAR,
    )


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default=",".join(MODELS))
    asked = arguments.parse_args()
    rows = []
    with database(sample=True) as db:
        began = time.monotonic()
        sizes = db.execute("select model_sample.generate(%s)", (asked.seed,)).fetchone()[0]
        db.execute("analyze")
        note(f"generated {sizes} in {time.monotonic() - began:.1f} s")
        for name in asked.only.split(","):
            if name == "recommendation":
                rows += recommendation_rows(db, train, asked.seed, sizes, COMMAND)
            else:
                rows.append(model_row(db, name))
    finish(rows, asked.json)


if __name__ == "__main__":
    main()
