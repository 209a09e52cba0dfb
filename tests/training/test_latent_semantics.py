import numpy as np
import pytest
from scipy import sparse

from training.latent_semantics import latent_vectors

RNG = np.random.default_rng(3)


def test_they_are_the_greatest_singular_vectors_up_to_a_turn() -> None:
    themes = RNG.poisson(0.15, size=(4, 300)) * 4
    counts = RNG.poisson(np.eye(4)[RNG.integers(0, 4, 200)] @ themes) * 1.0
    counts[:, 0] += 1  # no word is without an article
    idf = RNG.uniform(1, 2, size=300)
    ours = latent_vectors(sparse.csr_matrix(counts), idf, 4)
    right = np.linalg.svd(np.log1p(counts) * idf)[2][:4].T
    right /= np.maximum(1e-12, np.linalg.norm(right, axis=1, keepdims=True))
    used = counts.sum(axis=0) > 0
    np.testing.assert_allclose((ours @ ours.T)[used][:, used], (right @ right.T)[used][:, used], atol=1e-3)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 0), (2, 40), (40, 2)])
def test_what_is_small_or_empty_has_fewer_dimensions(shape: tuple[int, int]) -> None:
    counts = sparse.csr_matrix(RNG.poisson(1.0, size=shape) * 1.0)
    vectors = latent_vectors(counts, np.ones(shape[1]), 128)
    assert vectors.shape[0] == shape[1]
    assert vectors.shape[1] <= min(shape)
    assert np.isfinite(vectors).all()


def test_the_same_again_gives_the_same_bits() -> None:
    counts = sparse.csr_matrix(RNG.poisson(0.1, size=(300, 500)) * 1.0)
    first, second = (latent_vectors(counts, np.ones(500), 20) for _ in range(2))
    assert first.shape == (500, 20)
    np.testing.assert_array_equal(first, second)
