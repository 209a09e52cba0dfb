"""Other groups of sentences than framing.fields has, for ablations to try in the place of one of its fields."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from framing.fields import FIELDS, FieldedArticle
from framing.text import Sentence

FieldName = Annotated[str, Field(pattern=rf"\A(?:{'|'.join(FIELDS)})\z")]
Group = Literal["headline", "lead", "rest", "quoted", "unquoted"]

_QUOTATION_MARK = re.compile('[«»“”„"]')


def _headline(article: FieldedArticle) -> Iterable[int]:
    return range(len(article.title.sentences))


def _lead(article: FieldedArticle) -> Iterable[int]:
    return set(article.members[FIELDS.index("head")]) - set(_headline(article))


def _rest(article: FieldedArticle) -> Iterable[int]:
    named = {*article.members[FIELDS.index("head")], *article.members[FIELDS.index("pair")]}
    return set(range(len(article.sentences))) - named


def _quoted(article: FieldedArticle) -> Iterable[int]:
    return (index for index, sentence in enumerate(article.sentences) if _has_marks(sentence))


def _unquoted(article: FieldedArticle) -> Iterable[int]:
    return (index for index, sentence in enumerate(article.sentences) if not _has_marks(sentence))


GROUPS: Mapping[Group, Callable[[FieldedArticle], Iterable[int]]] = {
    "headline": _headline,
    "lead": _lead,
    "rest": _rest,  # neither headline nor lead, and not of both countries
    "quoted": _quoted,  # with a quotation mark
    "unquoted": _unquoted,
}


def regrouped(article: FieldedArticle, groups: Mapping[FieldName, Group]) -> FieldedArticle:
    """Return `article` with other groups of GROUPS, by field of FIELDS, in the place of those fields."""
    members = dict[str, Sequence[int]](zip(FIELDS, article.members, strict=True))
    for field, group in groups.items():
        members[field] = sorted(GROUPS[group](article))
    return article._replace(members=tuple(members.values()))


def _has_marks(sentence: Sentence) -> bool:
    return _QUOTATION_MARK.search(sentence.text) is not None
