import numpy as np

from framing.fields import FieldedArticle
from framing.taxonomy import Taxonomy
from training.data import LabelledItem
from training.fit import Labels
from training.joined import LEAST_WORDS, MOST_WORDS, join_articles


def word_count(article: FieldedArticle) -> int:
    return sum(len(sentence.words) for sentence in article.sentences)


def test_joined_articles_have_the_topics_of_both_and_the_wanted_length(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    topics = Labels.of(some_items, taxonomy).topics
    joined, both = join_articles(some_items, some_articles, topics, 50, 7)
    assert len(joined) == len(both) == 50
    assert both.mean() > topics.mean()
    assert all(LEAST_WORDS < word_count(article) <= MOST_WORDS for article in joined)


def test_joining_is_the_same_every_time(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    topics = Labels.of(some_items, taxonomy).topics
    first, second = (join_articles(some_items, some_articles, topics, 20, 7) for _ in range(2))
    assert [article.text.text for article in first[0]] == [article.text.text for article in second[0]]
    np.testing.assert_array_equal(first[1], second[1])


def test_where_nothing_fits_nothing_is_joined(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    one = some_items[:1]
    topics = Labels.of(one, taxonomy).topics
    for count in (0, 5):
        articles, both = join_articles(one, some_articles[:1], topics, count, 7)
        assert (articles, both.shape) == ([], (0, 3))
