import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from training import conjugate_gradients
from training.ridge import DualRidge

RNG = np.random.default_rng(5)
ROWS = sparse.random(40, 200, density=0.2, random_state=5, format="csr")
CLASSES = RNG.integers(0, 3, 40)


def test_it_is_the_ridge_regression_of_the_textbook() -> None:
    ours = DualRidge(alpha=0.5, intercept_scale=0.3).fit(ROWS, CLASSES)
    unit = ROWS.multiply(ROWS).sum() / 40
    constant = np.sqrt(0.3 * unit)
    widened = np.hstack([ROWS.toarray(), np.full((40, 1), constant)])
    targets = np.where(CLASSES[:, None] == np.arange(3), 1.0, -1.0)
    textbook = Ridge(alpha=0.5 * unit, fit_intercept=False).fit(widened, targets)
    np.testing.assert_allclose(ours.coef_, textbook.coef_[:, :-1], atol=5e-4)
    np.testing.assert_allclose(ours.intercept_, textbook.coef_[:, -1] * constant, atol=5e-4)


def test_indicators_and_classes_are_two_ways_to_say_the_same() -> None:
    classes = DualRidge().fit(ROWS, CLASSES)
    indicators = DualRidge().fit(ROWS, (CLASSES[:, None] == np.arange(3)).astype(np.int64))
    np.testing.assert_allclose(classes.coef_, indicators.coef_, atol=1e-9)


def test_a_weight_is_worth_as_many_copies() -> None:
    of_class = DualRidge(alpha=0.5, class_weight={1: 2.0}).fit(ROWS, CLASSES)
    weighted = DualRidge(alpha=0.5).fit(ROWS, CLASSES, sample_weight=np.where(CLASSES == 1, 2.0, 1.0))
    twice = np.concatenate([np.arange(40), np.flatnonzero(CLASSES == 1)])
    unit = ROWS.multiply(ROWS).sum() / 40
    copies = ROWS[twice]
    same_unit = copies.multiply(copies).sum() / len(twice)
    copied = DualRidge(alpha=0.5 * unit / same_unit, intercept_scale=0.3 * unit / same_unit).fit(copies, CLASSES[twice])
    np.testing.assert_allclose(weighted.decision_function(ROWS), copied.decision_function(ROWS), atol=5e-4)
    np.testing.assert_allclose(weighted.coef_, of_class.coef_)


def test_balanced_weights_make_a_rare_class_count() -> None:
    rare = (np.arange(40) < 4).astype(np.int64)
    plain = DualRidge(alpha=5).fit(ROWS, rare).decision_function(ROWS)[:4, 1]
    balanced = DualRidge(alpha=5, class_weight="balanced").fit(ROWS, rare).decision_function(ROWS)[:4, 1]
    assert (balanced > plain).all()


@pytest.mark.parametrize("count", [1, 2])
def test_a_handful_of_empty_rows_is_no_crash(count: int) -> None:
    scores = (
        DualRidge().fit(sparse.csr_matrix((count, 5)), np.arange(count)).decision_function(sparse.csr_matrix((1, 5)))
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("weight", ["balanced", {0: 5.0}])
def test_weights_count_for_each_of_several_labels(weight: object) -> None:
    several = (RNG.random((40, 2)) < 0.2).astype(np.int64)
    plain = DualRidge(alpha=5).fit(ROWS, several).decision_function(ROWS)
    weighted = DualRidge(alpha=5, class_weight=weight).fit(ROWS, several).decision_function(ROWS)
    assert (weighted[several[:, 0] == 1, 0] > plain[several[:, 0] == 1, 0]).all()
    if weight != "balanced":
        np.testing.assert_allclose(weighted[:, 1], plain[:, 1], atol=1e-3)


def test_what_all_rows_have_in_common_costs_no_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five languages, each with words that all its texts have: without a preconditioner it takes 23 steps, with it 10."""
    common = np.repeat(np.eye(5), 60, axis=0) * 30
    rows = sparse.csr_matrix(np.hstack([common, np.full((300, 1), 100.0), RNG.normal(size=(300, 400)) / 20]))
    classes = RNG.integers(0, 3, 300)
    exact = DualRidge(alpha=1e-4).fit(rows, classes).decision_function(rows)
    monkeypatch.setattr(conjugate_gradients, "MOST_STEPS", 12)
    np.testing.assert_allclose(DualRidge(alpha=1e-4).fit(rows, classes).decision_function(rows), exact, atol=1e-3)
