"""Random and mutated frames and messages against a port: what is sent, and what may come back.

Everything sent is drawn by hypothesis, so that a failure shrinks to a small example. Frames go over plain sockets:
noise, noise behind a valid beginning of HTTP/2, frames with valid headers and random insides, and valid conversations
with edits. Messages go through gRPC to every method: noise, and valid messages with edits.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any

import grpc
from hypothesis import strategies as st

from framing.v1 import classification_service_pb2 as pb
from serving.connection import call_error
from serving.inference import open_inference_grpc_pb2 as oip

TEXT = "Президенты России и Ирана подписали в Москве договор о партнёрстве. إيران وروسيا وقعتا معاهدة في موسكو. " * 12
ARTICLE = pb.Article(title="Treaty", text=TEXT, language="ru", url="https://example.org/1", outlet="Example")
FRAMING, INFERENCE, HEALTH = (
    "framing.v1.ClassificationService",
    "inference.GRPCInferenceService",
    "grpc.health.v1.Health",
)

# The codes with which a server in order answers nonsense. INTERNAL with a reason is a bug of ours, UNKNOWN an
# exception that got away.
ALLOWED = {"INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "UNAVAILABLE", "CANCELLED"}
GIVEN_AWAY = (b"Traceback", b'File "', b".py", b"site-packages", b"object at 0x", b"Exception")

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_REPLY_SECONDS = 0.02


def _infer() -> oip.ModelInferRequest:
    raw = b"".join(struct.pack("<I", len(TEXT.encode())) + TEXT.encode() for _ in range(2))
    tensor = oip.ModelInferRequest.InferInputTensor(name="text", datatype="BYTES", shape=[2])
    return oip.ModelInferRequest(model_name="framing", inputs=[tensor], raw_input_contents=[raw])


MESSAGES: dict[str, bytes] = {
    f"/{FRAMING}/ClassifyArticle": pb.ClassifyArticleRequest(
        article=ARTICLE, options=pb.ClassificationOptions(max_evidence=5, offset_encoding=pb.OFFSET_ENCODING_UTF8_BYTES)
    ).SerializeToString(),
    f"/{FRAMING}/BatchClassifyArticles": pb.BatchClassifyArticlesRequest(articles=[ARTICLE] * 3).SerializeToString(),
    f"/{FRAMING}/StreamClassifyArticles": pb.StreamClassifyArticlesRequest(article=ARTICLE).SerializeToString(),
    f"/{FRAMING}/GetModelInfo": pb.GetModelInfoRequest().SerializeToString(),
    f"/{INFERENCE}/ModelInfer": _infer().SerializeToString(),
    f"/{INFERENCE}/ModelMetadata": oip.ModelMetadataRequest(name="framing").SerializeToString(),
    f"/{INFERENCE}/ModelReady": oip.ModelReadyRequest(name="framing").SerializeToString(),
    f"/{HEALTH}/Check": b"",
}
_STREAMS = {f"/{FRAMING}/StreamClassifyArticles"}


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def conversation(path: str, message: bytes) -> bytes:
    """Return what a client sends in order to call `path` with `message`, over a connection of its own."""
    headers = {
        ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
        "te": "trailers", "content-type": "application/grpc",
    }  # fmt: skip
    block = b"".join(b"\x00" + _string(name) + _string(value) for name, value in headers.items())
    data = b"\x00" + struct.pack(">I", len(message)) + message
    return _PREFACE + frame(4, 0, 0, b"") + frame(1, 4, 1, block) + frame(0, 1, 1, data)


def _string(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


_EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(["replace", "insert", "delete", "repeat"]), st.binary(max_size=48)),
    min_size=1, max_size=6,
)  # fmt: skip


def _edited(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    for place, what, piece in edits:
        at = int(place * len(data))
        before, cut, after = data[:at], data[at : at + len(piece)], data[at + len(piece) :]
        data = {
            "replace": before + piece + after,
            "insert": before + piece + data[at:],
            "delete": before + after,
            "repeat": before + cut * 3 + after,
        }[what]
    return data


def mutated(data: bytes) -> st.SearchStrategy[bytes]:
    """Return `data` with some edits."""
    return _EDITS.map(lambda edits: _edited(data, edits))


def frames() -> st.SearchStrategy[bytes]:
    """Return what is sent over a plain socket."""
    noise = st.binary(max_size=3000)
    some = st.builds(frame, st.integers(0, 12), st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=600))
    whole = [conversation(path, message) for path, message in MESSAGES.items()]
    return st.one_of(
        noise,
        noise.map(lambda data: _PREFACE + data),
        st.lists(some, max_size=8).map(lambda many: _PREFACE + frame(4, 0, 0, b"") + b"".join(many)),
        st.sampled_from(whole).flatmap(mutated),
    )


def messages() -> st.SearchStrategy[tuple[str, list[bytes]]]:
    """Return a method and what is sent to it: one message, to a stream several."""

    def of(path: str) -> st.SearchStrategy[tuple[str, list[bytes]]]:
        one = st.one_of(st.binary(max_size=2000), mutated(MESSAGES[path]))
        return st.tuples(st.just(path), st.lists(one, min_size=1, max_size=3 if path in _STREAMS else 1))

    return st.sampled_from(sorted(MESSAGES)).flatmap(of)


class Target:
    """A server at `port` on this machine. `sent` counts the bytes that it got."""

    def __init__(self, port: int) -> None:
        self.sent = 0
        self._port = port
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_retries", 0)])

    def send_frames(self, data: bytes) -> None:
        """Send `data` over a connection of its own; AssertionError if the reply gives something away."""
        self.sent += len(data)
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
            connection.settimeout(_REPLY_SECONDS)
            reply = b""
            try:
                connection.sendall(data)
                while piece := connection.recv(1 << 16):
                    reply += piece
            except OSError:  # no more comes, or the server has hung up, as it may
                pass
        check_reply(reply)

    def send_messages(self, path: str, data: list[bytes]) -> None:
        """Call `path`; AssertionError if it fails as a server in order never does."""
        self.sent += sum(map(len, data))
        try:
            self._call(path, data)
        except grpc.RpcError as error:
            problem = call_error(error)
            assert problem.code in ALLOWED, problem
            check_reply(str(problem).encode())

    def _call(self, path: str, data: list[bytes]) -> None:
        timeout: Any = 20
        if path in _STREAMS:
            for reply in self._channel.stream_stream(path)(iter(data), timeout=timeout):
                check_reply(pb.StreamClassifyArticlesResponse.FromString(reply).error.SerializeToString())
        else:
            self._channel.unary_unary(path)(data[0], timeout=timeout)

    def is_well(self) -> bool:
        """Return whether a valid call is answered, and every probe."""
        path = f"/{FRAMING}/ClassifyArticle"
        call: Callable[..., bytes] = self._channel.unary_unary(path)
        answer = pb.ClassifyArticleResponse.FromString(call(MESSAGES[path], timeout=20))
        health = self._channel.unary_unary(f"/{HEALTH}/Check")(b"", timeout=20)
        return len(answer.classification.framings) == 5 and health == b"\x08\x01"

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def check_reply(reply: bytes) -> None:
    """Raise AssertionError if `reply` shows the inside of the server."""
    shown = [word for word in GIVEN_AWAY if word in reply]
    assert not shown, (shown, reply[:2000])
