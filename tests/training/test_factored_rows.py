import numpy as np
import pytest
from scipy import sparse

from framing.fields import FieldedArticle
from training.factored_rows import FactoredRows
from training.pipelines import FieldNgrams, FieldScaler
from training.ridge import DualRidge

RNG = np.random.default_rng(3)


def random(*shape: int) -> sparse.csr_matrix:
    return sparse.random(*shape, density=0.3, random_state=RNG, format="csr")


BLOCKS = [(random(12, 8), random(8, 30)), (random(12, 5),), (random(12, 8), random(8, 6), random(6, 9))]
DENSE = np.hstack([np.linalg.multi_dot([f.toarray() for f in b]) if len(b) > 1 else b[0].toarray() for b in BLOCKS])
ROWS = FactoredRows(BLOCKS)


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (0.0, 2.0, 0.5), (0.3, 0.0, 0.0)])
def test_products_are_those_of_dense_algebra(weights: tuple[float, ...]) -> None:
    rows, dense = ROWS.weighted(weights), DENSE * np.repeat(weights, ROWS.widths)
    assert rows.shape == dense.shape
    np.testing.assert_allclose(rows.multiplied().toarray(), dense, atol=1e-12)
    right, left = RNG.random((dense.shape[1], 4)), RNG.random((12, 3))
    np.testing.assert_allclose(rows.times(right), dense @ right, atol=1e-12)
    np.testing.assert_allclose(rows.transposed_times(left), dense.T @ left, atol=1e-12)
    np.testing.assert_allclose(rows.inner_products()(left), dense @ dense.T @ left, atol=1e-12)
    np.testing.assert_allclose(rows.mean_square(), (dense**2).sum(axis=1).mean())


def test_some_rows_are_those_of_the_matrix() -> None:
    chosen = np.array([7, 0, 3])
    np.testing.assert_allclose(ROWS.at(chosen).multiplied().toarray(), DENSE[chosen], atol=1e-12)


def test_a_block_that_weighs_nothing_leaves_no_entry_behind() -> None:
    assert sum(factor.nnz for factor in ROWS.weighted((0.0, 1.0, 0.0)).blocks[0]) == 0


def test_the_ridge_is_the_same_on_factors_and_on_their_product(some_articles: list[FieldedArticle]) -> None:
    articles, classes = some_articles[:60], RNG.integers(0, 3, 60)
    scaler = FieldScaler((1.0, 0.3, 0.0, 3.0))
    factored = FieldNgrams(most_ngrams=3000).fit(articles).factored(articles)
    read = [scaler.fit(rows).transform(rows) for rows in (factored, factored.multiplied())]
    first, second = (DualRidge(alpha=0.4).fit(rows, classes) for rows in read)
    np.testing.assert_allclose(first.coef_, second.coef_, atol=1e-6)
    np.testing.assert_allclose(first.decision_function(read[0]), second.decision_function(read[1]), atol=1e-5)
