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


def test_every_article_falls_into_one_bin_of_every_feature(
    small_config: Config,
    some_items: Sequence[LabelledItem],
    some_articles: Sequence[FieldedArticle],
    fitted: FitResult,
    taxonomy: Taxonomy,
) -> None:
    reference = held_out_reference(HeldOut.of(small_config, some_items, fitted, taxonomy), some_articles)
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
    small_config: Config,
    some_items: Sequence[LabelledItem],
    some_articles: Sequence[FieldedArticle],
    fitted: FitResult,
    taxonomy: Taxonomy,
) -> None:
    flat = small_config.model_copy(update={"framing": small_config.framing.model_copy(update={"prior": {}})})
    held_out = HeldOut.of(flat, some_items, fitted, taxonomy)
    unweighted = held_out_reference(held_out, some_articles)
    assert unweighted[FRAMING]["abstained"] == (~held_out.predictions.answered).sum() > 0
    weighted = held_out_reference(HeldOut.of(small_config, some_items, fitted, taxonomy), some_articles)
    assert unweighted[FRAMING] != weighted[FRAMING]


def test_items_are_counted_as_the_model_answers_about_them(
    small_config: Config,
    some_items: Sequence[LabelledItem],
    some_articles: Sequence[FieldedArticle],
    fitted: FitResult,
    taxonomy: Taxonomy,
) -> None:
    items = [dataclasses.replace(item, lang="" if row % 2 else item.lang) for row, item in enumerate(some_items)]
    held_out = dataclasses.replace(HeldOut.of(small_config, some_items, fitted, taxonomy), items=items)
    reference = held_out_reference(held_out, some_articles)
    pairs = zip(some_articles, items, strict=True)
    answers = [fitted.model.classify_read(article, item.lang) for article, item in pairs]
    assert reference[LANGUAGE] == Counter(answer.language for answer in answers)
    assert reference[WORDS] == Counter(bin_name(answer.words, WORDS_EDGES) for answer in answers)
    assert reference[KNOWN_SHARE] == Counter(bin_name(answer.known_share, KNOWN_SHARE_EDGES) for answer in answers)
