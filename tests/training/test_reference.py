import dataclasses
from collections import Counter
from collections.abc import Sequence

import pytest

from framing.fields import FieldedArticle
from framing.reference import FRAMING, KNOWN_SHARE, KNOWN_SHARE_EDGES, LANGUAGE, WORDS, WORDS_EDGES, bin_name, bin_names
from framing.taxonomy import Taxonomy
from training.config import Config
from training.data import LabelledItem
from training.fit import FitResult
from training.held_out import HeldOut
from training.reference import held_out_reference


@pytest.fixture
def held_out(
    small_config: Config, some_items: Sequence[LabelledItem], fitted: FitResult, taxonomy: Taxonomy
) -> HeldOut:
    return HeldOut.of(small_config, some_items, fitted, taxonomy)


def test_every_article_falls_into_one_bin_of_every_feature(
    held_out: HeldOut, some_articles: Sequence[FieldedArticle], some_items: Sequence[LabelledItem], taxonomy: Taxonomy
) -> None:
    reference = held_out_reference(held_out, some_articles)
    topics = {f"topic_{topic}" for topic in taxonomy.topic_ids}
    assert reference.keys() == {LANGUAGE, FRAMING, KNOWN_SHARE, WORDS} | topics
    for bins in reference.values():
        assert sum(bins.values()) == pytest.approx(len(some_items), abs=0.1)
    assert reference[KNOWN_SHARE].keys() <= set(bin_names(KNOWN_SHARE_EDGES))
    assert reference[WORDS].keys() <= set(bin_names(WORDS_EDGES))
    arabic = sum(item.lang == "ar" for item in some_items)
    assert reference[LANGUAGE]["ar"] == arabic > 0
    assert all(reference[topic].keys() == {"given", "withheld"} for topic in topics)


def test_labels_count_at_the_prior_that_the_model_is_calibrated_to(
    held_out: HeldOut, some_articles: Sequence[FieldedArticle], small_config: Config, fitted: FitResult
) -> None:
    framing = small_config.framing.model_copy(update={"prior": {}})
    flat = HeldOut.of(small_config.model_copy(update={"framing": framing}), held_out.items, fitted, held_out.taxonomy)
    unweighted = held_out_reference(flat, some_articles)
    assert unweighted[FRAMING]["abstained"] == (~flat.predictions.answered).sum() > 0
    assert unweighted[FRAMING] != held_out_reference(held_out, some_articles)[FRAMING]


def test_items_are_counted_as_the_model_answers_about_them(
    held_out: HeldOut, some_articles: Sequence[FieldedArticle], fitted: FitResult
) -> None:
    items = [dataclasses.replace(item, lang="" if row % 2 else item.lang) for row, item in enumerate(held_out.items)]
    reference = held_out_reference(dataclasses.replace(held_out, items=items), some_articles)
    pairs = zip(some_articles, items, strict=True)
    answers = [fitted.model.classify_read(article, item.lang) for article, item in pairs]
    assert reference[LANGUAGE] == Counter(answer.language for answer in answers)
    assert reference[WORDS] == Counter(bin_name(answer.words, WORDS_EDGES) for answer in answers)
    assert reference[KNOWN_SHARE] == Counter(bin_name(answer.known_share, KNOWN_SHARE_EDGES) for answer in answers)
