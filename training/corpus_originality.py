"""Whether every text of the corpus is its own: no copies inside, no real publishers, nothing from ../shared."""

import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from framing.fields import FieldedArticle
from framing.letters import normalise
from training.corpus_schema import CorpusItem, Fault, fault_of
from training.duplicates import THRESHOLD, article_words, shingles
from training.rows import file_rows

SENTENCE_LETTERS = 40
WORDS_IN_A_ROW = 8
SHARED_FILES = ("real-dev/*.jsonl", "sample/*.txt")

_WORD = re.compile(r"\w+")
_FORMS = frozenset(
    normalise(
        "the agency newspaper channel agence информационное агентство газета телеканал телекомпания канал тг журнал "
        "сайт портал издание радио وكالة صحيفة جريدة قناة موقع شبكة مجلة للأنباء خبرگزاری روزنامه شبکه کانال پایگاه "
        "خبری سایت وب‌سایت هفته‌نامه ماهنامه نشریه"
    ).split()
)

Shingle = tuple[str, ...]


def near_duplicates(items: Sequence[CorpusItem]) -> Iterator[Fault]:
    """Yield the items that share too many runs of words with an earlier item of another story.

    The similarity is that of duplicates.py, exact instead of estimated: a few thousand items fit in one
    product of sparse matrices, and a gate must not miss a pair by chance.
    """
    for first, second, similarity in _similar([shingles(article_words(item.article)) for item in items]):
        one, other = items[first], items[second]
        if one.story != other.story:
            likeness = f"Jaccard {similarity:.2f}, expected less than {THRESHOLD}"
            yield fault_of(other, f"near-duplicate of {one.id} ({one.where}) of another story: {likeness}")


def _similar(runs: Sequence[set[str]]) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of sets whose Jaccard similarity reaches the threshold, with it."""
    numbers: dict[str, int] = {}
    columns = [numbers.setdefault(run, len(numbers)) for of_item in runs for run in sorted(of_item)]
    sizes = np.array([len(of_item) for of_item in runs])
    begins = np.concatenate([[0], np.cumsum(sizes)])
    occurs = csr_array((np.ones(len(columns)), columns, begins), shape=(len(runs), len(numbers)))
    common = (occurs @ occurs.T).tocoo()
    for first, second, count in zip(*common.coords, common.data, strict=True):
        similarity = count / (sizes[first] + sizes[second] - count)
        if first < second and similarity >= THRESHOLD:
            yield int(first), int(second), float(similarity)


def shared_sentences(items: Sequence[CorpusItem], articles: Sequence[FieldedArticle]) -> Iterator[Fault]:
    """Yield the items with a prepared sentence of more than 40 letters that an item of another story has too."""
    seen: dict[str, dict[str, CorpusItem]] = {}
    for item, article in zip(items, articles, strict=True):
        for sentence in article.sentences:
            text = sentence.text
            if len(text) > SENTENCE_LETTERS:
                seen.setdefault(text, {}).setdefault(item.story, item)
    for text, tellers in seen.items():
        for one, other in combinations(tellers.values(), 2):
            yield fault_of(other, f"shares a sentence with {one.id} ({one.where}) of another story: {text!r}")


def real_outlets() -> frozenset[str]:
    """Return the names of real outlets, agencies and channels in training/corpus/real_outlets.txt, compared forms."""
    lines = resources.files("training").joinpath("corpus", "real_outlets.txt").read_text("utf-8").splitlines()
    return frozenset(_bare_name(line) for line in lines if line.strip() and not line.startswith("#"))


def named_outlets(
    items: Sequence[CorpusItem], articles: Sequence[FieldedArticle], real: frozenset[str]
) -> Iterator[Fault]:
    """Yield the items whose outlet, or whose wire credit, is the whole name of a real outlet."""
    for item, article in zip(items, articles, strict=True):
        if _bare_name(item.outlet) in real:
            yield fault_of(item, f"outlet: expected an invented one, got the real {item.outlet!r}")
        for credit in f"{article.title.credit}, {article.text.credit}".split(", "):
            if credit and _bare_name(credit) in real:
                yield fault_of(item, f"text: expected the credit of an invented agency, got the real {credit!r}")


def _bare_name(name: str) -> str:
    """Return `name` folded, without marks and without the words before it that say what it is."""
    words = _WORD.findall(normalise(name))
    bare = next((place for place, word in enumerate(words) if word not in _FORMS), 0)
    return " ".join(words[bare:])


def shared_text(items: Sequence[CorpusItem], shared: Path) -> Iterator[Fault]:
    """Yield the items that have eight words in a row in common with a text of `shared`, naming it, never quoting it."""
    places: dict[Shingle, str] = {}
    for where, text in _shared_texts(shared):
        places.update(dict.fromkeys(_runs(text), where))
    for item in items:
        where = next((places[run] for run in _runs(f"{item.title} {item.text}") if run in places), "")
        if where:
            yield fault_of(item, f"text: {WORDS_IN_A_ROW} words in a row in common with {where}: write it anew")


def has_shared_texts(shared: Path) -> bool:
    """Return whether `shared` has any of the files that the corpus must have nothing from."""
    return any(next(shared.glob(pattern), None) for pattern in SHARED_FILES)


def _shared_texts(shared: Path) -> Iterator[tuple[str, str]]:
    articles, texts = SHARED_FILES
    for file in sorted(shared.glob(articles)):
        for row in file_rows(file):
            yield row.where, f"{row.optional('title')} {row.text('text')}"
    for file in sorted(shared.glob(texts)):
        yield str(file), file.read_text("utf-8")


def _runs(text: str) -> Iterable[Shingle]:
    words = _WORD.findall(text.lower())
    return zip(*(words[start:] for start in range(WORDS_IN_A_ROW)), strict=False)
