"""N-grams of words as integers, beside scikit-learn's as strings."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from training.word_counts import Spread, WordNgrams

WORDS = r"(?u)\b\w\w+\b"
RNG = np.random.default_rng(3)
TEXTS = [" ".join(f"W{word}" for word in RNG.zipf(1.4, size) % 60) for size in RNG.integers(0, 40, 80)]
NEW = ["W1 w2 W3 unknown w1 W2", "", "W1"]


def sorted_columns(counts: sparse.csr_matrix) -> np.ndarray:  # type: ignore[type-arg]
    dense = counts.toarray()
    return np.asarray(dense[:, np.lexsort(dense[::-1])])


@pytest.mark.parametrize("least", [1, 2, 7])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (1, 3), (2, 3)])
def test_they_are_those_of_scikit_learn(sizes: tuple[int, int], least: int) -> None:
    theirs = CountVectorizer(ngram_range=sizes, min_df=least, token_pattern=WORDS)
    ours = WordNgrams(sizes, WORDS)
    fitted, expected = ours.fit_transform(TEXTS, Spread(least)), theirs.fit_transform(TEXTS)
    assert fitted.shape == expected.shape
    assert np.array_equal(sorted_columns(fitted), sorted_columns(expected))
    assert np.array_equal(sorted_columns(ours.transform(TEXTS)), sorted_columns(expected))
    new = sparse.vstack([ours.transform(NEW), fitted]), sparse.vstack([theirs.transform(NEW), expected])
    assert np.array_equal(*map(sorted_columns, new))


def test_an_ngram_must_be_in_enough_groups() -> None:
    texts: Sequence[str] = ["our paper says rain", "our paper says sun", "our paper", "rain sun", "sun rain"]
    ours = WordNgrams((1, 2), WORDS)
    counts = ours.fit_transform(texts, Spread(2, 2, ["a", "a", "a", "b", "c"]))
    assert set(ours.words_) == {"rain", "sun"}
    assert counts.shape == (5, 2)
    assert Spread(2, 2).least == 2
    assert WordNgrams((1, 2), WORDS).fit_transform(texts, Spread(2, 2)).shape == (5, 7)


def test_texts_without_a_word_are_no_crash() -> None:
    assert WordNgrams((1, 2), WORDS).fit_transform(["", "!"], Spread()).shape == (2, 0)
