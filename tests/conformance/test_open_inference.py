"""The Open Inference Protocol through a generic stub: every call, both forms of tensors, every failure."""

import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest

from framing.article import Article
from framing.model import FramingModel
from serving.connection import call_error
from serving.inference import open_inference_grpc_pb2 as oip
from serving.server import FramingServer
from serving.settings import Settings
from tests.running import running_server

TEXTS = (
    "The presidents of Russia and Iran signed a treaty in Moscow.",
    "Президенты России и Ирана обсудили войну и оружие.",
    "تهران",
)
BYTES, BOOL, FP64 = "BYTES", "BOOL", "FP64"
Call = Callable[[str, Any], Any]


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[FramingServer]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle), max_text=1000, max_batch=5)) as running:
        yield running


@pytest.fixture(scope="module")
def call(server: FramingServer) -> Iterator[Call]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield lambda name, request: channel.unary_unary(
            f"/inference.GRPCInferenceService/{name}",
            type(request).SerializeToString,
            getattr(oip, f"{name}Response").FromString,
        )(request, timeout=30)


def tensor(name: str, shape: Sequence[int], datatype: str = BYTES) -> Any:
    return oip.ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape)


def raw_strings(values: Sequence[str]) -> bytes:
    return b"".join(struct.pack("<I", len(value.encode())) + value.encode() for value in values)


def typed_request(columns: dict[str, Sequence[str]], **fields: Any) -> oip.ModelInferRequest:
    request = oip.ModelInferRequest(model_name="framing", **fields)
    for name, values in columns.items():
        request.inputs.append(tensor(name, [len(values)]))
        request.inputs[-1].contents.bytes_contents.extend(value.encode() for value in values)
    return request


def raw_request(columns: dict[str, Sequence[str]], **fields: Any) -> oip.ModelInferRequest:
    inputs = [tensor(name, [len(values), 1]) for name, values in columns.items()]
    raw = [raw_strings(values) for values in columns.values()]
    return oip.ModelInferRequest(model_name="framing", inputs=inputs, raw_input_contents=raw, **fields)


def values_of(reply: oip.ModelInferResponse) -> dict[str, tuple[tuple[int, ...], list[Any]]]:
    """Return shape and values of each output, whichever form they came in."""
    found = {}
    for index, output in enumerate(reply.outputs):
        contents: list[Any] = list(
            {BYTES: output.contents.bytes_contents, BOOL: output.contents.bool_contents, FP64: output.contents.fp64_contents}[output.datatype]
        )  # fmt: skip
        if reply.raw_output_contents:
            assert not output.HasField("contents")
            contents = from_raw(output.datatype, reply.raw_output_contents[index])
        found[output.name] = (tuple(output.shape), contents)
    return found


def from_raw(datatype: str, raw: bytes) -> list[Any]:
    if datatype == FP64:
        return [value for (value,) in struct.iter_unpack("<d", raw)]
    if datatype == BOOL:
        return [bool(value) for value in raw]
    strings = []
    while raw:
        (length,) = struct.unpack_from("<I", raw)
        strings.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return strings


def failure(action: Callable[[], Any]) -> tuple[str, str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        action()
    error = call_error(caught.value)
    return error.code, error.reason, error.field


def test_probes_tell_that_the_server_lives_and_is_ready(call: Call, model: FramingModel) -> None:
    assert call("ServerLive", oip.ServerLiveRequest()).live
    assert call("ServerReady", oip.ServerReadyRequest()).ready
    assert call("ModelReady", oip.ModelReadyRequest(name="framing")).ready
    assert not call("ModelReady", oip.ModelReadyRequest(name="other")).ready
    assert not call("ModelReady", oip.ModelReadyRequest(name="framing", version="99")).ready
    metadata = call("ServerMetadata", oip.ServerMetadataRequest())
    assert metadata.name == "framing"
    assert metadata.version


def test_without_a_model_the_server_lives_but_is_not_ready(bundle: Path) -> None:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle))
    with running_server(settings, load=False) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        ask = channel.unary_unary
        service = "/inference.GRPCInferenceService/"
        assert oip.ServerLiveResponse.FromString(ask(service + "ServerLive")(b"")).live
        assert not oip.ServerReadyResponse.FromString(ask(service + "ServerReady")(b"")).ready
        ready = oip.ModelReadyRequest(name="framing").SerializeToString()
        assert not oip.ModelReadyResponse.FromString(ask(service + "ModelReady")(ready)).ready
        for method, request in (("ModelMetadata", ready), ("ModelInfer", typed_request({}).SerializeToString())):
            assert failure(lambda m=method, r=request: ask(service + m)(r))[:2] == ("UNAVAILABLE", "MODEL_NOT_READY")  # type: ignore[misc]


