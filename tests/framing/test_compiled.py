"""The compiled twins give the answers of Python's, on news, on texts made of what is rare in news, and on noise."""

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from framing import compiled
from framing.article import Article, Classification
from framing.bundle import load_bundle
from framing.letters import Span
from framing.marks import WHOLE
from framing.model import FramingModel
from framing.tokens import SPANS, Line, split_lines, table_flags
from training.data import LabelledItem

PIECES = (
    "Iran", "Russia", "Iran-Russia", "إيران", "روسيا", "ایران و روسیه", "Иран", "России", "5.2", "S-300", "Dr.", "U.S.",
    "said.", "Why?", "«...»", "(Reuters)", "MOSCOW (Reuters) -", "(رويترز)", "Read more:", "2 hours ago", "@channel",
    "\u200b", "\u0640", "\u064b\u064b", "بُوتين،", "ﷺ", "\ud800", "日本語", "x" * 70, "word" * 30, "\U0001f539", "é", "\u0301",
)  # fmt: skip
SPACES = (" ", "  ", "\n", "\r\n", "\r", "\t", "\u00a0", "\u2028", "\u3000", "\x1c", "\x85", "\v")
SCRIPT = """
import json, sys
from pathlib import Path
from framing import compiled
from framing.article import Article
from framing.bundle import load_bundle
from tests.framing.test_compiled import told
assert not compiled.COMPILED
model = load_bundle(Path(sys.argv[1]))
print(json.dumps([told(model.classify(Article(**article))) for article in json.load(sys.stdin)]))
"""


def told(answer: Classification) -> tuple[list[Any], list[float]]:
    """Return what must be equal in two answers, and the numbers that must be close."""
    numbers = [score.probability for score in (*answer.topics, *answer.framings)]
    exact: list[Any] = [answer.stance, str(answer.abstention), answer.language, answer.credit, answer.words]
    exact += [score.selected for score in (*answer.topics, *answer.framings)]
    for evidence in answer.evidence:
        exact.append(
            [evidence.label, evidence.part, *evidence.span, *(list(phrase.span) for phrase in evidence.phrases)]
        )
        numbers += [evidence.contribution, *(phrase.contribution for phrase in evidence.phrases)]
    return exact, [*numbers, answer.known_share]


def noise(seed: int) -> str:
    """Return a text of pieces and letters at random."""
    chance = random.Random(seed)  # noqa: S311  # nothing is kept secret by it
    letters = [chr(chance.randrange(1, 0x3000)) for _ in range(30)]
    return "".join(chance.choice((*PIECES, *letters)) + chance.choice(SPACES) for _ in range(chance.randrange(1, 80)))


@pytest.fixture(scope="module")
def articles(some_items: list[LabelledItem]) -> list[dict[str, str]]:
    news = [{"text": item.article.text, "title": item.article.title} for item in some_items]
    odd = [{"text": noise(seed), "title": noise(-seed) if seed % 3 == 0 else ""} for seed in range(300)]
    return [article for article in (*news, *odd) if article["text"].strip() or article["title"].strip()]


def test_it_is_compiled_where_there_is_a_compiler() -> None:
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if not (shutil.which("gcc") and headers.is_file()) or os.environ.get("PURE_PYTHON"):
        pytest.skip("there is no C compiler, or it has no headers of Python: Python does it all")
    assert compiled.COMPILED


def test_python_gives_the_same_answers(bundle: Path, articles: list[dict[str, str]]) -> None:
    if not compiled.COMPILED:
        pytest.skip("nothing is compiled")
    model: FramingModel = load_bundle(bundle)
    ours = [told(model.classify(Article(**article))) for article in articles]
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(bundle)],
        input=json.dumps(articles), capture_output=True, text=True, check=True, env={**os.environ, "PURE_PYTHON": "1"},
    )  # fmt: skip
    for article, (exact, numbers), (theirs, figures) in zip(articles, ours, json.loads(process.stdout), strict=True):
        assert exact == theirs, article
        assert numbers == pytest.approx(figures, rel=0, abs=1e-9), article


def test_a_token_that_is_whole_is_one_word_of_all_its_letters(articles: list[dict[str, str]]) -> None:
    tokens = {token for article in articles for token in (article["text"] + " " + article["title"]).split()}
    letters = {chr(code) for code in range(0x3000) if table_flags(chr(code)) & WHOLE}
    whole = {token for token in tokens if table_flags(token) & WHOLE}
    assert len(whole) > len(tokens) // 2
    for token in (
        *whole,
        *letters,
        *(token + letter for token, letter in zip(sorted(whole), sorted(letters), strict=False)),
    ):
        assert SPANS[token] == (Span(0, len(token)),) * 2


def test_a_full_table_of_tokens_changes_no_line() -> None:
    if not compiled.COMPILED:
        pytest.skip("nothing is compiled")
    tight = compiled.reading.TokenTable(table_flags, 8, 64)
    for seed in range(200):
        lines = [(line.tokens, line.marks, line.flags, line.number) for line in tight.split_lines(noise(seed), Line)]
        assert lines == [(line.tokens, line.marks, line.flags, line.number) for line in split_lines(noise(seed))]


def test_evidence_is_a_sequence_that_compares_and_travels_as_a_tuple(model: FramingModel) -> None:
    answer = model.classify(Article(text="Iran and Russia sign a treaty. They met in Moscow."), evidence=2)
    assert isinstance(answer.evidence, Sequence)
    assert len(answer.evidence) == len(tuple(answer.evidence)) > 1
    assert answer.evidence == tuple(answer.evidence) == pickle.loads(pickle.dumps(answer)).evidence  # noqa: S301  # our own
    assert (answer.evidence[-1], *answer.evidence[:-1]) == (answer.evidence[-1], *tuple(answer.evidence)[:-1])
    assert answer.evidence != answer.evidence[:1]


def test_parts_that_are_not_there_are_refused(model: FramingModel) -> None:
    if not compiled.COMPILED:
        pytest.skip("nothing is compiled")
    from framing.fields import read_fields

    article = read_fields(Article(text="Iran and Russia sign. They met."))
    scores = model._scorer.score(article)
    for sentence, label in ((2, 0), (-1, 0), (0, 8), (0, -1)):
        with pytest.raises(IndexError):
            scores.by_word(sentence, label)
    with pytest.raises(IndexError):
        scores.by_sentence(8)
    with pytest.raises(IndexError):
        article.text.spans(article.text.sentences[0], [(0, 9, 0.0)])
    with pytest.raises(IndexError):
        article.text.lines[0].cut(0, 99)
