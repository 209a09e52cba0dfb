"""The pipelines behind servers of others, and our server beside them, in alternating rounds of one run.

Each serves the sample article, one article a call, probabilities of all labels, no evidence, from as many processes as
it starts by itself: MLServer 1.7.1 over gRPC (the Open Inference Protocol; ours gets the very same request), and
``mlflow models serve`` over HTTP. `make bench-peers` installs MLServer into an environment of its own, .bench-peers.
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np

from serving.inference import open_inference_grpc_pb2 as oip
from tests.benchmarks.load import framing_server, h2load, posted
from tests.benchmarks.model import benchmark_model, sample_article
from tests.benchmarks.peer_models.pipelines import FittedPipelines
from tests.benchmarks.results import ROOT, Result, Skipped
from tests.processes import free_port

COMMAND = "make bench-peers"
PYTHON = ROOT / ".bench-peers" / "bin" / "python"
INFER = "/inference.GRPCInferenceService/ModelInfer"
ROUNDS, SECONDS, CLIENTS = 3, 8.0, 4
_START_SECONDS = 180


def measure() -> Iterator[Result]:
    """Yield calls a second of each, and ours by theirs."""
    if not PYTHON.is_file():
        raise Skipped("MLServer 1.7.1 is not in .bench-peers: 'make bench-peers' installs it, or says why not")
    bundle, text = benchmark_model().bundle, sample_article()
    expected = FittedPipelines(bundle.parent).predict([text])[0]
    infer = _infer(text).SerializeToString()
    frame = json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text]]}}).encode()
    with framing_server(bundle) as (_, ours), _mlserver(bundle.parent) as theirs, _mlflow(bundle.parent) as web:
        _check("ours", _ours(ours, infer), expected)
        _check("MLServer", _theirs(theirs, infer), expected)
        _check("mlflow models serve", _web(web, frame), expected)
        ways: dict[str, Callable[[], float]] = {
            "ours": lambda: h2load(ours, INFER, infer, seconds=SECONDS, clients=CLIENTS).rate,
            "MLServer": lambda: h2load(theirs, INFER, infer, seconds=SECONDS, clients=CLIENTS).rate,
            "mlflow models serve": lambda: posted(web, "/invocations", frame, seconds=SECONDS, clients=CLIENTS).rate,
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    best = {name: max(figures[name] for figures in rounds) for name in ways}
    for name, rate in best.items():
        yield Result(f"peers: calls of {name}", rate, "a second", "", COMMAND)
    for name in ("MLServer", "mlflow models serve"):
        yield Result(f"peers: ours by {name}", best["ours"] / best[name], "times", ">= 20", COMMAND)


def _infer(text: str) -> oip.ModelInferRequest:
    tensor = oip.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(text.encode())
    return oip.ModelInferRequest(model_name="framing", inputs=[tensor])


def _check(name: str, got: list[float], expected: np.ndarray) -> None:  # type: ignore[type-arg]
    """Raise RuntimeError unless the server called `name` says what the pipelines say."""
    if len(got) != len(expected) or not np.allclose(got, expected, atol=1e-6):
        raise RuntimeError(f"{name}: expected {expected}, got {got}")


def _ours(port: int, request: bytes) -> list[float]:
    outputs = {output.name: list(output.contents.fp64_contents) for output in _asked(port, request).outputs}
    return outputs["topic_probabilities"] + outputs["framing_probabilities"]


def _theirs(port: int, request: bytes) -> list[float]:
    return list(_asked(port, request).outputs[0].contents.fp64_contents)


def _asked(port: int, request: bytes) -> oip.ModelInferResponse:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return oip.ModelInferResponse.FromString(channel.unary_unary(INFER)(request, timeout=60))


def _web(port: int, frame: bytes) -> list[float]:
    row: list[float] = json.loads(_http(port, "POST", "/invocations", frame))["predictions"][0]
    return row


def _http(port: int, method: str, path: str, body: bytes | None = None) -> bytes:
    """Return what the server says; OSError or HTTPException if it says nothing, or anything but 200."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, {"content-type": "application/json"})
        reply = connection.getresponse()
        data = reply.read()
    if reply.status != http.client.OK:
        raise http.client.HTTPException(f"{path}: {reply.status} {data[:500]!r}")
    return data


@contextlib.contextmanager
def _mlserver(folder: Path) -> Iterator[int]:
    """Run MLServer as it comes, and yield its port for gRPC."""
    ports = {name: free_port() for name in ("http_port", "grpc_port", "metrics_port")}
    with tempfile.TemporaryDirectory() as place:
        model = {"name": "framing", "implementation": "tests.benchmarks.peer_models.mlserver_runtime.PipelinesModel"}
        (Path(place) / "model-settings.json").write_text(json.dumps(model))
        (Path(place) / "settings.json").write_text(json.dumps({"host": "127.0.0.1", **ports}))
        command = [str(PYTHON), "-c", "from mlserver.cli import main; main()", "start", place]
        with _running(command, ports["http_port"], "/v2/models/framing/ready", folder):
            yield ports["grpc_port"]


@contextlib.contextmanager
def _mlflow(folder: Path) -> Iterator[int]:
    """Run ``mlflow models serve`` from our own environment, and yield its port."""
    import mlflow

    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        mlflow.pyfunc.save_model(
            f"{place}/model", python_model=str(Path(__file__).parent / "peer_models" / "mlflow_model.py"),
            artifacts={"folder": str(folder)}, pip_requirements=["mlflow"],
        )  # fmt: skip
        serve = ["models", "serve", "-m", f"{place}/model", "--env-manager", "local", "-p", str(port)]
        with _running([sys.executable, "-m", "mlflow", *serve], port, "/ping", folder):
            yield port


@contextlib.contextmanager
def _running(command: list[str], port: int, ready: str, folder: Path) -> Iterator[None]:
    """Run `command` until the block ends, which begins when the path `ready` on `port` is answered with 200."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])  # mlflow looks for its uvicorn there
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "FRAMING_BENCHMARK_FOLDER": str(folder)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait_until(process, port, ready)
            yield
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"{error}\n{log.read().decode()[-12000:]}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _wait_until(process: "subprocess.Popen[bytes]", port: int, ready: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            _http(port, "GET", ready)
            return
        time.sleep(0.2)
    raise RuntimeError(f"{process.args}: expected an answer of 200 at {ready} within {_START_SECONDS} s")
