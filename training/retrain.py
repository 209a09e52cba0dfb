"""The retraining job: new labelled data in, a champion that is better or the old one out. Safe to run again.

The corpus is the champion's, as its run kept it, with the new items added; an item whose id is known takes the place
of the old one, and the gate counts how many did. What was judged once against a champion is not fitted again.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from framing.bundle import read_manifest
from framing.errors import ConfigError
from framing.taxonomy import default_taxonomy
from training.archive import Archive, PastRun
from training.config import Classifier, Config
from training.config_files import validated
from training.data import Corpus, digest_items, load_corpus
from training.fit import fit
from training.held_out import HeldOut
from training.item_table import CORPUS_PATH, table_items
from training.promote import Verdict, judge, promote, settle
from training.registry import CHAMPION
from training.run import read_all, train

_SETTLED = ("promoted", "refused")

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Retraining:
    """What a retraining came to: the verdict on the new version, or None and why there was nothing to do."""

    verdict: Verdict | None
    message: str


def retrain(archive: Archive, config: Config, data: Sequence[Path], *, progress: Progress) -> Retraining:
    """Fit on the champion's corpus and `data`, with its settings or better ones near by, judge, and promote.

    `config` gives the gate, the search and the mapping of `data`. Raises ModelUnavailable without a champion, DataError
    for bad data, Busy if another promotion was faster.
    """
    champion = archive.find(CHAMPION)
    settle(archive, champion)
    corpus = merged_corpus(archive, champion, config, data)
    if corpus.digest == champion.parameters.get("data.sha256"):
        return Retraining(None, f"{champion.label} is fitted on these items already: nothing to do")
    candidate = next((run for run in archive.fitted_on(corpus.digest) if run.version), None)
    if candidate and _settled(candidate, champion):
        gate = candidate.tags["framing.gate"]
        return Retraining(None, f"{candidate.label} was fitted on these items, gate {gate}: nothing to do")
    if candidate is None:
        settings = best_settings(champion_config(archive, champion, config), config.retrain.factors, corpus, progress)
        outcome = train(settings, archive.tracking, corpus=corpus, progress=progress)
        candidate = archive.find(outcome.run_id)
    verdict = judge(archive, config.gate, candidate, progress=progress)
    promote(archive, verdict)
    return Retraining(verdict, "promoted" if verdict.open else "gate closed")


def _settled(candidate: PastRun, champion: PastRun) -> bool:
    """Return whether `candidate` was held against `champion` to the end: also if it won and was rolled back since."""
    tags = candidate.tags
    return tags.get("framing.gate.champion") == champion.version and tags.get("framing.promotion") in _SETTLED


def merged_corpus(archive: Archive, champion: PastRun, config: Config, data: Sequence[Path]) -> Corpus:
    """Return the champion's corpus with the items of `data` added, or in place of those of the same id."""
    items = {item.id: item for item in table_items(archive.table(champion, CORPUS_PATH))}
    new = load_corpus(data, default_taxonomy(), config.data)
    items |= {item.id: item for item in new.items}
    source = f"{champion.label} and {new.source}"
    return Corpus(tuple(items.values()), source, digest_items(items.values()))


def champion_config(archive: Archive, champion: PastRun, config: Config) -> Config:
    """Return the settings the champion was fitted with, and the registry of `config`."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = read_manifest(archive.bundle(champion, Path(folder)))
    settings = manifest["info"].get("config")
    if not isinstance(settings, dict):
        raise ConfigError(f"{champion.label}: expected the settings it was fitted with in its bundle, found none")
    fitted = validated(Config, champion.label, settings)
    return fitted.model_copy(update={"registry": config.registry})


def best_settings(config: Config, factors: Sequence[float], corpus: Corpus, progress: Progress) -> Config:
    """Return the settings near `config` with the best mean of framing macro-F1 and topics micro-F1 out of fold."""
    near = list(_near(config, factors))
    if len(near) == 1:
        return near[0]
    taxonomy, articles = default_taxonomy(), read_all(corpus.items)
    scores = []
    for number, settings in enumerate(near):
        report = HeldOut.of(settings, corpus.items, fit(settings, corpus.items, articles, taxonomy), taxonomy).report()
        scores.append((report["framing"]["f1_macro"] + report["topics"]["f1_micro"]) / 2)
        progress(f"settings {number + 1} of {len(near)}, strength times {factors[number]:g}: {scores[-1]:.4f}")
    return near[max(range(len(near)), key=scores.__getitem__)]


def _near(config: Config, factors: Sequence[float]) -> Iterator[Config]:
    for factor in factors:
        parts = {name: _scaled(getattr(config, name), factor) for name in ("topics", "framing")}
        yield config.model_copy(update=parts)


def _scaled(classifier: Classifier, factor: float) -> Classifier:
    """Return `classifier` with a penalty `factor` times as strong."""
    return classifier.model_copy(update={"alpha": classifier.alpha * factor, "c": classifier.c / factor})
