from training.config import load_config
from training.data import Corpus
from training.run import TrainingOutcome
from training.run_log import all_metrics, config_changes, run_name, run_tags, told_changes


def test_a_run_is_named_after_its_corpus_and_what_differs_from_the_default(corpus: Corpus) -> None:
    assert run_name(load_config(), corpus) == f"fit {corpus.digest[:4]} default settings"
    other = load_config("default", ["framing.alpha=0.37", "folds.count=4"])
    assert config_changes(other) == {"framing.alpha": 0.37, "folds.count": 4}
    assert told_changes(other) == "framing.alpha=0.37, folds.count=4"
    many = load_config("default", [f"framing.fields.{name}=0.123" for name in ("all", "head", "pair", "shape")])
    assert len(told_changes(many)) == 80
    tags = run_tags(other, corpus)
    assert tags["framing.corpus"] == f"{len(corpus.items)} items, {corpus.digest[:12]}"
    assert "framing.alpha=0.37" in tags["framing.changes"]


def test_names_of_metrics_hold_only_what_a_store_takes(outcome: TrainingOutcome) -> None:
    report = dict(outcome.report)
    report["by_kind"] = {
        "headline+lead / «x».y": next(iter(report["by_length"].values())),
        "(none)": report["by_language"]["ar"],
    }
    names = set(all_metrics(report))
    assert "where.kind.headline_lead _ _x_y.framing_f1_macro" in names
    assert "where.kind.none.framing_accuracy" in names


def test_figures_of_all_items_come_before_what_they_are_held_against_and_parts(outcome: TrainingOutcome) -> None:
    sections = [name.partition(".")[0] for name in sorted(all_metrics(outcome.report))]
    assert list(dict.fromkeys(sections)) == ["framing", "selective", "topics", "versus", "where", "within"]
