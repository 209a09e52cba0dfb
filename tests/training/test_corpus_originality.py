import dataclasses
import json
from pathlib import Path

import pytest

from framing.fields import read_fields
from framing.taxonomy import default_taxonomy
from tests.training.corpus_maker import sound_rows, write_corpus
from training.corpus_originality import named_outlets, near_duplicates, real_outlets, shared_sentences, shared_text
from training.corpus_schema import CorpusItem, read_corpus

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
LONG = "A sentence of somewhat more than forty letters."


@pytest.fixture(scope="module")
def item(tmp_path_factory: pytest.TempPathFactory) -> CorpusItem:
    return read_corpus(write_corpus(tmp_path_factory.mktemp("corpus"), sound_rows()[:1]), default_taxonomy())[0][0]


def retold(item: CorpusItem, *texts: str, story: str = "") -> list[CorpusItem]:
    return [
        dataclasses.replace(item, id=f"i{place}", story=story or f"s{place}", title="", text=text)
        for place, text in enumerate(texts)
    ]


def sharing(items: list[CorpusItem]) -> list[str]:
    return [fault.id for fault in shared_sentences(items, [read_fields(item.article) for item in items])]


def test_copies_are_faults_unless_they_tell_one_story(item: CorpusItem) -> None:
    texts = " ".join(WORDS), " ".join(WORDS[:8]), " ".join(WORDS[::-1])
    (fault,) = near_duplicates(retold(item, *texts))
    assert fault.id == "i1"
    assert "near-duplicate of i0" in fault.message
    assert "Jaccard 0.60" in fault.message
    assert list(near_duplicates(retold(item, *texts, story="one"))) == []


def test_a_long_sentence_belongs_to_one_story(item: CorpusItem) -> None:
    assert sharing(retold(item, f"First. {LONG}", f"{LONG.upper()} Second.")) == ["i1"]
    assert sharing(retold(item, LONG, LONG, story="one")) == []
    assert (
        sharing(retold(item, "Forty letters, with the full stop of it.", "Forty letters, with the full stop of it."))
        == []
    )


@pytest.mark.parametrize(
    "outlet",
    [
        "Reuters",
        "the GUARDIAN",
        "Агентство «Интерфакс»",
        "Коммерсантъ",
        "خبرگزاری تسنیم",
        "كيهان",
        "وكالة سانا",
        "روزنامه ایران",
    ],
)
def test_real_outlets_are_known_in_any_spelling(outlet: str, item: CorpusItem) -> None:
    (fault,) = named_outlets([dataclasses.replace(item, outlet=outlet)], [read_fields(item.article)], real_outlets())
    assert outlet in fault.message


@pytest.mark.parametrize("outlet", ["Reuters of Ambo", "Guardian Angel", "Новый Коммерсантъ", "کیهان‌نگار", "Agency"])
def test_names_are_compared_whole(outlet: str, item: CorpusItem) -> None:
    invented = dataclasses.replace(item, outlet=outlet)
    assert list(named_outlets([invented], [read_fields(item.article)], real_outlets())) == []


def test_a_real_wire_credit_is_a_fault(item: CorpusItem) -> None:
    credited = dataclasses.replace(item, text=f"MOSCOW (Reuters) - {LONG}")
    (fault,) = named_outlets([credited], [read_fields(credited.article)], real_outlets())
    assert "'reuters'" in fault.message


def test_the_list_of_real_outlets_is_long_and_says_each_name_once() -> None:
    lines = (Path(__file__).parents[2] / "training/corpus/real_outlets.txt").read_text("utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    assert len(real_outlets()) >= 250
    assert "" not in real_outlets()
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("count", "faults"), [(7, 0), (8, 1)])
def test_eight_words_in_a_row_are_too_many(count: int, faults: int, item: CorpusItem, tmp_path: Path) -> None:
    (tmp_path / "real-dev").mkdir()
    (tmp_path / "real-dev" / "a.jsonl").write_text(json.dumps({"text": " ".join(WORDS)}) + "\n", "utf-8")
    (copy,) = retold(item, f"So, {', '.join(WORDS[2 : 2 + count]).upper()}!")
    assert len(list(shared_text([copy], tmp_path))) == faults
