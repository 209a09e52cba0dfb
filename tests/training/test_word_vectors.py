import hashlib

import numpy as np
import pytest

from training.data import bundled_corpus
from training.word_vectors import FILE, WordVectors, bundled_vectors


def test_what_is_shipped_is_read_once_and_says_which_it_is() -> None:
    vectors = bundled_vectors()
    assert vectors is bundled_vectors()
    assert vectors.digest == hashlib.sha256((bundled_corpus() / FILE).read_bytes()).hexdigest()
    assert vectors.codes.shape == (len(vectors.numbers), len(vectors.limits) // 2) == (54_318, 128)


def test_a_byte_is_two_codes_of_which_the_first_is_in_the_high_half() -> None:
    vectors = WordVectors({"a": 0, "b": 1}, np.array([[0x0F], [0xC3]], dtype=np.uint8), np.float32([1, 3]), "")
    known, found = vectors.of(["b", "c", "a"])
    assert known.tolist() == [0, 2]
    np.testing.assert_allclose(found, [[(12 - 7.5) / 7.5, (3 - 7.5) / 7.5 * 3], [-1, 3]], atol=1e-6)


def test_a_corpus_without_a_known_word_has_no_vectors() -> None:
    known, found = bundled_vectors().of(["qqqqq", "zzzzz"])
    assert (known.shape, found.shape) == ((0,), (0, 256))


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [("missile", "drone", "visit"), ("missile", "ракета", "visit"), ("война", "war", "trade"), ("جنگ", "war", "trade")],
)
def test_words_of_like_meaning_are_near_each_other_in_all_languages(word: str, near: str, far: str) -> None:
    _, (one, same, other) = bundled_vectors().of([word, near, far])
    assert one @ same > one @ other + 0.1
