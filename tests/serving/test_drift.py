import random
from collections import Counter

import pytest

from framing.reference import KNOWN_SHARE_EDGES, WORDS_EDGES, bin_name, read_reference
from serving.counts import Counts, merged
from serving.drift import LEAST_ARTICLES, DriftWindow, compare
from tests.serving.answers import answer

REFERENCE = {
    "language": {"ar": 50.0, "en": 50.0},
    "framing": {"threat": 60.0, "abstained": 40.0},
    "topic_defense": {"given": 30.0, "withheld": 70.0},
    "known_share": {"0.9": 80.0, "more": 20.0},
    "words": {"320": 100.0},
}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_equal_shares_do_not_drift() -> None:
    assert compare({"a": 300, "b": 100}, {"a": 3000, "b": 1000}).index < 1e-4


def test_the_index_is_the_one_of_the_textbooks() -> None:
    # (0.5 - 0.2) ln(0.5 / 0.2) + (0.5 - 0.8) ln(0.5 / 0.8)
    assert compare({"a": 5e7, "b": 5e7}, {"a": 2e7, "b": 8e7}).index == pytest.approx(0.41588830833596724, rel=1e-6)


def test_a_bin_that_training_never_saw_is_finite() -> None:
    assert 0 < compare({"a": 500, "new": 500}, {"a": 1000}).index < 10


def test_chance_is_exceeded_about_once_in_a_thousand_times() -> None:
    draw = random.Random(7)  # noqa: S311  # no secret is drawn
    shares, reference = [0.4, 0.3, 0.2, 0.1], {"0": 8e5, "1": 6e5, "2": 4e5, "3": 2e5}
    exceeded = 0
    for _ in range(1000):
        drift = compare(
            {str(k): float(n) for k, n in Counter(draw.choices(range(4), shares, k=300)).items()}, reference
        )
        exceeded += drift.index > drift.chance
    assert exceeded <= 5


def feed(counts: Counts, articles: int, language: str = "ar") -> None:
    for _ in range(articles):
        counts.answer(answer(language=language, framing="threat", topics=("defense",), words=300, known_share=0.85))


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 10.83), (4, 18.47), (9, 27.88)])  # printed tables
def test_the_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    live = {str(number): 1e12 for number in range(freedom + 1)}
    assert compare(live, live).chance * 1e12 * (freedom + 1) / 2 == pytest.approx(quantile, rel=0.04)


def test_too_few_articles_say_nothing() -> None:
    counts, window = Counts(), DriftWindow(60, Clock())
    window.update(REFERENCE, {})
    feed(counts, LEAST_ARTICLES - 1)
    window.update(REFERENCE, merged([counts.message()]))
    assert (window.articles, window.drifts()) == (LEAST_ARTICLES - 1, {})
    feed(counts, 1)
    window.update(REFERENCE, merged([counts.message()]))
    drifts = window.drifts()
    assert drifts.keys() == REFERENCE.keys()
    assert drifts["language"].index > 0.25 > drifts["language"].chance
    assert drifts["words"].index < drifts["words"].chance


def test_the_window_slides() -> None:
    counts, clock = Counts(), Clock()
    window = DriftWindow(60, clock)
    window.update(REFERENCE, {})
    for language in ("ar", "en"):
        feed(counts, 500, language)
        for _ in range(13):
            clock.now += 5
            window.update(REFERENCE, merged([counts.message()]))
    assert window.articles == 0
    feed(counts, 300)
    window.update(REFERENCE, merged([counts.message()]))
    assert window.articles == 300


def test_another_model_begins_another_window() -> None:
    counts, window = Counts(), DriftWindow(60, Clock())
    window.update(REFERENCE, {})
    feed(counts, 300)
    window.update({"language": {"ar": 1.0}}, merged([counts.message()]))
    assert window.articles == 0


def test_no_reference_no_drift() -> None:
    counts, window = Counts(), DriftWindow(60, Clock())
    window.update({}, {})
    feed(counts, 300)
    window.update({}, merged([counts.message()]))
    assert (window.articles, window.drifts()) == (300, {})


@pytest.mark.parametrize("info", [{}, {"reference": None}, {"reference": 3}, {"reference": {"language": 3}}])
def test_a_bundle_without_a_reference_is_none_the_worse(info: dict[str, object]) -> None:
    assert read_reference(info) == {}


@pytest.mark.parametrize(("value", "name"), [(0, "0.2"), (0.2, "0.2"), (0.21, "0.3"), (1, "more")])
def test_a_bin_reaches_up_to_its_edge(value: float, name: str) -> None:
    assert bin_name(value, KNOWN_SHARE_EDGES) == name
    assert bin_name(WORDS_EDGES[0], WORDS_EDGES) == "10"
