"""The gate refuses a corpus that was tampered with, for the right reason, and a model that got worse."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from framing.errors import DataError
from framing.taxonomy import Taxonomy
from training.comparison import Pair, compare, same_items
from training.comparison_page import comparison_page
from training.config import Gate
from training.data import LabelledItem
from training.gate import Contender, bundle_checks, data_checks
from training.item_table import item_table, table_items
from training.metrics import Predictions
from training.prediction_table import prediction_table

GATE = Gate()
ANOTHER = {
    "cooperation": "threat",
    "threat": "neutral",
    "convenience": "absent",
    "neutral": "absent",
    "absent": "neutral",
}


def answers(
    items: Sequence[LabelledItem], truth: Sequence[LabelledItem], taxonomy: Taxonomy, right: float = 0.9
) -> pd.DataFrame:
    """Predictions for `items` of a calibrated model that knows `truth` in a share of `right`, the same way every time."""
    known = {item.id: item for item in truth}
    draws = np.random.default_rng(1).random(len(truth)) < right
    luck = {item.id: bool(lucky) for item, lucky in zip(truth, draws, strict=True)}
    framings, topics = list(taxonomy.framing_ids), list(taxonomy.topic_ids)
    given = [known[i.id].framing if luck[i.id] else ANOTHER[known[i.id].framing] for i in items]
    chances = np.full((len(items), len(framings)), (1 - right) / (len(framings) - 1))
    index = np.array([framings.index(name) for name in given])
    chances[np.arange(len(items)), index] = right
    topic = np.array([[int((name in known[i.id].topics) == luck[i.id]) for name in topics] for i in items])
    predictions = Predictions(topic, index, 0.1 + 0.8 * topic, chances, np.ones(len(items), dtype=bool))
    fold = np.arange(len(items)) % 3
    return prediction_table(items, fold, predictions, np.ones(len(items)), taxonomy)


@pytest.fixture
def judged(some_items: list[LabelledItem], taxonomy: Taxonomy) -> Callable[..., list[str]]:
    """The names of the checks that fail for a corpus in place of the trusted one, and a model fitted on it."""

    def judge(items: Sequence[LabelledItem], right: float = 0.9) -> list[str]:
        old = Contender(some_items, answers(some_items, some_items, taxonomy))
        truth = [*some_items, *(item for item in items if item.id.startswith("new"))]
        new = Contender(items, answers(items, truth, taxonomy, right))
        return [check.name for check in data_checks(GATE, new, old) if not check.holds]

    return judge


def flipped(item: LabelledItem) -> LabelledItem:
    return replace(item, framing=ANOTHER[item.framing])


def test_the_same_corpus_and_answers_pass(judged: Callable[..., list[str]], some_items: list[LabelledItem]) -> None:
    assert judged(some_items) == []


def test_a_corpus_with_the_outlet_in_each_text_is_a_leak(
    judged: Callable[..., list[str]], some_items: list[LabelledItem]
) -> None:
    leaking = [replace(item, text=f"{item.text} {item.outlet}") for item in some_items]
    assert judged(leaking)[0] == "leak"
    fresh = [replace(item, id=f"new-{item.id}", text=f"{item.outlet}: {item.text}") for item in some_items[:200]]
    assert judged([*some_items, *fresh]) == ["leak"]


def test_a_fifth_of_wrong_labels_is_seen_in_old_items_and_in_new_ones(
    judged: Callable[..., list[str]], some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    assert (
        judged([flipped(item) if number % 5 == 0 else item for number, item in enumerate(some_items)])[0]
        == "relabelled"
    )
    fresh = [replace(item, id=f"new-{item.id}") for item in some_items]
    sound = answers([*some_items, *fresh], [*some_items, *fresh], taxonomy)
    wrong = [*some_items, *(flipped(item) if number % 5 == 0 else item for number, item in enumerate(fresh))]
    sound["true.framing"] = sound["item"].map({item.id: item.framing for item in wrong})
    old = Contender(some_items, answers(some_items, some_items, taxonomy))
    reasons = [check.name for check in data_checks(GATE, Contender(wrong, sound), old) if not check.holds]
    assert reasons[0] == "new_labels"
    assert judged([*some_items, *fresh]) == []


def test_a_shrunken_corpus_lacks_items(judged: Callable[..., list[str]], some_items: list[LabelledItem]) -> None:
    assert judged(some_items[: len(some_items) * 2 // 3])[0] == "missing"
    assert judged([item for item in some_items if item.lang != "ar"])[0] == "missing"
    assert set(judged(some_items[:20])) >= {"missing", "items"}


def test_a_worse_model_is_refused_by_its_figures(
    judged: Callable[..., list[str]], some_items: list[LabelledItem]
) -> None:
    assert {"framing.accuracy", "framing.f1_macro", "topics.f1_micro"} <= set(judged(some_items, right=0.8))


def test_one_language_that_got_worse_is_named(some_items: list[LabelledItem], taxonomy: Taxonomy) -> None:
    before = answers(some_items, some_items, taxonomy, right=0.95)
    after, worse = before.copy(), answers(some_items, some_items, taxonomy, right=0.6)
    rows = after["lang"] == "ar"
    after.loc[rows, list(after.columns)] = worse.loc[rows]
    lenient = GATE.model_copy(update={"most_worse": 1.0, "macro_most_worse": 1.0})
    checks = data_checks(lenient, Contender(some_items, after), Contender(some_items, before))
    names = [check.name for check in checks if not check.holds]
    assert "language.ar.framing.accuracy" in names
    assert not [name for name in names if name.startswith("language.") and not name.startswith("language.ar.")]


def test_the_bundle_must_hold_its_limits() -> None:
    seconds = {"before": [1.0, 1.0], "after": [2.0, 2.0]}
    failed = {check.name for check in bundle_checks(GATE, 1 << 30, "item 3 differs", seconds) if not check.holds}
    assert failed == {"golden", "size", "latency"}
    assert all(check.holds for check in bundle_checks(GATE, 1000, "", {"after": [2.0]}))


def test_runs_with_other_items_folds_or_labels_are_not_compared(
    some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    table = answers(some_items, some_items, taxonomy)
    other = table.assign(fold=(table["fold"] + 1) % 3)
    with pytest.raises(DataError, match=f"{len(table)} of {len(table)} items have other folds"):
        same_items(table, other, taxonomy)
    with pytest.raises(DataError, match="5 items are only in the first"):
        same_items(table, table[5:].reset_index(drop=True), taxonomy)
    labels = table.copy()
    labels.loc[0, "true.framing"] = ANOTHER[str(labels.loc[0, "true.framing"])]
    with pytest.raises(DataError, match=f"1 of {len(table)} items have other labels .{table['item'][0]}."):
        same_items(table, labels, taxonomy)


def test_a_comparison_counts_what_flipped_and_its_page_escapes_titles(
    some_items: list[LabelledItem], taxonomy: Taxonomy
) -> None:
    some_items = [replace(some_items[0], title="<script>alert(1)</script>"), *some_items[1:]]
    before, after = (answers(some_items, some_items, taxonomy, right=share) for share in (0.0, 0.9))
    report = compare(Pair(before, after, taxonomy))
    gained = sum(flip["gained"] is True for flip in report["flips"])
    assert gained == len(report["flips"]) == round(report["overall"]["framing.accuracy"]["after"] * len(some_items))
    assert report["overall"]["framing.accuracy"]["low"] > 0.8
    assert set(report["slices"]["language"]) == {"ar", "en", "fa", "ru"}
    page = comparison_page("version 1", "version 2", report)
    assert "<script>alert" not in page
    assert 'dir="auto"' in page


def test_items_come_back_from_the_table_as_they_were(some_items: list[LabelledItem]) -> None:
    assert table_items(item_table(some_items)) == some_items
