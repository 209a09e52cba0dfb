"""A server of the same kind as ours that answers ClassifyArticle with the same bytes every time, doing nothing.

    python -m tests.benchmarks.empty_server PORT REPLY

REPLY is a file with a ClassifyArticleResponse. What a Python handler can reach at most.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc

from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc


class EmptyService(pb_grpc.ClassificationServiceServicer):
    """Answers with one reply."""

    def __init__(self, reply: pb.ClassifyArticleResponse) -> None:
        self.reply = reply

    async def ClassifyArticle(self, request: pb.ClassifyArticleRequest, context: Any) -> pb.ClassifyArticleResponse:  # type: ignore[override]  # noqa: N802, ARG002  # the asynchronous form
        """Do nothing."""
        return self.reply


async def serve(port: str, reply: Path) -> None:
    """Serve until killed."""
    server = grpc.aio.server()
    service = EmptyService(pb.ClassifyArticleResponse.FromString(reply.read_bytes()))
    pb_grpc.add_ClassificationServiceServicer_to_server(service, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
