"""The classifier of anybody's texts."""

import numpy as np
import pytest
from sklearn.base import clone

from training import text_classifier
from training.benchmark_config import Recipe
from training.text_classifier import TextClassifier
from training.text_features import TextFeatures, clean

GOOD = ["fine harbour", "fine ships", "fine trains run", "good fine talks", "a fine day"]
BAD = ["awful harbour", "awful ships", "awful trains stop", "bad awful talks", "an awful day"]
TEXTS = GOOD + BAD
LABELS = np.array(["good"] * 5 + ["bad"] * 5)
SEVERAL = np.array([[1, int("ships" in text)] for text in TEXTS])


def test_it_learns_one_label_a_text() -> None:
    model = TextClassifier(Recipe()).fit(TEXTS, LABELS)
    assert model.predict(["fine weather", "awful weather"]).tolist() == ["good", "bad"]
    assert model.decision_function(["fine weather"]).shape == (1, 2)


def test_it_learns_several_labels_and_gives_one_at_least() -> None:
    model = TextClassifier(Recipe(tune="threshold", strengths=(0.1, 1.0))).fit(TEXTS, SEVERAL)
    assert model.predict(["fine ships", "zzz"]).tolist() == [[1, 1], [1, 0]]


def test_left_out_scores_are_those_of_models_without_the_text() -> None:
    recipe = Recipe(strengths=(0.5,))
    model = TextClassifier(recipe).fit(TEXTS, LABELS)
    features = np.asarray(model.features_.transform(TEXTS).todense(), dtype=float)
    targets = (LABELS[:, None] == model.classes_).astype(float) - model.fit_.shares
    for row in range(len(TEXTS)):
        rest = np.arange(len(TEXTS)) != row
        kernel = features[rest] @ features[rest].T + 0.5 * np.eye(rest.sum())
        score = features[row] @ features[rest].T @ np.linalg.solve(kernel, targets[rest]) + model.fit_.shares
        assert model.fit_.left_out is not None
        assert model.fit_.left_out[row] == pytest.approx(score, abs=1e-5)


def test_both_ways_of_solving_give_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = TextClassifier(Recipe(balance=1)).fit(TEXTS, LABELS).decision_function(TEXTS)
    monkeypatch.setattr(text_classifier, "MOST_EXACT", 1)
    iterative = TextClassifier(Recipe(balance=1)).fit(TEXTS, LABELS).decision_function(TEXTS)
    assert iterative == pytest.approx(exact, abs=0.02)


def test_balance_makes_a_rare_label_count() -> None:
    texts, labels = ["xx yy", *["xx zz"] * 8], ["rare", *["common"] * 8]
    plain, balanced = (
        TextClassifier(Recipe(balance=balance)).fit(texts, labels).decision_function(["xx"])[0] for balance in (0, 1)
    )
    assert balanced[1] > plain[1]


def test_shifts_are_tuned_for_the_scored_labels() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(150) < 0.12, "yes", np.where(rng.random(150) < 0.3, "no", "none"))
    texts = [f"{label if rng.random() < 0.5 else 'so'} {rng.integers(9)}" for label in labels]
    recipe = Recipe(characters=(0, 0))
    plain = TextClassifier(recipe, ("yes", "no")).fit(texts, labels)
    tuned = TextClassifier(recipe.model_copy(update={"tune": "shifts"}), ("yes", "no")).fit(texts, labels)
    assert not plain.shifts_.any()
    assert tuned.shifts_.any()
    assert tuned.shifts_[list(tuned.classes_).index("yes")] == 0


def test_ngrams_of_one_group_only_are_not_counted() -> None:
    texts, groups = ["our paper says rain", "our paper says sun", "rain", "sun"], ["a", "a", "b", "c"]
    features = TextFeatures(Recipe(characters=(0, 0), words=(1, 1), least_groups=2)).fit(texts, groups=groups)
    assert features.transform(["our paper says"]).nnz == 0
    assert features.transform(["rain and sun"]).nnz == 2


def test_a_group_of_many_texts_weighs_less() -> None:
    """Eight texts of one outlet say that "x" is left, two outlets with one text each that it is right."""
    texts, labels, groups = ["x"] * 10, ["left"] * 8 + ["right"] * 2, ["a"] * 8 + ["b", "c"]
    recipe = Recipe(words=(0, 0), characters=(1, 1), balance=0)
    plain = TextClassifier(recipe).fit(texts, labels, groups=groups)
    balanced = TextClassifier(recipe.model_copy(update={"group_balance": 1.0})).fit(texts, labels, groups=groups)
    assert (plain.predict(["x"]), balanced.predict(["x"])) == (["left"], ["right"])


def test_with_a_penalty_two_groups_of_one_label_score_alike() -> None:
    texts = ["left mail", "left mail", "left mail", "left", "left", "left", "right mail", "right mail", "right"]
    labels, groups = ["left"] * 6 + ["right"] * 3, ["mail"] * 3 + ["news"] * 3 + ["post"] * 3

    def apart(penalty: float) -> float:
        recipe = Recipe(words=(1, 1), characters=(0, 0), group_penalty=penalty)
        model = TextClassifier(recipe).fit(texts, labels, groups=groups)
        return float(np.abs(np.subtract(*model.decision_function(["left mail", "left"]))).max())

    assert apart(0) > 0.05
    assert apart(1e4) < 1e-3


def test_what_a_recipe_reads() -> None:
    assert clean("@user said #SemST", Recipe(dropped=("@USER", "#semst"))) == " said "
    assert clean("#NoMore2Wars", Recipe(hashtags=True)) == "#NoMore2Wars No More 2Wars"
    assert clean("كتاب", Recipe(letters=True)) == "کتاب"


def test_it_is_a_scikit_learn_estimator() -> None:
    model = TextClassifier(Recipe(balance=0.5), ("good",))
    assert clone(model).get_params() == model.get_params()
