import numpy as np
import pytest
from scipy import sparse

from training import conjugate_gradients
from training import primal_ridge as module
from training.primal_ridge import Contrasts, primal_ridge

RNG = np.random.default_rng(11)
ROWS = sparse.random(60, 40, density=0.3, random_state=11, format="csr", dtype=np.float32)
TARGETS = RNG.normal(size=(60, 3))
WEIGHTS = RNG.uniform(0.2, 2, 60)
CONTRASTS = Contrasts(RNG.normal(size=(4, 40)).astype(np.float32), 4e4)


@pytest.mark.parametrize("contrasts", [None, CONTRASTS])
def test_it_is_the_solution_of_the_normal_equations(
    contrasts: Contrasts | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TOLERANCE", 1e-6)
    dense = ROWS.toarray().astype(np.float64)
    system = dense.T @ (WEIGHTS[:, None] * dense) + 0.5 * np.eye(40)
    if contrasts:
        system += contrasts.price * contrasts.rows.T.astype(np.float64) @ contrasts.rows
    expected = np.linalg.solve(system, dense.T @ (WEIGHTS[:, None] * TARGETS))
    np.testing.assert_allclose(primal_ridge(ROWS, TARGETS, WEIGHTS, 0.5, contrasts), expected, atol=1e-4)


def test_a_heavy_price_costs_no_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conjugate_gradients, "MOST_STEPS", 30)
    scores = CONTRASTS.rows @ primal_ridge(ROWS, TARGETS, WEIGHTS, 0.5, CONTRASTS)
    free = CONTRASTS.rows @ primal_ridge(ROWS, TARGETS, WEIGHTS, 0.5)
    assert np.abs(scores).max() < 1e-3 * np.abs(free).max()


def test_no_rows_with_a_label_give_weights_of_0() -> None:
    assert not primal_ridge(ROWS, np.zeros((60, 2)), WEIGHTS, 1.0).any()
