"""Ablations on a small corpus, and the shipped ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from framing.article import Article
from framing.errors import ConfigError
from framing.fields import read_fields
from framing.taxonomy import Taxonomy
from training.__main__ import main
from training.ablation import Variant, ablate, load_ablation
from training.config import Config, load_config
from training.data import load_corpus
from training.sentence_groups import GROUPS, regrouped
from training.trials import FIGURES, Trials

SMALL = ("features.most_ngrams=1500", "features.greatest_ngram=4", "folds.count=3", "features.joined=20")
# Of a score: n-grams tell word vectors to a tolerance, and words in another order to another end of it.
DISTILLED = 1e-2
CANDIDATES = ("logistic", "svm", "complement_bayes", "bayes_logistic", "average")


@pytest.fixture
def config() -> Config:
    return load_config("default", SMALL)


def test_what_changes_nothing_differs_in_nothing(config: Config, data_file: Path, taxonomy: Taxonomy) -> None:
    items = load_corpus([data_file], taxonomy).items
    variants = {"same": Variant(), "counts": Variant(settings={"topics.fields.shape": 3.0})}
    same, changed = ablate(config, variants, items, taxonomy)
    assert [(one.difference, one.low, one.high) for one in same.differences.values()] == [(0, 0, 0)] * len(FIGURES)
    assert changed.differences["topics.f1_macro"].difference != 0
    assert changed.differences["framing.accuracy"].difference == 0


def test_a_language_by_itself_is_read_as_if_there_were_no_other(
    config: Config, data_file: Path, taxonomy: Taxonomy
) -> None:
    items = load_corpus([data_file], taxonomy).items
    trials = Trials(config, items, taxonomy)
    joint, apart = trials.out_of_fold(config), trials.out_of_fold(config, by_language=True)
    assert np.array_equal(joint.fold, apart.fold)
    assert not np.allclose(joint.scores, apart.scores)
    russian = [item for item in items if item.lang == "ru"]
    rows = [row for row, item in enumerate(items) if item.lang == "ru"]
    place = {row: number for number, row in enumerate(rows)}
    folds = [tuple(np.array([place[r] for r in part if r in place]) for part in fold) for fold in trials.folds]
    only = Trials(config, russian, taxonomy, folds).out_of_fold(config)
    topics = len(taxonomy.topics)
    assert np.abs(joint.scores[rows] - only.scores)[:, :topics].max() > 10 * DISTILLED
    np.testing.assert_allclose(apart.scores[rows][:, :topics], only.scores[:, :topics], atol=DISTILLED)
    np.testing.assert_allclose(apart.scores[rows][:, topics:], only.scores[:, topics:], atol=5e-4)


def test_other_groups_of_sentences_stand_in_the_place_of_a_field() -> None:
    text = "Moscow and Tehran met. The minister said: “Ties grow.” Nothing else was told."
    article = read_fields(Article(title="Talks held", text=text))
    members = {group: list(regrouped(article, {"head": group}).members[1]) for group in GROUPS}
    assert members == {"headline": [0], "lead": [1], "rest": [2, 3], "quoted": [2], "unquoted": [0, 1, 3]}
    kept = regrouped(article, {"head": "quoted"}).members
    assert (list(kept[0]), list(kept[2])) == ([0, 1, 2, 3], [1])


@pytest.mark.parametrize("quotation", ['"نعم"', "«لا»", "“so”", "„wohl“"])
def test_quotation_marks_of_all_kinds_are_seen(quotation: str) -> None:
    article = read_fields(
        Article(text=f"Moscow and Tehran met. The minister said {quotation} again. No more was told.")
    )
    assert list(GROUPS["quoted"](article)) == [1]


def test_a_variant_with_another_group_is_read_so(config: Config, data_file: Path, taxonomy: Taxonomy) -> None:
    items = load_corpus([data_file], taxonomy).items
    variants = {"same": Variant(groups={}), "rest": Variant(groups={"all": "rest"})}
    same, rest = ablate(config, variants, items, taxonomy)
    assert same.differences["topics.f1_macro"].difference == 0
    assert rest.differences["topics.f1_macro"].difference < 0


def test_masked_outlets_are_not_read(config: Config, data_file: Path, taxonomy: Taxonomy) -> None:
    items = load_corpus([data_file], taxonomy).items
    with_names = [replace(item, text=f"{item.outlet} {item.text}") for item in items]
    masked = {"masked": Variant(mask_outlets=True)}
    [worth] = ablate(config, masked, with_names, taxonomy)
    [plain] = ablate(config, masked, items, taxonomy)
    assert [one.after for one in worth.differences.values()] == [one.after for one in plain.differences.values()]


def test_the_command_prints_a_table_or_an_object_a_line(data_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = [argument for setting in (*SMALL, f'data.paths=["{data_file}"]') for argument in ("--set", setting)]
    with pytest.raises(SystemExit, match="0"):
        main(["ablate", *sets, "--only", "without counts for the framing"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines] == ["| variant", "| ---", "| without counts for the framing"]
    with pytest.raises(SystemExit, match="0"):
        main(["ablate", *sets, "--only", "without counts for the framing", "--json"])
    assert set(json.loads(capsys.readouterr().out)["differences"]) == set(FIGURES)


def test_the_shipped_variants_are_changes_of_the_default() -> None:
    default = load_config()
    for name, variant in load_ablation("ablations").variants.items():
        assert variant.applied(default) != default or variant.by_language or variant.mask_outlets or variant.groups, (
            name
        )


@pytest.mark.parametrize("kind", CANDIDATES)
def test_a_candidate_is_the_default_with_another_classifier(kind: str) -> None:
    default, candidate = load_config(), load_config(f"candidates/{kind}")
    assert (candidate.topics.kind, candidate.framing.kind) == (kind, kind)
    assert (candidate.features, candidate.framing.fields) == (default.features, default.framing.fields)
    assert candidate.framing.prior == default.framing.prior


def test_an_unknown_base_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('base = "nothing"\n', "utf-8")
    with pytest.raises(ConfigError, match="nothing: expected a shipped configuration"):
        load_config(str(tmp_path / "one.toml"))
