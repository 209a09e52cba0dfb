"""Between tensors of the Open Inference Protocol and the domain: validation of requests, making of replies."""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from framing.article import Article, Classification
from framing.errors import InvalidInput, NotServed
from framing.model import FramingModel
from framing.v1 import classification_service_pb2 as pb
from serving.inference import open_inference_grpc_pb2 as oip
from serving.messages import check_batch, read_article

SERVER_NAME = "framing"
INPUTS = ("text", "title", "language")

_LENGTH = struct.Struct("<I")
_CONTENTS = {"FP64": "fp64_contents", "BOOL": "bool_contents", "BYTES": "bytes_contents"}


@dataclass(frozen=True, slots=True)
class _Output:
    """A tensor that goes out: `labels` counts the columns (none: one value an article), `row` takes the values."""

    datatype: str
    labels: Callable[[FramingModel], Sequence[Any]] | None
    row: Callable[[Classification], Iterable[Any]]

    def shape(self, model: FramingModel, count: int) -> list[int]:
        return [count] if self.labels is None else [count, len(self.labels(model))]


_OUTPUTS = {
    "topic_probabilities": _Output(
        "FP64", lambda model: model.taxonomy.topics, lambda answer: [score.probability for score in answer.topics]
    ),
    "topics_selected": _Output(
        "BOOL", lambda model: model.taxonomy.topics, lambda answer: [score.selected for score in answer.topics]
    ),
    "framing_probabilities": _Output(
        "FP64", lambda model: model.taxonomy.framings, lambda answer: [score.probability for score in answer.framings]
    ),
    "framing": _Output("BYTES", None, lambda answer: [answer.framing.encode()]),
    "abstention": _Output("BYTES", None, lambda answer: [(answer.abstention or "").encode()]),
    "language": _Output("BYTES", None, lambda answer: [answer.language.encode()]),
}


def model_name_and_version(model: FramingModel) -> tuple[str, str]:
    """Return what `model` is called in the protocol: "framing/3" is version 3 of framing, a digest a version of it."""
    name, _, version = model.version.rpartition("/")
    return name or SERVER_NAME, version


def is_served(model: FramingModel, name: str, version: str) -> bool:
    """Return whether `name` and `version` (empty: any) mean `model`."""
    known, current = model_name_and_version(model)
    return name == known and version in ("", current)


def check_served(model: FramingModel, name: str, version: str, *, field: str) -> None:
    """Raise NotServed unless `name` and `version` mean `model`; `field` is the beginning of the fields' names."""
    known, current = model_name_and_version(model)
    if name != known:
        raise NotServed("MODEL_UNKNOWN", f"{field}name", f"expected {known!r}, got {name[:80]!r}")
    if version not in ("", current):
        raise NotServed("MODEL_VERSION_UNKNOWN", f"{field}version", f"expected {current!r}, got {version[:80]!r}")


def write_metadata(model: FramingModel) -> oip.ModelMetadataResponse:
    """Return inputs, outputs and labels of `model`."""
    name, version = model_name_and_version(model)
    tensor = oip.ModelMetadataResponse.TensorMetadata
    return oip.ModelMetadataResponse(
        name=name,
        versions=[version],
        platform=SERVER_NAME,
        inputs=[tensor(name=input_, datatype="BYTES", shape=[-1]) for input_ in INPUTS],
        outputs=[
            tensor(name=key, datatype=output.datatype, shape=output.shape(model, -1))
            for key, output in _OUTPUTS.items()
        ],
        properties={
            "topics": ",".join(model.taxonomy.topic_ids),
            "framings": ",".join(model.taxonomy.framing_ids),
            "taxonomy_version": model.taxonomy.version,
            "optional_inputs": ",".join(INPUTS[1:]),
        },
    )


def read_inference(request: oip.ModelInferRequest, *, most: int, max_text: int) -> list[Article]:
    """Return the articles in the tensors of `request`, at most `most`; InvalidInput that names the field."""
    for index, output in enumerate(request.outputs):
        _expect(output.name in _OUTPUTS, "TENSOR_UNKNOWN", f"outputs[{index}].name", tuple(_OUTPUTS), output.name)
    columns = _read_columns(request, most)
    if "text" not in columns:
        raise InvalidInput("TENSOR_MISSING", "inputs", "expected an input 'text', got none")
    rows = zip(*columns.values(), strict=True)
    articles = [pb.Article(**dict(zip(columns, row, strict=True))) for row in rows]
    return [read_article(article, f"rows[{row}]", max_text=max_text) for row, article in enumerate(articles)]


