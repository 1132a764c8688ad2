"""Recommendations: nDCG@10 of offline.recommend against the truth, popularity and the package implicit, on what was held out."""

import json
import time

import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking

from rows import note, row

RANKS = 10
BEST_BAR = 0.97
POPULARITY_BAR = 2.0
IMPLICIT_BAR = 0.99
FACTORS = 16
MIXTURES = 60_000


class Feedback:
    """Users × items: weights of the training, what was held out, and how probable each pair was."""

    def __init__(self, db):
        pairs = db.execute("select user_id::text, item_id::text, probability from model_sample.affinity").fetchall()
        self.users = sorted({user for user, *_ in pairs})
        self.items = sorted({item for _, item, _ in pairs})
        self.user_at = {user: at for at, user in enumerate(self.users)}
        self.item_at = {item: at for at, item in enumerate(self.items)}
        shape = (len(self.users), len(self.items))
        self.affinity, self.train, self.held = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for user, item, probability in pairs:
            self.affinity[self.user_at[user], self.item_at[item]] = probability
        met = db.execute("select user_id, item_id, weight, model_sample.held_out(key) from models.recommendation_features").fetchall()
        for user, item, weight, is_held in met:
            (self.held if is_held else self.train)[self.user_at[user], self.item_at[item]] = weight

    def ndcg(self, order):
        """Mean over users with something held out; `order`: for each user, items from best to worst."""
        discounts = 1 / np.log2(np.arange(2, RANKS + 2))
        wanted = np.minimum((self.held > 0).sum(1), RANKS)
        hits = np.take_along_axis(self.held > 0, order[:, :RANKS], 1)
        ideal = np.concatenate([[0], np.cumsum(discounts)])[wanted]
        return float(np.mean((hits @ discounts)[wanted > 0] / ideal[wanted > 0]))

    def ranked(self, scores):
        """Items of each user by score; those of the training come last."""
        return np.argsort(np.where(self.train > 0, -np.inf, scores) * -1, axis=1, kind="stable")


def recommended(db, feedback):
    """Asks offline.recommend about every user."""
    order = np.zeros((len(feedback.users), RANKS), dtype=int)
    began = time.monotonic()
    for at, user in enumerate(feedback.users):
        seen = [feedback.items[item] for item in np.flatnonzero(feedback.train[at])]
        answer = db.execute("select offline.recommend(%s, %s, %s::jsonb)", (user, RANKS, json.dumps({"exclude": seen}))).fetchone()[0]
        ids = [feedback.item_at[item["id"]] for item in answer["items"]]
        assert answer["from"] == "user" and len(ids) == RANKS, answer
        order[at] = ids
    return order, (time.monotonic() - began) / len(feedback.users)


def posterior(db, feedback, seed, products, held_share=0.25):
    """What the best learner can know: it knows how people and products were made, but of a person only what the training shows.

    The mean affinity over mixtures of tastes drawn as people's are, each weighted by how probable it makes the training."""
    truth = db.execute("select item_id::text, first_taste, second_taste, popularity from model_sample.product_truth(%s, %s)", (seed, products)).fetchall()
    truth.sort(key=lambda product: feedback.item_at[product[0]])
    first, second = (np.array([product[n] - 1 for product in truth]) for n in (1, 2))
    popularity = np.array([product[3] for product in truth])
    random = np.random.default_rng(seed)
    tastes = (-np.log(1 - random.random((MIXTURES, 6)))) ** 4
    shares = tastes / tastes.sum(1, keepdims=True) * (0.6 + 0.8 * random.random((MIXTURES, 1)))
    affinity = np.minimum(0.95, popularity * (0.97 * shares[:, first] + 0.35 * shares[:, second] + 0.03))
    looks = lambda count: np.exp(-(count - 1) / (2.5 * affinity)) - np.exp(-count / (2.5 * affinity)) if count > 0 else 0
    kept = 1 - held_share
    likelihood = np.zeros((len(feedback.users), MIXTURES), dtype=np.float32)
    for weight in np.unique(feedback.train):
        if weight == 0:
            chance = 1 - kept * affinity
        else:
            chance = kept * affinity * ((1 - 0.6 * affinity) * looks(weight) + 0.6 * affinity * looks(weight - 4))
        met = scipy.sparse.csr_matrix((feedback.train == weight).astype(np.float32))
        likelihood += met @ np.log(np.maximum(chance, 1e-300)).T.astype(np.float32)
    likelihood -= likelihood.max(1, keepdims=True)
    np.exp(likelihood, out=likelihood)
    likelihood /= likelihood.sum(1, keepdims=True)
    return likelihood @ affinity.astype(np.float32)


