"""Labelled data for the framing model: read, checked against the taxonomy, digested."""

import datetime
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from framing.article import Article
from framing.errors import DataError
from framing.taxonomy import Taxonomy
from training.config import Data
from training.loader import Ids, check_words, read_groups, read_label, read_labels, read_rows
from training.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItem:
    """An item with its labels. `story` groups the items that tell the same events; it is the id if none is given.

    `subject` groups the stories of one subject, blank if unknown; `groups` are values of further columns that
    folds must keep together, blank where there is none.
    """

    id: str
    lang: str
    title: str
    text: str
    topics: tuple[str, ...]
    framing: str
    outlet: str
    story: str
    date: str
    kind: str
    voice: str
    prose: str = ""
    subject: str = ""
    groups: tuple[str, ...] = ()

    @property
    def article(self) -> Article:
        """The item without its labels."""
        return Article(title=self.title, text=self.text, language=self.lang, outlet=self.outlet)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Checked items, where they came from, and the SHA-256 digest of their canonical form."""

    items: tuple[LabelledItem, ...]
    source: str
    digest: str


def bundled_corpus() -> Path:
    """Return the folder of the corpus that comes with the package."""
    return Path(str(resources.files("training").joinpath("corpus")))


def configured_corpus(data: Data, taxonomy: Taxonomy) -> Corpus:
    """Return the items that `data` names for fitting, or the bundled corpus if it names none."""
    return load_corpus(data.paths, taxonomy, data) if data.paths else load_corpus([bundled_corpus()], taxonomy)


def load_corpus(parts: Sequence[str | Path], taxonomy: Taxonomy, data: Data | None = None) -> Corpus:
    """Return the items of files, or of all data files in folders, mapped by `data` and checked against the schema.

    Without `data` the columns are those of our own format. Raises DataError that names file, line and
    column of the first fault.
    """
    data = data or Data()
    ids = Ids()
    items = []
    for row in read_rows(parts, data):
        items.append(_item(row, taxonomy, data))
        ids.add(items[-1].id, row, data.columns.id)
    if not items:
        raise DataError(f"{', '.join(map(str, parts))}: expected at least one item, found none")
    return Corpus(tuple(items), ", ".join(map(str, parts)), digest_items(items))


def digest_items(items: Iterable[LabelledItem]) -> str:
    """Return the SHA-256 digest of `items`, whatever their order, in hexadecimal."""
    digest = hashlib.sha256()
    for item in sorted(items, key=lambda item: item.id):
        row = [item.id, item.lang, item.title, item.text, sorted(item.topics), item.framing]
        row += [item.story, item.outlet, item.subject]
        digest.update(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def word_count(item: LabelledItem) -> int:
    """Return how many words title and text have, parted by blanks."""
    return len(item.title.split()) + len(item.text.split())


def _item(row: Row, taxonomy: Taxonomy, data: Data) -> LabelledItem:
    columns = data.columns
    name = row.name(columns.id) if columns.id else row.where
    item = LabelledItem(
        id=name,
        lang=(row.text(columns.language) if columns.language else "") or data.language,
        title=row.text(columns.title) if columns.title else "",
        text=row.text(columns.text) if columns.text else "",
        topics=read_labels(row, columns.topics, data, names=data.topic_names, known=taxonomy.topic_ids),
        framing=read_label(row, columns.framing, names=data.framing_names, known=taxonomy.framing_ids),
        outlet=row.optional(columns.outlet),
        story=row.optional(columns.story) or name,
        date=row.optional(columns.date, datetime.date),
        kind=row.optional(columns.kind),
        voice=row.optional(columns.voice),
        prose=row.optional(columns.prose),
        subject=row.optional(columns.subject),
        groups=read_groups(row, data),
    )
    check_words(row, [column for column in (columns.title, columns.text) if column])
    return item