def write_inference(
    request: oip.ModelInferRequest, model: FramingModel, answers: Sequence[Classification]
) -> oip.ModelInferResponse:
    """Return `answers` as the tensors that `request` asks for, raw if its inputs were."""
    name, version = model_name_and_version(model)
    reply = oip.ModelInferResponse(model_name=name, model_version=version, id=request.id)
    for key in [output.name for output in request.outputs] or _OUTPUTS:
        output = _OUTPUTS[key]
        values = [value for answer in answers for value in output.row(answer)]
        tensor = reply.outputs.add(name=key, datatype=output.datatype, shape=output.shape(model, len(answers)))
        if request.raw_input_contents:
            reply.raw_output_contents.append(_raw(output.datatype, values))
        else:
            getattr(tensor.contents, _CONTENTS[output.datatype]).extend(values)
    return reply


def _read_columns(request: oip.ModelInferRequest, most: int) -> dict[str, list[str]]:
    """Return the strings of each input, all of one length."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        problem = f"expected one entry for each of the {len(request.inputs)} inputs, got {len(raw)}"
        raise InvalidInput("TENSOR_CONTENTS_INVALID", "raw_input_contents", problem)
    columns: dict[str, list[str]] = {}
    count = None
    for index, tensor in enumerate(request.inputs):
        path = f"inputs[{index}]"
        _expect(tensor.name in INPUTS, "TENSOR_UNKNOWN", f"{path}.name", INPUTS, tensor.name)
        if tensor.name in columns:
            raise InvalidInput("TENSOR_REPEATED", f"{path}.name", f"expected {tensor.name!r} once, got it twice")
        _expect(tensor.datatype == "BYTES", "TENSOR_DATATYPE_INVALID", f"{path}.datatype", ("BYTES",), tensor.datatype)
        count = _read_shape(tensor.shape, count, most, path)
        columns[tensor.name] = _read_strings(tensor, raw[index] if raw else None, count, path)
    return columns


def _read_shape(shape: Sequence[int], count: int | None, most: int, path: str) -> int:
    if len(shape) not in (1, 2) or list(shape[1:]) not in ([], [1]) or shape[0] < 0:
        raise InvalidInput("TENSOR_SHAPE_INVALID", f"{path}.shape", f"expected [n] or [n, 1], got {list(shape)[:8]}")
    check_batch(shape[0], most, field=f"{path}.shape")
    if count is not None and shape[0] != count:
        problem = f"expected {count} rows, as the inputs before, got {shape[0]}"
        raise InvalidInput("TENSOR_SHAPE_INVALID", f"{path}.shape", problem)
    return shape[0]


def _read_strings(
    tensor: oip.ModelInferRequest.InferInputTensor, raw: bytes | None, count: int, path: str
) -> list[str]:
    field = f"{path}.contents"
    if raw is not None and tensor.HasField("contents"):
        problem = "expected either typed or raw contents, got both"
        raise InvalidInput("TENSOR_CONTENTS_INVALID", field, problem)
    values = tensor.contents.bytes_contents if raw is None else _split(raw, count, field)
    if len(values) != count:
        raise InvalidInput("TENSOR_CONTENTS_INVALID", field, f"expected {count} strings, got {len(values)}")
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise InvalidInput("TENSOR_CONTENTS_INVALID", field, f"expected UTF-8, got {error.reason}") from error


def _split(raw: bytes, most: int, field: str) -> list[bytes]:
    """Return the strings in `raw`, each behind its length; not many more than `most` are looked for."""
    values: list[bytes] = []
    at = 0
    while at < len(raw) and len(values) <= most:
        end = at + _LENGTH.size + (_LENGTH.unpack_from(raw, at)[0] if at + _LENGTH.size <= len(raw) else len(raw))
        if end > len(raw):
            problem = f"expected a length in 4 bytes and as many bytes at offset {at}, got {len(raw) - at} bytes"
            raise InvalidInput("TENSOR_CONTENTS_INVALID", field, problem)
        values.append(raw[at + _LENGTH.size : end])
        at = end
    return values


def _raw(datatype: str, values: Sequence[Any]) -> bytes:
    if datatype == "FP64":
        return struct.pack(f"<{len(values)}d", *values)
    if datatype == "BOOL":
        return bytes(values)
    return b"".join(_LENGTH.pack(len(value)) + value for value in values)


def _expect(holds: bool, reason: str, field: str, known: Sequence[str], got: str) -> None:
    if not holds:
        raise InvalidInput(reason, field, f"expected {' or '.join(known)}, got {got[:80]!r}")
