import dataclasses
from pathlib import Path

import pytest

from framing.fields import read_fields
from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import sound_rows, write_corpus
from training.corpus_schema import CorpusItem, read_corpus
from training.giveaways import TOLERANCE, columns_alone, giveaway_faults, giveaway_words, wilson_low


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[CorpusItem]:
    folder = write_corpus(tmp_path_factory.mktemp("corpus"), sound_rows())
    return [item for item in read_corpus(folder, default_taxonomy())[0] if item.lang == "en"]


def best_of(items: list[CorpusItem], label: str) -> list[dict[str, float]]:
    return giveaway_words(items, [read_fields(item.article) for item in items], default_taxonomy())[label]


def test_the_lower_bound_is_that_of_the_score_interval() -> None:
    assert wilson_low(81, 263) == pytest.approx(0.2553, abs=5e-4)  # Newcombe (1998), table I, method 3
    assert wilson_low(15, 148) == pytest.approx(0.0624, abs=5e-4)
    assert wilson_low(0, 20) == pytest.approx(0, abs=1e-12)
    assert wilson_low(20, 20) == pytest.approx(0.8389, abs=5e-4)


def test_a_word_that_tells_is_found_first(items: list[CorpusItem]) -> None:
    told = [dataclasses.replace(i, title=i.title + " Zugzwang") if i.framing == "absent" else i for i in items]
    (first, *_) = best_of(told, "absent")
    count = sum(item.framing == "absent" for item in items)
    assert (first["word"], first["items"], first["share"]) == ("zugzwang", count, 1)
    assert first["lift"] == pytest.approx(len(items) / count)
    assert first["lift_low"] == pytest.approx(wilson_low(count, count) * len(items) / count)
    assert best_of(items, "absent") == []


def test_a_word_of_few_items_or_few_stories_does_not_count(items: list[CorpusItem]) -> None:
    def marked(count: int, stories: int) -> list[CorpusItem]:
        absent = [item for item in items if item.framing == "absent"][:count]
        return [
            dataclasses.replace(item, title="Zugzwang", story=f"s{place % stories}")
            for place, item in enumerate(absent)
        ]

    assert [row["word"] for row in best_of(marked(15, 8), "absent")] == ["zugzwang"]
    assert best_of(marked(14, 8), "absent") == []
    assert best_of(marked(15, 7), "absent") == []


def test_a_column_that_tells_nothing_stays_at_the_prior(items: list[CorpusItem]) -> None:
    alone = columns_alone([dataclasses.replace(item, outlet="One") for item in items], default_taxonomy())
    absent = sum(item.framing == "absent" for item in items) / len(items)
    assert alone["outlet"] == alone["prior"]
    assert alone["prior"]["accuracy"] == pytest.approx(absent)
    assert list(giveaway_faults({"en": alone}, Path("corpus"))) == []


def test_a_column_that_tells_all_is_right_and_a_fault(items: list[CorpusItem]) -> None:
    told = [dataclasses.replace(item, outlet=item.framing, date=f"{2000 + len(item.framing)}-01-01") for item in items]
    alone = columns_alone(told, default_taxonomy())
    assert alone["outlet"] == {"accuracy": 1, "f1_macro": 1}
    faults = [fault.message for fault in giveaway_faults({"en": alone}, Path("corpus"))]
    assert [message.split("alone")[0] for message in faults] == [
        "en: expected accuracy of the outlet ",
        "en: expected accuracy of the year ",
    ]


def test_an_outlet_of_one_story_only_tells_nothing(items: list[CorpusItem]) -> None:
    """Its value is new in the tested fold, so the commonest framing of all is the answer."""
    alone = columns_alone([dataclasses.replace(item, outlet=item.story) for item in items], default_taxonomy())
    assert alone["outlet"] == alone["prior"]


def test_the_gate_allows_five_points() -> None:
    scores = {name: {"accuracy": 0.4} for name in ("prior", "outlet", "year", "kind")}
    for accuracy, faults in ((0.4 + TOLERANCE - 1e-6, 0), (0.4 + TOLERANCE + 1e-6, 1)):
        alone = {"en": scores | {"outlet": {"accuracy": accuracy}, "kind": {"accuracy": 0.9}}}
        assert len(list(giveaway_faults(alone, Path("corpus")))) == faults
