"""Asynchronous or threaded? Calls a second of either kind of server, side by side in one run.

    python -m tests.benchmarks.server_kind BUNDLE [--seconds 5]

Both answer ClassifyArticle with the same code for the same 2,000-character Arabic article, each in its
own process, under the same load from this one. Rounds alternate; the ratio is of the best rounds.
"""

import argparse
import asyncio
import multiprocessing
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from framing.bundle import load_bundle
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.messages import read_article, read_options, write_answer
from serving.model_loader import open_model
from serving.server import FramingServer
from serving.settings import Settings

SENTENCE = "وقع الرئيسان الروسي والإيراني في موسكو معاهدة شراكة استراتيجية تشمل التعاون الدفاعي والتجارة والنقل. "
ARTICLE = pb.Article(title="موسكو وطهران توقعان معاهدة", text=SENTENCE * 20)
CLIENTS = 8
ROUNDS = 3


class ThreadedService(pb_grpc.ClassificationServiceServicer):
    """ClassifyArticle in threads."""

    def __init__(self, bundle: Path) -> None:
        self.model = load_bundle(bundle)

    def ClassifyArticle(self, request: pb.ClassifyArticleRequest, context: Any) -> pb.ClassifyArticleResponse:  # noqa: N802, ARG002
        """Answer as the asynchronous service does."""
        article = read_article(request.article, "article", max_text=100_000)
        evidence, encoding = read_options(request.options)
        answer = self.model.classify(article, evidence=evidence)
        return pb.ClassifyArticleResponse.FromString(write_answer(answer, article, self.model, encoding))


def serve_threads(bundle: Path, ports: Any) -> None:
    """Serve in threads until killed."""
    server = grpc.server(futures.ThreadPoolExecutor(CLIENTS))
    pb_grpc.add_ClassificationServiceServicer_to_server(ThreadedService(bundle), server)
    ports.put(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    server.wait_for_termination()


def serve_asyncio(bundle: Path, ports: Any) -> None:
    """Serve asynchronously until killed."""

    async def run() -> None:
        server = FramingServer(Settings(address="127.0.0.1:0", bundle=str(bundle)))
        await server.start()
        await server.serve_model(open_model(bundle))
        ports.put(server.port)
        await asyncio.Event().wait()

    asyncio.run(run())


def calls_a_second(port: int, seconds: float) -> float:
    """Return how many calls a second the server at `port` answers to some clients at once."""
    counts = [0] * CLIENTS
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)
            while time.perf_counter() < end:
                stub.ClassifyArticle(pb.ClassifyArticleRequest(article=ARTICLE))
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    processes, ports = {}, {}
    for name, serve in (("asynchronous", serve_asyncio), ("threaded", serve_threads)):
        queue = context.Queue()
        processes[name] = context.Process(target=serve, args=(options.bundle, queue), daemon=True)
        processes[name].start()
        ports[name] = queue.get(timeout=60)
    rounds = [{name: calls_a_second(port, options.seconds) for name, port in ports.items()} for _ in range(ROUNDS)]
    best = {name: max(figures[name] for figures in rounds) for name in ports}
    for process in processes.values():
        process.terminate()
    print({name: round(value) for name, value in best.items()}, f"ratio {best['asynchronous'] / best['threaded']:.2f}")


if __name__ == "__main__":
    main()