def implicit_best(feedback):
    """The best of implicit's two trainers over a grid, chosen on the very rows that it is judged by: the grid is in its favour."""
    weights = scipy.sparse.csr_matrix(feedback.train)
    seen = scipy.sparse.csr_matrix((feedback.train > 0).astype(float))
    found = {"als": [], "bpr": []}
    for regularization in (0.01, 1, 10, 20, 40, 80):
        for alpha in (0.1, 0.3, 1, 2):
            model = AlternatingLeastSquares(
                factors=FACTORS, regularization=regularization, alpha=alpha, iterations=15, random_state=1, num_threads=1
            )
            found["als"].append((measured(feedback, model, weights), f"regularization {regularization}, alpha {alpha}"))
    for regularization in (0.01, 0.1):
        for rate in (0.01, 0.05):
            model = BayesianPersonalizedRanking(
                factors=FACTORS, regularization=regularization, learning_rate=rate, iterations=100, random_state=1, num_threads=1
            )
            found["bpr"].append((measured(feedback, model, seen), f"regularization {regularization}, rate {rate}"))
    default = measured(feedback, AlternatingLeastSquares(random_state=1, num_threads=1), weights)
    return max(found["als"]), max(found["bpr"]), default


def measured(feedback, model, weights):
    model.fit(weights, show_progress=False)
    return feedback.ndcg(feedback.ranked(model.user_factors @ model.item_factors.T))


def recommendation_rows(db, train, seed, sizes, command):
    """The rows of the model recommendation."""
    _, trained = train(db, "recommendation")
    feedback = Feedback(db)
    order, seconds = recommended(db, feedback)
    ours = feedback.ndcg(order)
    truth = feedback.ndcg(feedback.ranked(feedback.affinity))
    best = feedback.ndcg(feedback.ranked(posterior(db, feedback, seed, sizes["products"])))
    popular = feedback.ndcg(feedback.ranked(np.tile((feedback.train > 0).sum(0), (len(feedback.users), 1))))
    als, bpr, default = implicit_best(feedback)
    note(f"recommendation: {ours:.4f}; best {best:.4f}, truth {truth:.4f}, popularity {popular:.4f}; implicit {als}, {bpr}, default {default:.4f}")
    size = f"{len(feedback.users)} people, {len(feedback.items)} products, {trained['rows']} pairs of training, {int((feedback.held > 0).sum())} held out"
    make = lambda name, what, value, bar, unit: row(f"product_models_recommendation{name}", what, value, unit, command, size, f"≥ {bar}", value >= bar)
    return [
        make(
            "",
            f"nDCG@10 of offline.recommend, {ours:.4f}, against the best that can be known of people from the training, {best:.4f} "
            f"(who knew their true tastes: {truth:.4f}); {trained['bytes']} bytes, trained and measured in {trained['seconds']:.1f} s, {seconds * 1000:.2f} ms a call",
            ours / best,
            BEST_BAR,
            "of the best possible",
        ),
        make(
            "_popularity",
            f"nDCG@10, {ours:.4f}, against recommending what most people met, {popular:.4f}",
            ours / popular,
            POPULARITY_BAR,
            "×",
        ),
        make(
            "_implicit",
            f"nDCG@10 of our als as it comes, {ours:.4f}, against the package implicit with {FACTORS} factors and the best of a grid for these very rows: "
            f"ALS {als[0]:.4f} ({als[1]}), BPR {bpr[0]:.4f} ({bpr[1]}); its ALS as it comes {default:.4f}",
            ours / max(als[0], bpr[0]),
            IMPLICIT_BAR,
            "×",
        ),
    ]
