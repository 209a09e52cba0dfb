"""Tokens: who may call what, and how the file of them is changed."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from framing.errors import ConfigError, NotPermitted, Unauthenticated
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving import access
from serving.access import TokenFile, read_grants
from serving.connection import call_error
from serving.settings import Settings
from tests.running import running_server

ARTICLE = pb.Article(text="Russia and Iran signed a treaty in Moscow.")
CLASSIFY = "framing.v1.ClassificationService/ClassifyArticle"


def line(name: str, token: str, *methods: str) -> str:
    return f"{name} {hashlib.sha256(token.encode()).hexdigest()} {' '.join(methods)}\n"


def bearer(token: str) -> list[tuple[str, str | bytes]]:
    return [("authorization", f"Bearer {token}")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(
        "# who may call\n\n"
        + line("one", "secret-1", CLASSIFY)
        + line("service", "secret-2", "framing.v1.ClassificationService/*")
        + line("all", "secret-3", "*")
    )
    return path


@pytest.mark.parametrize(
    ("token", "method", "name"),
    [
        ("secret-1", CLASSIFY, "one"),
        ("secret-2", "framing.v1.ClassificationService/GetModelInfo", "service"),
        ("secret-3", "inference.GRPCInferenceService/ModelInfer", "all"),
    ],
)
def test_a_token_allows_what_its_line_says(path: Path, token: str, method: str, name: str) -> None:
    assert TokenFile(path).check(f"/{method}", bearer(token)) == name


@pytest.mark.parametrize(
    ("token", "method"),
    [
        ("secret-1", "framing.v1.ClassificationService/GetModelInfo"),
        ("secret-2", "inference.GRPCInferenceService/ModelInfer"),
        ("secret-2", "framing.v1.ClassificationServiceX/GetModelInfo"),
    ],
)
def test_a_token_allows_nothing_else(path: Path, token: str, method: str) -> None:
    with pytest.raises(NotPermitted):
        TokenFile(path).check(f"/{method}", bearer(token))


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ([], "CREDENTIALS_MISSING"),
        ([("authorization", "Basic c2VjcmV0")], "CREDENTIALS_MISSING"),
        (bearer("secret-1") * 2, "CREDENTIALS_MISSING"),
        ([("authorization", b"Bearer secret-1")], "CREDENTIALS_MISSING"),
        (bearer("secret"), "CREDENTIALS_INVALID"),
        (bearer(""), "CREDENTIALS_INVALID"),
        (bearer(hashlib.sha256(b"secret-1").hexdigest()), "CREDENTIALS_INVALID"),
    ],
)
def test_calls_without_a_token_that_is_known_are_refused(
    path: Path, metadata: list[tuple[str, str | bytes]], reason: str
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        TokenFile(path).check(f"/{CLASSIFY}", metadata)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text", ["name\n", "name secret-1 *\n", line("a", "x"), line("a", "x", "Classify"), line("a", "x", "*") * 2]
)
def test_a_wrong_line_is_named_and_never_told(path: Path, text: str) -> None:
    path.write_text("# first\n" + text)
    with pytest.raises(ConfigError, match=r"tokens:[23]: expected") as caught:
        read_grants(path)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        read_grants(path.parent / "none")


def test_tokens_are_replaced_without_a_gap(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(access, "_REREAD_SECONDS", 0.0)
    tokens = TokenFile(path)
    path.write_text(line("one", "secret-1", "*") + line("one", "newer", "*"))
    assert [tokens.check("/a.B/C", bearer(token)) for token in ("secret-1", "newer")] == ["one", "one"]
    path.write_text(line("one", "newer", "*"))
    assert tokens.check("/a.B/C", bearer("newer")) == "one"
    with pytest.raises(Unauthenticated):
        tokens.check("/a.B/C", bearer("secret-1"))
    path.write_text("wrong")
    assert tokens.check("/a.B/C", bearer("newer")) == "one"
    path.unlink()
    assert tokens.check("/a.B/C", bearer("newer")) == "one"
    assert "those read before stay in force" in caplog.text
    assert "secret-1" not in caplog.text


@pytest.fixture
def channel(bundle: Path, path: Path) -> Iterator[grpc.Channel]:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle), tokens=str(path), reflection=True)
    with running_server(settings) as server, grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def test_every_service_is_guarded_but_for_the_probes(channel: grpc.Channel) -> None:
    stub = pb_grpc.ClassificationServiceStub(channel)
    reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
    listing = reflection_pb2.ServerReflectionRequest(list_services="")
    calls: list[Callable[[Any], Any]] = [
        lambda metadata: stub.ClassifyArticle(pb.ClassifyArticleRequest(article=ARTICLE), metadata=metadata),
        lambda metadata: stub.BatchClassifyArticles(
            pb.BatchClassifyArticlesRequest(articles=[ARTICLE]), metadata=metadata
        ),
        lambda metadata: list(
            stub.StreamClassifyArticles(iter([pb.StreamClassifyArticlesRequest(article=ARTICLE)]), metadata=metadata)
        ),
        lambda metadata: stub.GetModelInfo(pb.GetModelInfoRequest(), metadata=metadata),
        lambda metadata: list(reflect(iter([listing]), metadata=metadata)),
        lambda metadata: channel.unary_unary("/inference.GRPCInferenceService/ServerMetadata")(b"", metadata=metadata),
    ]
    for call in calls:
        assert failure(call, None) == ("UNAUTHENTICATED", "CREDENTIALS_MISSING")
        assert failure(call, bearer("guess")) == ("UNAUTHENTICATED", "CREDENTIALS_INVALID")
        assert call(bearer("secret-3"))
    assert calls[0](bearer("secret-1")).classification.framings
    for call in calls[1:]:
        assert failure(call, bearer("secret-1")) == ("PERMISSION_DENIED", "METHOD_NOT_PERMITTED")
    assert health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status == 1
    for probe in ("ServerLive", "ServerReady"):
        assert channel.unary_unary(f"/inference.GRPCInferenceService/{probe}")(b"") == b"\x08\x01"


def failure(call: Callable[[Any], Any], metadata: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(metadata)
    error = call_error(caught.value)
    return error.code, error.reason


def test_a_wrong_file_stops_the_start(bundle: Path, tmp_path: Path) -> None:
    settings = Settings(address="127.0.0.1:0", bundle=str(bundle), tokens=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="FRAMING_TOKENS"), running_server(settings):
        pass
