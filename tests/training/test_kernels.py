import numpy as np
import pytest
from scipy import sparse

from training.kernels import inner_products


@pytest.mark.parametrize("count", [1, 40, 1100])
def test_inner_products_are_those_of_every_two_rows(count: int) -> None:
    rare = sparse.random(count, 300, density=0.03, random_state=1, format="csr")
    frequent = sparse.random(count, 5, density=0.8, random_state=2, format="csr")
    rows = sparse.csr_matrix(sparse.hstack([rare, frequent], format="csr"))
    np.testing.assert_allclose(inner_products(rows), rows.toarray() @ rows.toarray().T, atol=1e-10)
