"""Evidence: bench/ml/run.sh conflict_suggestions [--json] [--plot docs/conflict_suggestions.svg]

2,000 conflicts that people with known habits settled (supabase/models/conflicts). Five times four fifths of them train the model through
offline.train_conflict_model, which is then asked about the rest: how often it says what the person did, against the best possible; and
whether its confidence is right: of what it is 80 % sure of, 80 % should be what the person did.
"""

import argparse
import json

import numpy as np

from calibration import calibration_error, plot, reliability
from database import ROOT, database
from rows import finish, note, row

COMMAND = "bench/ml/run.sh conflict_suggestions --json"
CONFLICTS, PARTS = 2_000, 5
AGREEMENT_BAR, ERROR_BAR, SURE = 0.9, 0.05, 0.9
FEATURES = "offline_private.conflict_features(null)"


def suggestions(db):
    """For each conflict, by a model that did not see it: what the person did, what the model says and how sure it is, the best guess."""
    found = []
    for part in range(PARTS):
        held = f"('x' || left(md5(f.conflict_id::text), 8))::bit(32)::bigint % {PARTS} = {part}"
        query = f"select f.* from {FEATURES} f where not ({held}) order by f.conflict_id, f.column_name"
        spec = {"query": query, "test_share": 0.1, "deploy": "always"}
        db.execute("select offline.train_conflict_model(%s::jsonb)", (json.dumps(spec),))
        rows = db.execute(
            f"""select f.resolution, to_jsonb(f) - 'resolution' - 'status' - 'resolved_by', t.best, t.probabilities
            from {FEATURES} f join model_sample.truth t on t.model = 'conflict_resolution' and t.key = f.conflict_id || ' ' || f.column_name
            where {held} order by f.conflict_id, f.column_name"""
        ).fetchall()
        asked = json.dumps([features for _, features, *_ in rows])
        said = db.execute("select offline.predict_many('conflict_resolution', %s::jsonb)", (asked,)).fetchone()[0]
        found += [
            (did, answer["label"], answer["probabilities"][answer["label"]], best, max(truth.values()))
            for (did, _, best, truth), answer in zip(rows, said, strict=True)
        ]
    return found


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--plot", default=str(ROOT / "docs/conflict_suggestions.svg"))
    asked = arguments.parse_args()
    with database(sample=True) as db:
        db.execute((ROOT / "supabase/local/enable_sync.sql").read_text())
        db.execute((ROOT / "supabase/models/conflicts/generate.sql").read_text())
        db.execute("select model_sample.generate_conflicts(%s, %s)", (asked.seed, CONFLICTS))
        found = suggestions(db)
    assert len(found) == CONFLICTS, len(found)
    did = np.array([each[0] for each in found])
    right = np.array([each[1] for each in found]) == did
    sure = np.array([each[2] for each in found])
    best = (np.array([each[3] for each in found]) == did).mean()
    expected = np.mean([each[4] for each in found])
    usual = max((did == side).mean() for side in set(did))
    table = reliability(sure, right)
    error = calibration_error(table)
    confident = sure >= SURE
    for low, high, count, mean, share in table:
        note(f"{low:.1f} to {high:.1f}: {count:5} conflicts, {mean:.3f} sure, {share:.3f} right")
    plot(table, asked.plot, f"{CONFLICTS:,} conflicts, error {error:.3f}")
    size = f"{CONFLICTS:,} resolutions by 8 people with habits, each held out once ({PARTS} parts)"
    make = lambda name, what, value, unit, bar, holds: row(name, what, value, unit, COMMAND, size, bar, holds)
    finish(
        [
            make(
                "conflict_suggestions",
                f"suggestions that are what the person did, {right.mean():.1%}, against the best possible, {best:.1%} (expected {expected:.1%}); "
                f"always the most frequent side: {usual:.1%}",
                right.mean() / best,
                "of the best possible",
                f"≥ {AGREEMENT_BAR}",
                right.mean() / best >= AGREEMENT_BAR,
            ),
            make(
                "conflict_suggestions_calibration",
                "mean distance between confidence and share of right suggestions, over ten bins (docs/conflict_suggestions.svg)",
                error,
                "probability",
                f"≤ {ERROR_BAR}",
                error <= ERROR_BAR,
            ),
            make(
                "conflict_suggestions_confident",
                f"right among the {confident.mean():.1%} of the suggestions that are at least {SURE:.0%} sure: what a threshold of {SURE} would decide",
                right[confident].mean(),
                "share",
                f"≥ {SURE}",
                right[confident].mean() >= SURE,
            ),
        ],
        asked.json,
    )


if __name__ == "__main__":
    main()
