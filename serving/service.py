"""framing.v1.ClassificationService: each call from request to reply."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from framing.article import Article, Classification
from framing.errors import InvalidInput, ModelUnavailable
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving.calls import Calls, Handler, Malformed, parsed
from serving.messages import (
    check_batch,
    read_article,
    read_options,
    require_article,
    write_answer,
    write_model_info,
    write_pending_update,
)
from serving.settings import Settings
from serving.shadow import ShadowFeed
from serving.status import to_status
from serving.telemetry import Telemetry
from serving.updates import SwapOutcome

_LONG = 5_000  # code points: what takes longer than an article of news does
SERVICE = pb.DESCRIPTOR.services_by_name["ClassificationService"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model and since when it answers."""

    model: FramingModel
    since: datetime


class ClassificationService:
    """The calls. `load` puts a model in force; until then they answer UNAVAILABLE."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self.telemetry = telemetry
        self.calls = Calls(settings, self.model_version, telemetry)
        self._loaded: LoadedModel | None = None
        self._outcome: SwapOutcome | None = None
        self.shadow: ShadowFeed | None = None
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="long-texts")

    def load(self, model: FramingModel) -> None:
        """Answer with `model` from now on."""
        self._loaded = LoadedModel(model, datetime.now(UTC))
        self.telemetry.loaded(model)

    def note(self, outcome: SwapOutcome) -> None:
        """Tell from now on, in the model's info, what became of the newest version."""
        self._outcome = outcome

    async def classify_article(self, request: pb.ClassifyArticleRequest) -> bytes:
        """Classify one article; return a ClassifyArticleResponse."""
        return await self._classify(request)

    async def batch_classify_articles(self, request: pb.BatchClassifyArticlesRequest) -> bytes:
        """Classify articles, all or none, all with one model; return a BatchClassifyArticlesResponse."""
        check_batch(len(request.articles), self._settings.max_batch)
        evidence, encoding = read_options(request.options)
        model, limit = self.model(), self._settings.max_text
        articles = [
            read_article(article, f"articles[{index}]", max_text=limit)
            for index, article in enumerate(request.articles)
        ]
        self.telemetry.counts.batch(len(articles))
        return b"".join(
            [
                write_answer(await self.answer(article, model, evidence), article, model, encoding)
                for article in articles
            ]
        )

    async def stream_classify_article(
        self, request: pb.StreamClassifyArticlesRequest | Malformed
    ) -> pb.StreamClassifyArticlesResponse | bytes:
        """Classify one article of a stream; what is wrong with it stands in its place."""
        try:
            return await self._classify(parsed(request))
        except InvalidInput as error:
            return pb.StreamClassifyArticlesResponse(error=to_status(error))

    def get_model_info(self, request: pb.GetModelInfoRequest) -> pb.GetModelInfoResponse:
        """Tell which model answers."""
        del request
        loaded = self._loaded_model()
        reply = write_model_info(loaded.model, loaded.since)
        if not self._settings.bundle:
            reply.followed_model = self._settings.model
        if self._outcome and self._outcome.problem:
            reply.pending_update.CopyFrom(write_pending_update(self._outcome))
        return reply

    def model(self) -> FramingModel:
        """Return the model in force; ModelUnavailable if there is none."""
        return self._loaded_model().model

    def model_version(self) -> str:
        """Return the version of the model in force, empty if there is none."""
        return self._loaded.model.version if self._loaded else ""

    async def answer(self, article: Article, model: FramingModel, evidence: int) -> Classification:
        """Return what `model` says of `article`, once it is its turn, and count it.

        A long text is worked on in a thread beside the event loop, one at a time: it may take a second, and probes and
        other calls are not to wait for it.
        """
        await self.calls.articles.take()
        classify = partial(model.classify, article, evidence=evidence)
        if len(article.text) > _LONG:
            answer = await asyncio.get_running_loop().run_in_executor(self._beside, classify)
        else:
            answer = classify()
        self.telemetry.counts.answer(answer)
        if self.shadow:
            self.shadow.offer(article, answer)
        return answer

    async def _classify(self, request: pb.ClassifyArticleRequest | pb.StreamClassifyArticlesRequest) -> bytes:
        model = self.model()
        article = read_article(require_article(request), "article", max_text=self._settings.max_text)
        evidence, encoding = read_options(request.options)
        return write_answer(await self.answer(article, model, evidence), article, model, encoding)

    def _loaded_model(self) -> LoadedModel:
        if self._loaded is None:
            raise ModelUnavailable("no model is loaded yet: try again later")
        return self._loaded


def rpc_handlers(service: ClassificationService) -> dict[str, Handler]:
    """Return the handlers of every method of the service, by name, for a `grpc.aio` server."""
    calls, methods = service.calls, SERVICE.methods_by_name
    return {
        "ClassifyArticle": calls.unary(methods["ClassifyArticle"], service.classify_article),
        "BatchClassifyArticles": calls.unary(
            methods["BatchClassifyArticles"],
            service.batch_classify_articles,
            articles=lambda request: len(request.articles),
        ),
        "GetModelInfo": calls.probe(methods["GetModelInfo"], service.get_model_info),
        "StreamClassifyArticles": calls.stream(methods["StreamClassifyArticles"], service.stream_classify_article),
    }