def test_metadata_names_tensors_and_labels(call: Call, model: FramingModel) -> None:
    metadata = call("ModelMetadata", oip.ModelMetadataRequest(name="framing"))
    assert list(metadata.versions) == [model.version]
    assert {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in metadata.inputs} == {
        name: (BYTES, [-1]) for name in ("text", "title", "language")
    }
    outputs = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in metadata.outputs}
    assert outputs["topic_probabilities"] == (FP64, [-1, 3])
    assert outputs["topics_selected"] == (BOOL, [-1, 3])
    assert outputs["framing_probabilities"] == (FP64, [-1, 5])
    assert outputs["framing"] == (BYTES, [-1])
    assert metadata.properties["topics"].split(",") == list(model.taxonomy.topic_ids)
    assert metadata.properties["framings"].split(",") == list(model.taxonomy.framing_ids)


@pytest.mark.parametrize("make", [typed_request, raw_request])
def test_inference_says_what_the_model_says(
    call: Call, model: FramingModel, make: Callable[..., oip.ModelInferRequest]
) -> None:
    titles, languages = ("Treaty", "", ""), ("en", "ru", "fa")
    request = make({"text": TEXTS, "title": titles, "language": languages}, id="abc")
    reply = call("ModelInfer", request)
    assert (reply.id, reply.model_name, reply.model_version) == ("abc", "framing", model.version)
    assert bool(reply.raw_output_contents) is bool(request.raw_input_contents)
    got = values_of(reply)
    rows = zip(TEXTS, titles, languages, strict=True)
    answers = [model.classify(Article(text=text, title=title, language=tag)) for text, title, tag in rows]
    assert got == {
        "topic_probabilities": ((3, 3), [score.probability for answer in answers for score in answer.topics]),
        "topics_selected": ((3, 3), [score.selected for answer in answers for score in answer.topics]),
        "framing_probabilities": ((3, 5), [score.probability for answer in answers for score in answer.framings]),
        "framing": ((3,), [answer.framing.encode() for answer in answers]),
        "abstention": ((3,), [(answer.abstention or "").encode() for answer in answers]),
        "language": ((3,), [b"en", b"ru", b"fa"]),
    }
    assert answers[2].abstention == "TOO_SHORT"


@pytest.mark.parametrize("make", [typed_request, raw_request])
def test_only_the_outputs_that_were_asked_for_come_in_that_order(
    call: Call, make: Callable[..., oip.ModelInferRequest]
) -> None:
    wanted = ["language", "framing_probabilities"]
    request = make({"text": TEXTS}, outputs=[{"name": name} for name in wanted])
    got = values_of(call("ModelInfer", request))
    assert list(got) == wanted
    assert got["language"][0] == (3,)


