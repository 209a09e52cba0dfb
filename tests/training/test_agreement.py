import dataclasses
from pathlib import Path

import numpy as np
import pytest

from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import sound_rows, write_corpus
from training.agreement import agreement, coincidences, nominal_alpha
from training.corpus_schema import Coding, CorpusItem, read_corpus

KRIPPENDORFF_2011 = {  # coders by line, units by column, "." not rated
    "A: two observers, two values": (0.095, "0100000010 1110010000"),
    "B: two observers, five values": (0.692, "aabbdcccedda babbbccceddd"),
    "C: four observers, missing ratings": (0.743, "123321412... 1233224125.3 .3332342251. 12332441251."),
}


def alpha(*coders: str) -> float:
    units = [[None if rating == "." else rating for rating in unit] for unit in zip(*coders, strict=True)]
    labels = sorted({rating for unit in units for rating in unit if rating})
    return float(nominal_alpha(coincidences(units, labels).sum(axis=0)))


@pytest.mark.parametrize("example", KRIPPENDORFF_2011)
def test_alpha_is_that_of_the_worked_examples(example: str) -> None:
    expected, coders = KRIPPENDORFF_2011[example]
    assert alpha(*coders.split()) == pytest.approx(expected, abs=0.0005)


def test_alpha_of_agreement_chance_and_contradiction() -> None:
    one, other = ("".join(np.random.default_rng(seed).choice(list("abc"), 4000)) for seed in (1, 2))
    assert alpha(one, one) == 1
    assert alpha(one, other) == pytest.approx(0, abs=0.05)
    assert alpha("ab" * 50, "ba" * 50) == pytest.approx(-1, abs=0.02)


def test_without_variation_nothing_is_shown() -> None:
    assert alpha("aaaa", "aaaa") == 0
    assert float(nominal_alpha(np.zeros((2, 3)))) == 0


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[CorpusItem]:
    folder: Path = write_corpus(tmp_path_factory.mktemp("corpus"), sound_rows())
    return read_corpus(folder, default_taxonomy())[0]


def test_the_report_has_each_task_with_its_interval(items: list[CorpusItem]) -> None:
    other = Coding(frozenset({"defense"}), "neutral")
    coded = [
        dataclasses.replace(item, coders=(item.coders[0], other)) if place % 9 == 0 else item
        for place, item in enumerate(items)
    ]
    report = agreement(coded, default_taxonomy())
    topics = report["topics"]
    assert report["items"] == len(items)
    assert report["stories"] == len({item.story for item in items})
    assert list(topics) == ["diplomacy", "defense", "conflict"]
    assert report["topics_mean"]["alpha"] == pytest.approx(np.mean([found["alpha"] for found in topics.values()]))
    for found in (report["framing"], report["topics_mean"], *topics.values()):
        assert 0 < found["low"] < found["alpha"] < found["high"] < 1


def test_items_without_two_codings_are_left_out(items: list[CorpusItem]) -> None:
    bare = [dataclasses.replace(item, coders=()) for item in items]
    assert agreement(bare, default_taxonomy()) == {}
    assert agreement([*bare, *items], default_taxonomy())["items"] == len(items)
