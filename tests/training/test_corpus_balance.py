import dataclasses
from pathlib import Path

import pytest

from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import LEAST, sound_rows, write_corpus
from training.corpus_balance import Least, contrast_faults, form_table, size_faults, table_faults
from training.corpus_schema import KINDS, CorpusItem, Fault, read_corpus

FOLDER = Path("corpus")


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[CorpusItem]:
    return read_corpus(write_corpus(tmp_path_factory.mktemp("corpus"), sound_rows()), default_taxonomy())[0]


def set_faults(items: list[CorpusItem], contrast: str, **label: object) -> list[Fault]:
    """Return the faults after every telling of the first set of a kind got the same label."""
    story = next(item.story for item in items if item.contrast == contrast)
    return list(
        contrast_faults([dataclasses.replace(i, **label) if i.story == story else i for i in items], FOLDER, LEAST)
    )


def test_what_the_shipped_corpus_needs() -> None:
    assert Least() == Least(items=600, absent=1 / 3, framing_sets=80, topic_sets=10)


def test_a_language_that_is_not_there_has_too_few_items(items: list[CorpusItem]) -> None:
    faults = list(size_faults([item for item in items if item.lang != "fa"], FOLDER, default_taxonomy(), LEAST))
    assert [str(fault) for fault in faults] == ["corpus/fa.jsonl: expected at least 84 items, got 0"]


@pytest.mark.parametrize(
    ("contrast", "label", "message"),
    [
        ("framing", {"framing": "neutral"}, "expected two framings or more, got ['neutral']"),
        ("topic", {"topics": ("conflict",)}, "expected two choices of topics or more, got [('conflict',)]"),
    ],
)
def test_a_set_without_its_contrast_is_named_and_does_not_count(
    items: list[CorpusItem], contrast: str, label: dict[str, object], message: str
) -> None:
    of_set, of_language = set_faults(items, contrast, **label)
    assert message in of_set.message
    assert of_set.id.startswith("ar-")
    assert f"stories told as {contrast} contrasts, got" in of_language.message


def test_a_topic_set_keeps_its_framing(items: list[CorpusItem]) -> None:
    one = next(item for item in items if item.contrast == "topic")
    changed = [dataclasses.replace(item, framing="threat") if item is one else item for item in items]
    assert "expected one framing throughout" in next(contrast_faults(changed, FOLDER, LEAST)).message


def test_every_empty_cell_is_named(items: list[CorpusItem]) -> None:
    table = form_table([item for item in items if item.lang != "ru"], default_taxonomy())
    faults = list(table_faults(table, FOLDER))
    assert len(faults) == len(KINDS) * len(default_taxonomy().framings)
    assert str(faults[0]) == "corpus/ru.jsonl: expected at least one item 'cooperation' as 'headline', got none"
