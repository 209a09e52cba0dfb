import numpy as np

from framing.article import Article
from framing.fields import FieldedArticle, read_fields
from training.ngram_counts import NgramCounts, count_ngrams


def counted(articles: list[FieldedArticle]) -> NgramCounts:
    return count_ngrams(articles, (3, 4), bigrams=True)


def test_an_article_is_counted_word_by_word_and_gram_by_gram() -> None:
    counts = counted([read_fields(Article(title="Oil", text="Oil oils oil."))])
    grams = dict(zip(counts.columns, (counts.words[0] @ counts.spelling).toarray()[0].tolist(), strict=True))
    assert grams == {
        **{" oi": 4, "oil": 4, "il ": 3, " oil": 4, "oil ": 3, "ils": 1, "ls ": 1, "oils": 1, "ils ": 1},
        **{" oil ": 3, " oils ": 1, " oil oils ": 1, " oils oil ": 1},
    }


def test_an_n_gram_is_spread_over_the_articles_that_have_it(some_articles: list[FieldedArticle]) -> None:
    counts = counted(some_articles[:30])
    dense = (counts.words[0] @ counts.spelling).toarray()
    np.testing.assert_array_equal(counts.spread(), (dense > 0).sum(axis=0))


def test_counts_put_behind_others_are_those_of_the_articles_in_this_order(some_articles: list[FieldedArticle]) -> None:
    counts = counted(some_articles[:30])
    first, then = np.arange(5, 20), np.array([25, 0])
    both, rows = counts.at(first).followed_by(counts.at(then)), np.concatenate([first, then])
    assert len(both) == len(rows)
    for one, other in zip(both.words, counts.at(rows).words, strict=True):
        assert abs(one - other).max() == 0
    np.testing.assert_array_equal(both.lengths, counts.lengths[rows])
    np.testing.assert_array_equal(both.shape, counts.shape[rows])
