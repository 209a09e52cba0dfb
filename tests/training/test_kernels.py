import numpy as np
import pytest
from scipy import sparse

from training.kernels import FieldKernels, inner_products


@pytest.mark.parametrize("count", [1, 40, 1100])
def test_inner_products_are_those_of_every_two_rows(count: int) -> None:
    rare = sparse.random(count, 300, density=0.03, random_state=1, format="csr")
    frequent = sparse.random(count, 5, density=0.8, random_state=2, format="csr")
    rows = sparse.csr_matrix(sparse.hstack([rare, frequent], format="csr"))
    np.testing.assert_allclose(inner_products(rows), rows.toarray() @ rows.toarray().T, atol=1e-10)


def test_fields_are_weighted_and_shared() -> None:
    rows = sparse.random(30, 12, density=0.5, random_state=3, format="csr")
    kernels = FieldKernels(rows, [4, 4, 4])
    weights = np.repeat([1.0, 0.0, 0.5], 4)
    for count in (30, 20):
        dense = rows[:count].toarray() * weights
        np.testing.assert_allclose(kernels.weighted((1.0, 0.0, 0.5), count), dense @ dense.T, atol=1e-12)
    fewer_first = FieldKernels(rows, [4, 4, 4])
    for count in (20, 30):
        np.testing.assert_array_equal(fewer_first.weighted((1.0, 1.0, 1.0), count).shape, (count, count))
