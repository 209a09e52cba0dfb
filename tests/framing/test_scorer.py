import threading
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from framing.article import Article
from framing.fields import FieldedArticle, read_fields
from framing.scorer import Scorer, word_ngrams
from training.classifiers import pipeline_scores
from training.fit import FitResult


def pipeline_totals(fitted: FitResult, articles: list[FieldedArticle]) -> np.ndarray:
    weights = fitted.model.weights
    return pipeline_scores(fitted.pipelines, articles) * weights.scale + weights.shift


def test_it_scores_as_the_pipelines_do(fitted: FitResult, some_articles: list[FieldedArticle]) -> None:
    scorer = Scorer(fitted.model.weights)
    fast = np.array([scorer.score(article).total for article in some_articles])
    np.testing.assert_allclose(fast, pipeline_totals(fitted, some_articles), rtol=0, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(text=st.text(st.characters(), max_size=300), title=st.text(max_size=50))
def test_it_scores_random_strings_as_the_pipelines_do(fitted: FitResult, text: str, title: str) -> None:
    article = read_fields(Article(text=text, title=title))
    fast = Scorer(fitted.model.weights).score(article).total
    np.testing.assert_allclose(fast, pipeline_totals(fitted, [article])[0], rtol=0, atol=1e-9)


def test_what_sentences_and_words_add_adds_up(fitted: FitResult, some_articles: list[FieldedArticle]) -> None:
    scorer = Scorer(fitted.model.weights)
    for article in some_articles[:20]:
        scores = scorer.score(article)
        by_sentence = np.array([scores.by_sentence(label) for label in range(len(scores.total))])
        np.testing.assert_allclose(by_sentence.sum(axis=1) + scores.unplaced, scores.total, atol=1e-9)
        for label, index in product(*map(range, by_sentence.shape)):
            by_word = scores.by_word(index, label)
            assert len(by_word) == article.sentences[index].size
            np.testing.assert_allclose(sum(by_word), by_sentence[label, index], atol=1e-9)


def test_a_full_table_of_words_changes_no_score(fitted: FitResult, some_articles: list[FieldedArticle]) -> None:
    roomy, tight = Scorer(fitted.model.weights), Scorer(fitted.model.weights, remembered=50)
    for article in some_articles[:40]:
        np.testing.assert_allclose(tight.score(article).total, roomy.score(article).total, atol=1e-12)
    assert len(tight._rows) + len(tight._rows._older) <= 50 < len(roomy._rows)


def test_threads_that_fill_the_table_disturb_no_score(fitted: FitResult, some_articles: list[FieldedArticle]) -> None:
    expected = [Scorer(fitted.model.weights).score(article).total for article in some_articles[:60]]
    shared = Scorer(fitted.model.weights, remembered=200)
    wrong: list[int] = []

    def work(offset: int) -> None:
        for index in range(60):
            at = (index * 7 + offset) % 60
            if not np.allclose(shared.score(some_articles[at]).total, expected[at], atol=1e-12):
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_ngrams_of_a_word_are_padded_and_have_the_whole() -> None:
    assert word_ngrams("ab", (2, 3)) == (" a", "ab", "b ", " ab", "ab ", " ab ")
    assert word_ngrams("a", (2, 5)).count(" a ") == 1
    assert len(word_ngrams("x" * 10_000, (2, 5))) < 200
