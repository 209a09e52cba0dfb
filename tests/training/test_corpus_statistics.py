import dataclasses
from pathlib import Path

import pytest

from framing.fields import read_fields
from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import sound_rows, write_corpus
from training.corpus_schema import CorpusItem, read_corpus
from training.corpus_statistics import label_statistics, text_statistics


@pytest.fixture
def items(tmp_path: Path) -> list[CorpusItem]:
    (first, *_), _ = read_corpus(write_corpus(tmp_path, sound_rows()[:1]), default_taxonomy())
    short = dataclasses.replace(
        first, title="Ships sail", text="Ships, ships sail 12 of 13.", framing="threat", topics=()
    )
    long = dataclasses.replace(first, title="", text="ba " * 1500, framing="absent", topics=("defense", "conflict"))
    return [short, long]


def test_words_are_counted_as_the_models_read_them(items: list[CorpusItem]) -> None:
    figures = text_statistics(items, [read_fields(item.article) for item in items], default_taxonomy())
    threat = figures["threat"]
    assert (threat["items"], threat["words"], threat["distinct_words"]) == (1, 8, 4)  # ships sail 0 of
    assert threat["type_token"] == 0.5
    assert threat["type_token_1000"] is None
    assert figures["absent"]["type_token_1000"] == 0.001
    assert figures["all"]["length"]["min"] == 8
    assert figures["all"]["length"]["median"] == 754
    assert figures["all"]["length"]["max"] == 1500
    assert figures["neutral"]["items"] == figures["neutral"]["words"] == figures["neutral"]["length"]["max"] == 0


def test_shares_of_labels(items: list[CorpusItem]) -> None:
    shares = label_statistics(items, default_taxonomy())
    assert shares["framing"] == {"cooperation": 0, "threat": 0.5, "convenience": 0, "neutral": 0, "absent": 0.5}
    assert shares["topics"] == {"diplomacy": 0, "defense": 0.5, "conflict": 0.5, "none": 0.5}
