"""The client: a small library, and the command line ``framing-client``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from framing.errors import FramingError
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.display import render
from serving.status import DETAILS_KEY

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 10.0
EXIT_FAILED = 1
MAX_MESSAGE_BYTES = 64 << 20


class CallError(FramingError):
    """A call that failed: `code` such as INVALID_ARGUMENT, `reason` such as TEXT_EMPTY, `field` or empty."""

    def __init__(self, code: str, reason: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.field = field

    def __str__(self) -> str:
        return " ".join(part for part in (self.code, self.reason, self.args[0]) if part)


class FramingClient:
    """A connection to a server at `address`. Use it in a ``with`` block; thread-safe."""

    def __init__(self, address: str = DEFAULT_ADDRESS, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        self.timeout = timeout
        options = [
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ]
        self._channel = grpc.insecure_channel(address, options)
        self._stub = pb_grpc.ClassificationServiceStub(self._channel)

    def classify(
        self, article: pb.Article, options: pb.ClassificationOptions | None = None
    ) -> pb.ClassifyArticleResponse:
        """Return the answer about `article`; CallError if there is none."""
        request = pb.ClassifyArticleRequest(article=article, options=options)
        try:
            reply: pb.ClassifyArticleResponse = self._stub.ClassifyArticle(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise call_error(error) from error
        return reply

    def info(self) -> pb.GetModelInfoResponse:
        """Return what the server says of its model; CallError if it says nothing."""
        try:
            reply: pb.GetModelInfoResponse = self._stub.GetModelInfo(pb.GetModelInfoRequest(), timeout=self.timeout)
        except grpc.RpcError as error:
            raise call_error(error) from error
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()


def call_error(error: grpc.RpcError) -> CallError:
    """Return what a failed call says, with the reason and field of its details."""
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAILS_KEY:
            return status_error(status_pb2.Status.FromString(value))
    return CallError(error.code().name, "", "", error.details() or "")


def status_error(status: status_pb2.Status) -> CallError:
    """Return `status`, as it stands in a stream's response or in a failed call, as an error."""
    reason, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(reason)
        detail.Unpack(bad)
    field = bad.field_violations[0].field if bad.field_violations else ""
    return CallError(code_pb2.Code.Name(status.code), reason.reason, field, status.message)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command in `arguments` (those of the process if None) and exit with its code."""
    options = _parser().parse_args(arguments)
    try:
        with FramingClient(options.address, timeout=options.timeout) as client:
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
    return parser


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
