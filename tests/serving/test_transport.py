"""The port: TLS, mutual TLS, certificates that change under load, plaintext, connections."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from framing.errors import ConfigError
from framing.v1 import classification_service_pb2 as pb
from framing.v1 import classification_service_pb2_grpc as pb_grpc
from serving.settings import Settings
from serving.transport import CertificateFiles, is_loopback
from tests.certificates import Authority
from tests.running import running_server
from tests.waiting import eventually

REQUEST = pb.ClassifyArticleRequest(article=pb.Article(text="Russia and Iran signed a treaty in Moscow."))
POOL = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("ours")


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> tuple[Path, Path]:
    return authority.identity("server").write(tmp_path)


def settings(bundle: Path, files: tuple[Path, Path], **more: str) -> Settings:
    return Settings(
        address="127.0.0.1:0", bundle=str(bundle), tls_certificate=str(files[0]), tls_key=str(files[1]), **more
    )


def secure(port: int, authority: bytes, identity: tuple[bytes, bytes] | None = None) -> grpc.Channel:
    key, certificate = identity or (None, None)
    credentials = grpc.ssl_channel_credentials(authority, key, certificate)
    return grpc.secure_channel(f"localhost:{port}", credentials, POOL)


def classify(channel: grpc.Channel) -> str:
    """Return "OK", or the code with which a call fails."""
    with channel:
        try:
            pb_grpc.ClassificationServiceStub(channel).ClassifyArticle(REQUEST, timeout=10)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


def test_tls_answers_those_who_trust_it_and_nobody_in_plain(
    bundle: Path, authority: Authority, files: tuple[Path, Path]
) -> None:
    with running_server(settings(bundle, files)) as server:
        assert classify(secure(server.port, authority.certificate)) == "OK"
        assert classify(secure(server.port, Authority("other").certificate)) == "UNAVAILABLE"
        assert classify(grpc.insecure_channel(f"localhost:{server.port}", POOL)) == "UNAVAILABLE"


def test_mutual_tls_wants_a_certificate_of_the_authority(
    bundle: Path, authority: Authority, files: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    known, stranger = authority.identity("client"), Authority("other").identity("client")
    with running_server(settings(bundle, files, tls_client_ca=str(tmp_path / "ca.pem"))) as server:
        trusted = authority.certificate
        assert classify(secure(server.port, trusted, (known.key, known.certificate))) == "OK"
        assert classify(secure(server.port, trusted)) == "UNAVAILABLE"
        assert classify(secure(server.port, trusted, (stranger.key, stranger.certificate))) == "UNAVAILABLE"


def test_certificates_change_under_load_without_losing_a_call(
    bundle: Path, authority: Authority, files: tuple[Path, Path]
) -> None:
    """New connections see the new certificate at once; calls on old ones, and those that begin meanwhile, succeed."""
    newer = Authority("newer")
    both = authority.certificate + newer.certificate
    answers: list[str] = []
    enough, done = threading.Event(), threading.Event()

    def call_again_and_again(port: int) -> None:
        with secure(port, both) as kept:
            stub = pb_grpc.ClassificationServiceStub(kept)
            while not done.is_set() and len(answers) < 20_000:
                stub.ClassifyArticle(REQUEST, timeout=10)
                answers.append(classify(secure(port, both)))  # on a connection of its own
                if len(answers) > 100:
                    enough.set()

    with running_server(settings(bundle, files)) as server:
        threads = [threading.Thread(target=call_again_and_again, args=(server.port,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for issuer in (newer, authority, newer) * 3:
            replace(issuer.identity("server").write, files)
        assert classify(secure(server.port, newer.certificate)) == "OK"
        assert classify(secure(server.port, authority.certificate)) == "UNAVAILABLE"
        assert enough.wait(60)
        done.set()
        for thread in threads:
            thread.join(30)
    assert set(answers) == {"OK"}


def replace(write: Callable[[Path], tuple[Path, Path]], files: tuple[Path, Path]) -> None:
    """Put new files in the place of `files`, one after the other, as tools do."""
    folder = files[0].parent / "new"
    folder.mkdir(exist_ok=True)
    for made, old in zip(write(folder), files, strict=True):
        made.replace(old)


def test_files_that_do_not_fit_leave_the_certificate_as_it_was(
    authority: Authority, files: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    certificates = CertificateFiles(*files, None)
    assert certificates.changed() is None
    assert "anew" not in caplog.text
    files[1].write_bytes(authority.identity("another").key)
    assert certificates.changed() is None
    assert "the one before stays in force" in caplog.text
    files[0].unlink()
    assert certificates.changed() is None
    authority.identity("third").write(files[0].parent)
    assert certificates.changed() is not None
    assert certificates.changed() is None


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem"])
def test_wrong_files_are_named_at_the_start(
    bundle: Path, files: tuple[Path, Path], tmp_path: Path, broken: str
) -> None:
    (tmp_path / broken).write_text("nonsense")
    with pytest.raises(ConfigError, match=broken), running_server(settings(bundle, files)):
        pass
    with (
        pytest.raises(ConfigError, match="expected both or none"),
        running_server(Settings(address="127.0.0.1:0", bundle=str(bundle), tls_certificate=str(files[0]))),
    ):
        pass


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:1", True), ("127.9.9.9:1", True), ("[::1]:1", True), ("localhost:1", True), ("unix:/a", True),
        ("0.0.0.0:1", False), ("[::]:1", False), ("10.0.0.1:1", False), ("example.org:1", False), (":1", False),
    ],
)  # fmt: skip
def test_what_is_loopback(address: str, local: bool) -> None:
    assert is_loopback(address) is local


def test_plaintext_beyond_loopback_must_be_allowed(bundle: Path) -> None:
    open_to_all = Settings(address="0.0.0.0:0", bundle=str(bundle))  # that it is refused is the point
    with pytest.raises(ConfigError, match="FRAMING_ALLOW_PLAINTEXT"), running_server(open_to_all):
        pass
    allowed = Settings(address="0.0.0.0:0", bundle=str(bundle), allow_plaintext=True)
    with running_server(allowed, load=False) as server:
        assert server.port


@pytest.fixture
def few(bundle: Path) -> Iterator[int]:
    with running_server(Settings(address="127.0.0.1:0", bundle=str(bundle), max_connections=2)) as server:
        yield server.port


def test_connections_are_limited_and_come_free_again(few: int) -> None:
    channels = [grpc.insecure_channel(f"127.0.0.1:{few}", POOL) for _ in range(2)]
    for channel in channels:
        grpc.channel_ready_future(channel).result(10)
    assert classify(grpc.insecure_channel(f"127.0.0.1:{few}", POOL)) == "UNAVAILABLE"
    channels[0].close()
    eventually(lambda: classify(grpc.insecure_channel(f"127.0.0.1:{few}", POOL)) == "OK")
    channels[1].close()
