"""What the folds of somebody's data look like: near-duplicates, groups, sizes."""

import resource
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from framing.article import Article
from framing.errors import ConfigError
from framing.taxonomy import default_taxonomy
from training.config import Config, Data, DataConfig
from training.data import configured_corpus
from training.duplicates import article_words, duplicate_clusters
from training.folds import article_folds, merged_groups
from training.loader import read_examples

LARGEST = 5


class Member(NamedTuple):
    """What folds need to know of an item once its text has been counted."""

    id: str
    story: str
    stratum: str
    groups: tuple[str, ...]


def describe_folds(config: DataConfig) -> Mapping[str, Any]:
    """Return counts, the largest clusters of near-duplicates and the sizes of the folds of `config.data`.

    Items are read as a stream; no text is held once its words have been counted.
    """
    begin = time.perf_counter()
    members: list[Member] = []
    clusters = duplicate_clusters(_words(config, members))
    reports = merged_groups([[member.story for member in members], clusters])
    columns = list(zip(*(member.groups for member in members), strict=True))
    return {
        "items": len(members),
        "groups": {name: len(set(column)) for name, column in zip(config.data.groups, columns, strict=True)},
        "duplicates": _describe_clusters(clusters, [member.id for member in members]),
        "folds": _describe_folds(config, members, columns, reports),
        "seconds": round(time.perf_counter() - begin, 1),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _words(config: DataConfig, members: list[Member]) -> Iterator[list[str]]:
    """Yield the words of each item, and append the rest of it to `members`."""
    for article, member in _members(config):
        members.append(member)
        yield article_words(article)


def _members(config: DataConfig) -> Iterator[tuple[Article, Member]]:
    if isinstance(config, Config):
        for item in configured_corpus(config.data, default_taxonomy()).items:
            yield item.article, Member(item.id, item.story, f"{item.lang} {item.framing}", item.groups)
    else:
        yield from _examples(config.data)


def _examples(data: Data) -> Iterator[tuple[Article, Member]]:
    if not data.paths:
        raise ConfigError("data.paths: expected files or splits to form folds of, got none")
    for example in read_examples(data.paths, data):
        stratum = f"{example.target} {' '.join(example.labels)}"
        yield example.article, Member(example.id, "", stratum, example.groups)


def _describe_clusters(clusters: Sequence[int], ids: Sequence[str]) -> Mapping[str, Any]:
    several = [(cluster, size) for cluster, size in Counter(clusters).most_common() if size > 1]
    members: dict[int, list[str]] = {cluster: [] for cluster, _ in several[:LARGEST]}
    for cluster, name in zip(clusters, ids, strict=True):
        if cluster in members:
            members[cluster].append(name)
    return {
        "clusters": len(several),
        "items": sum(size for _, size in several),
        "largest": [{"size": len(names), "ids": names[:LARGEST]} for names in members.values()],
    }


def _describe_folds(
    config: DataConfig, members: Sequence[Member], columns: Sequence[Sequence[str]], reports: Sequence[int]
) -> list[Mapping[str, int]]:
    strata = [member.stratum for member in members]
    folds = article_folds(columns, reports, config.folds.count, strata=strata, seed=config.seed)
    return [
        {"train": len(train), "test": len(test), "left_out": len(members) - len(train) - len(test)}
        for train, test in folds
    ]