def bad_requests() -> dict[str, tuple[oip.ModelInferRequest, tuple[str, str, str]]]:
    good = {"text": TEXTS}
    invalid = "INVALID_ARGUMENT"
    named = oip.ModelInferRequest
    cases: dict[str, tuple[oip.ModelInferRequest, tuple[str, str, str]]] = {
        "no inputs": (typed_request({}), (invalid, "TENSOR_MISSING", "inputs")),
        "no text": (typed_request({"title": TEXTS}), (invalid, "TENSOR_MISSING", "inputs")),
        "unknown input": (typed_request({"txt": TEXTS}), (invalid, "TENSOR_UNKNOWN", "inputs[0].name")),
        "unknown output": (
            typed_request(good, outputs=[{"name": "logits"}]),
            (invalid, "TENSOR_UNKNOWN", "outputs[0].name"),
        ),
        "no model": (named(inputs=[tensor("text", [1])]), ("NOT_FOUND", "MODEL_UNKNOWN", "model_name")),
        "wrong version": (
            typed_request(good, model_version="99"),
            ("NOT_FOUND", "MODEL_VERSION_UNKNOWN", "model_version"),
        ),
        "datatype": (
            named(model_name="framing", inputs=[tensor("text", [1], FP64)]),
            (invalid, "TENSOR_DATATYPE_INVALID", "inputs[0].datatype"),
        ),
        "empty batch": (typed_request({"text": ()}), (invalid, "BATCH_EMPTY", "inputs[0].shape")),
        "large batch": (typed_request({"text": TEXTS * 2}), (invalid, "BATCH_TOO_LARGE", "inputs[0].shape")),
        "blank row": (typed_request({"text": ("a", " ")}), (invalid, "TEXT_EMPTY", "rows[1].text")),
        "long row": (raw_request({"text": ("a", "x" * 1001)}), (invalid, "TEXT_TOO_LONG", "rows[1].text")),
        "language": (
            typed_request({"text": ("a",), "language": ("?",)}),
            (invalid, "LANGUAGE_INVALID", "rows[0].language"),
        ),
        "rows differ": (
            typed_request({"text": TEXTS, "title": ("a",)}),
            (invalid, "TENSOR_SHAPE_INVALID", "inputs[1].shape"),
        ),
    }
    for name, shape in {"none": [], "matrix": [3, 2], "cube": [3, 1, 1], "negative": [-1]}.items():
        request = typed_request(good)
        request.inputs[0].shape[:] = shape
        cases[f"shape {name}"] = (request, (invalid, "TENSOR_SHAPE_INVALID", "inputs[0].shape"))
    contents = (invalid, "TENSOR_CONTENTS_INVALID", "inputs[0].contents")
    request = typed_request(good)
    request.inputs[0].shape[:] = [2]
    cases["more strings than rows"] = (request, contents)
    request = typed_request(good)
    request.inputs.append(request.inputs[0])
    cases["text twice"] = (request, (invalid, "TENSOR_REPEATED", "inputs[1].name"))
    request = typed_request(good)
    request.inputs[0].contents.bytes_contents[1] = b"\xff"
    cases["not UTF-8"] = (request, contents)
    request = raw_request(good)
    request.inputs[0].contents.bytes_contents.append(b"a")
    cases["both forms"] = (request, contents)
    for name, raw in {
        "short": b"\x01",
        "cut": raw_strings(TEXTS)[:-1],
        "huge": b"\xff\xff\xff\xff",
        "many": bytes(400),
    }.items():
        request = raw_request(good)
        request.raw_input_contents[0] = raw
        cases[f"raw {name}"] = (request, contents)
    request = raw_request(good)
    request.raw_input_contents.append(b"")
    cases["raw for an input too many"] = (request, (invalid, "TENSOR_CONTENTS_INVALID", "raw_input_contents"))
    return cases


@pytest.mark.parametrize("name", bad_requests())
def test_bad_requests_are_refused_with_reason_and_field(call: Call, name: str) -> None:
    request, expected = bad_requests()[name]
    assert failure(lambda: call("ModelInfer", request)) == expected


def test_metadata_of_another_model_is_not_found(call: Call) -> None:
    for request, expected in (
        (oip.ModelMetadataRequest(name="x"), ("NOT_FOUND", "MODEL_UNKNOWN", "name")),
        (oip.ModelMetadataRequest(name="framing", version="9"), ("NOT_FOUND", "MODEL_VERSION_UNKNOWN", "version")),
    ):
        assert failure(lambda r=request: call("ModelMetadata", r)) == expected  # type: ignore[misc]


@pytest.mark.parametrize("method", ["ServerLive", "ModelReady", "ModelInfer"])
def test_malformed_bytes_are_refused(server: FramingServer, method: str) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        ask = channel.unary_unary(f"/inference.GRPCInferenceService/{method}")
        assert failure(lambda: ask(b"\xff\xff\xff")) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED", "")


def test_a_registered_version_is_named_as_the_registry_names_it(model: FramingModel) -> None:
    from serving.tensors import is_served, model_name_and_version

    registered = FramingModel(model.taxonomy, model.weights, model.decisions, version="news/12")
    assert model_name_and_version(registered) == ("news", "12")
    assert is_served(registered, "news", "12")
    assert not is_served(registered, "framing", "")


def test_the_client_library_can_live_beside_any_other_client_of_the_protocol() -> None:
    """Descriptors of the protocol collide in one process: only the server may load ours."""
    import subprocess
    import sys

    code = "import serving.client, sys; print([name for name in sys.modules if 'open_inference' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
