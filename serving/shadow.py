"""The challenger's process: answers a share of the articles again, in the background, and counts disagreement by label.

    python -m serving.shadow FD ARTICLES [SETTINGS...]

FD is its end of a channel to the supervisor, ARTICLES a socket on which workers drop articles with the labels that the
champion gave. It shares nothing with the workers but the processors, and those it yields. Counts are reported in the
form of a worker's, and logged; the text is neither.
"""

import asyncio
import contextlib
import json
import logging
import os
import random
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from framing.article import Article, Classification
from framing.errors import FramingError
from framing.model import FramingModel
from serving.child import Channel, ChannelClosed
from serving.counts import DISAGREEMENT, SHADOW
from serving.logs import start_logging
from serving.model_loader import open_model
from serving.settings import load_settings

MOST_BYTES = 1 << 20
REPORT_SECONDS = 1.0
_POLITE = 10  # calls come first; lower still and it would never be done where processors are busy
_LOG = logging.getLogger("framing.serving")


class ShadowFeed:
    """The workers' end: drops a `share` of the articles, 0 to 1, into a socket, and never waits for it."""

    def __init__(self, articles: socket.socket, share: float) -> None:
        self._articles = articles
        self._share = share

    def offer(self, article: Article, answer: Classification) -> None:
        """Let the challenger answer `article` too, if it is chosen and there is room."""
        if random.random() >= self._share:  # noqa: S311  # a sample, no secret
            return
        message = {"text": article.text, "title": article.title, "language": article.language, "given": given(answer)}
        with contextlib.suppress(OSError):  # the challenger is busy or the article too long: it goes without
            self._articles.send(json.dumps(message).encode(), socket.MSG_DONTWAIT)


def given(answer: Classification) -> list[str]:
    """Return the labels that `answer` gives."""
    return [score.label for score in (*answer.topics, *answer.framings) if score.selected]


class Shadow:
    """A challenger, and where it disagrees."""

    def __init__(self, model: FramingModel) -> None:
        self._model = model
        self._kinds = dict.fromkeys(model.taxonomy.topic_ids, "topic")
        self._kinds |= dict.fromkeys(model.taxonomy.framing_ids, "framing")
        self.articles = 0
        self.disagreements: Counter[tuple[str, str]] = Counter()

    def compare(self, message: dict[str, Any]) -> None:
        """Answer the article in `message` and count the labels that only one of the two models gives."""
        article = Article(text=message["text"], title=message["title"], language=message["language"])
        answer = self._model.classify(article, evidence=0)
        self.articles += 1
        for label in set(given(answer)) ^ set(message["given"]):
            self.disagreements[self._kinds.get(label, "unknown"), label] += 1

    def message(self) -> dict[str, Any]:
        """Return the counts as a worker reports its own."""
        rows = [[[DISAGREEMENT, *key], [number]] for key, number in self.disagreements.items()]
        return {"counts": [[[SHADOW], [self.articles]], *rows], "gauges": {}, "model": {}}


async def shadow(channel: Channel, articles: socket.socket) -> None:
    """Load the model that the supervisor names first, and compare until the supervisor has gone."""
    order = await channel.receive()
    try:
        challenger = Shadow(open_model(Path(order["bundle"]), order["version"]))
    except FramingError as error:
        channel.send({"problem": str(error)})
        return
    channel.send({"problem": ""})
    os.nice(_POLITE)
    asyncio.get_running_loop().add_reader(articles, lambda: challenger.compare(json.loads(articles.recv(MOST_BYTES))))
    reporting = asyncio.create_task(_report(channel, challenger, order["version"]))
    with contextlib.suppress(ChannelClosed):
        await channel.receive()
    reporting.cancel()


async def _report(channel: Channel, challenger: Shadow, version: str) -> None:
    told = 0
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        if challenger.articles != told:
            told = challenger.articles
            channel.send({"report": challenger.message()})
            by_label = {label: number for (_, label), number in sorted(challenger.disagreements.items())}
            _LOG.info("challenger=%s articles=%d disagreements=%s", version, told, by_label)


async def _main(end: socket.socket, articles: socket.socket) -> None:
    with contextlib.suppress(ChannelClosed):
        await shadow(await Channel.over(end), articles)


def main() -> None:
    """Shadow for the supervisor at the other end of the channel that the command line names."""
    end, articles = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    start_logging(load_settings(sys.argv[3:]))
    articles.setblocking(False)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(end, articles))


if __name__ == "__main__":
    main()
