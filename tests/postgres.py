"""A PostgreSQL server of its own, and MLflow's server on it, both on loopback, for tests."""

import contextlib
import http.client
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from tests.processes import free_port

PASSWORD = "not:a@secret"  # noqa: S105 of a server that is gone after the test; with signs that a URL must quote
QUOTED = "not%3Aa%40secret"
_SECONDS = 60
_SPEED = ("fsync=off", "synchronous_commit=off", "unix_socket_directories=")


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL server's programs, or None; distributions keep it off the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = [file.parent for file in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@contextlib.contextmanager
def postgres(*databases: str) -> Iterator[list[str]]:
    """Yield the URLs of empty `databases` in a server that lives as long."""
    folder = programs()
    assert folder is not None
    account = _account()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="postgres-") as place:  # not pytest's, which only its owner may enter
        if account:
            shutil.chown(place, account)
        data, password = Path(place) / "data", Path(place) / "password"
        password.write_text(PASSWORD, "ascii")
        _as(account, folder / "initdb", "-D", data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", password).wait()
        options = [word for setting in _SPEED for word in ("-c", setting)]
        server = _as(account, folder / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), *options)
        try:
            _make(port, databases)
            yield [f"postgresql+psycopg2://tester:{QUOTED}@127.0.0.1:{port}/{name}" for name in databases]
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown
            server.wait(_SECONDS)


@contextlib.contextmanager
def mlflow_server(database: str, folder: Path) -> Iterator[str]:
    """Yield the address of MLflow's server, which keeps runs in `database` and hands out the artifacts in `folder`."""
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--serve-artifacts",
            "--artifacts-destination", str(folder), "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        ],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(_SECONDS)


def _account() -> str | None:
    """Return who runs PostgreSQL, which refuses to run as root; None for who runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _as(account: str | None, *command: str | Path) -> subprocess.Popen[bytes]:
    who = pwd.getpwnam(account) if account else None
    return subprocess.Popen(
        list(map(str, command)),
        user=who.pw_uid if who else None,
        group=who.pw_gid if who else None,
        extra_groups=[] if who else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _make(port: int, databases: tuple[str, ...]) -> None:
    connection = _connected(port)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        for name in databases:
            cursor.execute(f'CREATE DATABASE "{name}"')


def _connected(port: int) -> "psycopg2.extensions.connection":
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return psycopg2.connect(
                host="127.0.0.1", port=port, user="tester", password=PASSWORD, dbname="postgres", connect_timeout=5
            )
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 2 * _SECONDS
    while True:
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
                connection.request("GET", "/health")
                assert connection.getresponse().status == http.HTTPStatus.OK
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
