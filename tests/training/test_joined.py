import numpy as np

from framing.article import Article
from framing.fields import FieldedArticle, read_fields
from framing.taxonomy import Taxonomy
from training.config import Features
from training.data import LabelledItem
from training.joined import LEAST_WORDS, MOST_WORDS, join_articles, joined_shape
from training.labels import Labels
from training.pipelines import count_articles


def test_joined_articles_have_the_topics_of_both_and_the_wanted_length(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    topics = Labels.of(some_items, taxonomy).topics
    joined = join_articles(some_items, some_articles, topics, 50, 7)
    assert len(joined.first) == len(joined.topics) == len(joined.shape) == 50
    assert joined.topics.mean() > topics.mean()
    words = count_articles(Features(), some_articles).joined(joined.first, joined.second, joined.shape).lengths[:, 0]
    assert (words > LEAST_WORDS).all()
    assert (words <= MOST_WORDS).all()


def test_a_joined_article_is_counted_as_its_two_texts_one_after_the_other() -> None:
    first = Article(title="Putin meets Pezeshkian", text='They met in Moscow. "Iran and Russia agree", he said.')
    second = Article(title="Rain in Tehran", text="It fell on Russian and Iranian roads. Nothing else.")
    whole = Article(title=first.title, text="\n".join((first.text, second.title, second.text)))
    articles = [read_fields(article) for article in (first, second, whole)]
    counts = count_articles(Features(), articles)
    one, other = np.array([0]), np.array([1])
    joined = counts.joined(one, other, np.array([joined_shape(*articles[:2])]))
    for own, read in zip(joined.words, counts.at(np.array([2])).words, strict=True):
        assert abs(own - read).max() == 0
    np.testing.assert_array_equal(joined.lengths[0], counts.lengths[2])
    np.testing.assert_allclose(joined.shape[0], counts.shape[2])


def test_joining_is_the_same_every_time(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    topics = Labels.of(some_items, taxonomy).topics
    one, again = (join_articles(some_items, some_articles, topics, 20, 7) for _ in range(2))
    for name in ("first", "second", "topics", "shape"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))


def test_where_nothing_fits_nothing_is_joined(
    some_items: list[LabelledItem], some_articles: list[FieldedArticle], taxonomy: Taxonomy
) -> None:
    one = some_items[:1]
    topics = Labels.of(one, taxonomy).topics
    for count in (0, 5):
        joined = join_articles(one, some_articles[:1], topics, count, 7)
        assert (joined.first.tolist(), joined.topics.shape) == ([], (0, 3))
