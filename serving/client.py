"""The client: a small library, and the command line ``framing-client``."""

import argparse
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import json_format
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framing.errors import FramingError
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.connection import (
    PLAIN,
    CallError,
    Security,
    call_error,
    hedged,
    open_channel,
    read_file,
    status_error,
)
from serving.display import render

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 10.0
EXIT_FAILED = 1

_BATCH_ARTICLES, _BATCH_BYTES = 64, 4 << 20


class FramingClient:
    """A connection to a server at `address`. Use it in a ``with`` block; thread-safe.

    A call that the server did not take, or that was lost with it, is tried again, and so is one that was refused for
    overload, when the server says; all within `timeout` seconds. With `hedge_seconds` a call of one article or one
    batch that takes longer is sent a second time and the first answer counts: that cuts long waits where several
    servers stand behind the address, at the price of more work. Every CallError tells code, reason and field.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        security: Security = PLAIN,
        wait_for_ready: bool = False,
        hedge_seconds: float | None = None,
    ) -> None:
        self.timeout = timeout
        self._hedge_seconds = hedge_seconds
        self._wait_for_ready = wait_for_ready
        self._metadata = security.metadata()
        self._channel = open_channel(address, security)
        self._stub = pb_grpc.ClassificationServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def classify(
        self, article: pb.Article, options: pb.ClassificationOptions | None = None
    ) -> pb.ClassifyArticleResponse:
        """Return the answer about `article`; CallError if there is none."""
        request = pb.ClassifyArticleRequest(article=article, options=options)
        reply: pb.ClassifyArticleResponse = self._call(self._stub.ClassifyArticle, request)
        return reply

    def classify_many(
        self, articles: Iterable[pb.Article], options: pb.ClassificationOptions | None = None
    ) -> Iterator[pb.Classification]:
        """Yield the answers about `articles` in their order, asked for in batches.

        CallError if an article is bad; its field names the article by its place among all.
        """
        done = 0
        for batch in _batches(articles):
            request = pb.BatchClassifyArticlesRequest(articles=batch, options=options)
            try:
                reply = self._call(self._stub.BatchClassifyArticles, request)
            except CallError as error:
                raise error.moved(done) from error
            yield from reply.classifications
            done += len(batch)

    def stream(
        self, articles: Iterable[pb.Article], options: pb.ClassificationOptions | None = None
    ) -> Iterator[pb.Classification | CallError]:
        """Yield an answer for each of `articles` as they come, or what is wrong with it; CallError if the call fails.

        `timeout` does not bound the stream: it lasts as long as there are articles.
        """
        requests = (pb.StreamClassifyArticlesRequest(article=article, options=options) for article in articles)
        call = self._stub.StreamClassifyArticles(requests, metadata=self._metadata, wait_for_ready=self._wait_for_ready)
        try:
            for reply in call:
                failed = reply.WhichOneof("result") == "error"
                yield status_error(reply.error) if failed else reply.classification
        except grpc.RpcError as error:
            raise call_error(error) from error
        finally:
            call.cancel()

    def info(self) -> pb.GetModelInfoResponse:
        """Return what the server says of its model; CallError if it says nothing."""
        reply: pb.GetModelInfoResponse = self._call(self._stub.GetModelInfo, pb.GetModelInfoRequest())
        return reply

    def health(self, service: str = "") -> str:
        """Return the health of `service`, of the server if empty, such as SERVING; CallError if there is no answer."""
        reply = self._call(self._health.Check, health_pb2.HealthCheckRequest(service=service))
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(reply.status))

    def _call(self, method: Any, request: Message) -> Any:
        """Return the answer of a unary method, waiting out overload within the timeout."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return self._send(method, request, deadline - time.monotonic())
            except grpc.RpcError as error:
                problem = call_error(error)
                pause = problem.retry_seconds * random.uniform(1, 1.5)  # noqa: S311  # only so that clients part
                if not pause or time.monotonic() + pause >= deadline:
                    raise problem from error
                time.sleep(pause)

    def _send(self, method: Any, request: Message, timeout: float) -> Any:
        options = {"timeout": timeout, "metadata": self._metadata, "wait_for_ready": self._wait_for_ready}
        if self._hedge_seconds is None:
            return method(request, **options)
        return hedged(lambda: method.future(request, **options), self._hedge_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()


def _batches(articles: Iterable[pb.Article]) -> Iterator[list[pb.Article]]:
    """Yield `articles` in batches of bounded count and size."""
    batch: list[pb.Article] = []
    size = 0
    for article in articles:
        if batch and (len(batch) == _BATCH_ARTICLES or size + article.ByteSize() > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(article)
        size += article.ByteSize()
    if batch:
        yield batch


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (those of the process if None) and exit with its code."""
    options = _parser().parse_args(arguments)
    try:
        with _connect(options) as client:
            failed = options.command(client, options)
    except FramingError as error:
        print(f"framing-client: {error}", file=sys.stderr)
        failed = True
    except KeyboardInterrupt:
        failed = True
    except BrokenPipeError:  # the reader, such as head, has gone: that is no fault
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        failed = False
    sys.exit(EXIT_FAILED if failed else 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="framing-client", description="Ask a framing server.")
    parser.add_argument(
        "--address", default=DEFAULT_ADDRESS, help=f"host:port of the server; default {DEFAULT_ADDRESS}"
    )
    parser.add_argument("--timeout", type=float, default=DEFAULT_TIMEOUT, help="seconds to wait for an answer")
    parser.add_argument("--wait", action="store_true", help="wait for a server that is not there yet")
    parser.add_argument("--tls", action="store_true", help="connect by TLS; the options below imply it")
    parser.add_argument("--ca", type=Path, help="PEM file of authorities to trust instead of the system's")
    parser.add_argument("--certificate", type=Path, help="PEM file of this client's certificate, for mutual TLS")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token; it does not imply --tls")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("classify", help="topics, framing and evidence of articles")
    command.add_argument("files", nargs="+", metavar="FILE", help="UTF-8 text file; - for standard input")
    command.add_argument("--title", default="", help="headline, if it is not the first line of the text")
    command.add_argument("--language", default=None, help="BCP 47 tag; default: detected")
    command.add_argument("--evidence", type=int, default=None, metavar="N", help="most sentences for each label")
    command.add_argument("--json", action="store_true", help="one line of protobuf JSON for each file")
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="highlight evidence")
    command.set_defaults(command=_classify)

    command = commands.add_parser("info", help="which model answers")
    command.set_defaults(command=_info)

    command = commands.add_parser("health", help="whether the server serves, for probes: exit code 0 if it does")
    command.add_argument("--service", default="", help="default: the whole server")
    command.set_defaults(command=_health)
    return parser


def _connect(options: argparse.Namespace) -> FramingClient:
    security = Security(
        tls=bool(options.tls or options.ca or options.certificate or options.key),
        authorities=options.ca and read_file(options.ca),
        certificate=options.certificate and read_file(options.certificate),
        key=options.key and read_file(options.key),
        token=read_file(options.token_file).decode("utf-8", "replace").strip() if options.token_file else "",
    )
    return FramingClient(options.address, timeout=options.timeout, security=security, wait_for_ready=options.wait)


def _classify(client: FramingClient, options: argparse.Namespace) -> bool:
    """Classify the files one by one; a bad one is reported and the others go on. Return whether one failed."""
    failed = False
    for name in options.files:
        try:
            article = pb.Article(text=_read(name), title=options.title, language=options.language)
            reply = client.classify(article, pb.ClassificationOptions(max_evidence=options.evidence))
        except (FramingError, OSError, ValueError) as error:
            print(f"framing-client: {name}: {_one_line(error)}", file=sys.stderr)
            failed = True
            continue
        if options.json:
            print(json_format.MessageToJson(reply, indent=None, ensure_ascii=False), flush=True)
        else:
            colour = options.color == "always" or (options.color == "auto" and sys.stdout.isatty())
            print(render(name, article, reply.classification, colour=colour), flush=True)
    return failed


def _info(client: FramingClient, options: argparse.Namespace) -> bool:
    del options
    print(json_format.MessageToJson(client.info(), indent=2, ensure_ascii=False))
    return False


def _health(client: FramingClient, options: argparse.Namespace) -> bool:
    status = client.health(options.service)
    print(status)
    return status != "SERVING"


def _read(name: str) -> str:
    """Return the text in the file `name`; ValueError that names the byte that is not UTF-8."""
    data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"TEXT_NOT_UTF8 expected UTF-8, got byte 0x{data[error.start]:02x} at offset {error.start}"
        raise ValueError(problem) from error


def _one_line(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


if __name__ == "__main__":
    main()
