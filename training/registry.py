"""Versions and aliases of the registered model, and the one way to move `champion`.

MLflow has no compare-and-set on aliases, so whoever moves `champion` holds a lock, looks whether it still is
where it was judged, and looks again after. In an SQLite store the lock is a file, which goes with its process. On a
server it is a registered model of a name of its own, since creating one is the only operation there that
exactly one of two callers can succeed in; it is broken when older than LEASE_SECONDS. What that leaves open: a
holder that sleeps longer than the lease between its look and its write, or a clock that is off by as much.
"""

import contextlib
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from framing.errors import Busy, ModelUnavailable
from training.locks import file_lock

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"
LEASE_SECONDS = 60.0
_POLL_SECONDS = 0.2
_PREDECESSOR = "framing.predecessor"
# The second where the holder gave it back while the server looked for what was in the way.
_TAKEN = ("RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST")
_SQLITE = "sqlite:///"


class Registry:
    """The versions of the registered model `model` in the registry at `uri`."""

    def __init__(self, uri: str, model: str) -> None:
        self.uri = uri
        self.model = model
        self._client = MlflowClient(uri, uri)

    def version_of(self, alias: str) -> str | None:
        """Return the version that `alias` points to, or None."""
        try:
            return str(self._client.get_model_version_by_alias(self.model, alias).version)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise ModelUnavailable(f"{self.model}@{alias} in {self.uri}: {error.message}") from error

    def run_of(self, version: str) -> str:
        """Return the run that `version` comes from; ModelUnavailable if there is no such version."""
        return str(self._version(version).run_id)

    def version_from(self, run_id: str) -> str | None:
        """Return the newest version that comes from the run, or None."""
        found = self._client.search_model_versions(f"name = '{self.model}' and run_id = '{run_id}'")
        return str(max(int(version.version) for version in found)) if found else None

    def register(self, model_uri: str, tags: Mapping[str, str]) -> str:
        """Register the logged model as a new version, complete with its tags or not at all; return the version."""
        return str(mlflow.register_model(model_uri, self.model, tags=dict(tags)).version)

    def tag(self, version: str, tags: Mapping[str, str]) -> None:
        """Tag `version`."""
        for name, value in tags.items():
            self._client.set_model_version_tag(self.model, version, name, value)

    def challenge(self, version: str) -> None:
        """Point `challenger` to `version`."""
        self._client.set_registered_model_alias(self.model, CHALLENGER, version)

    def move_champion(self, version: str, *, expected: str | None) -> None:
        """Point `champion` to `version` and `previous` to `expected`, which is champion until now.

        Raises Busy if it is not, or if another holds the lock: whatever was judged, was judged against another
        champion. A process that dies here leaves the old champion or the new one, and `previous` one that was.
        """
        with self._lock():
            self._expect(expected)
            if expected:
                self.tag(version, {_PREDECESSOR: expected})
                self._client.set_registered_model_alias(self.model, PREVIOUS, expected)
            self._client.set_registered_model_alias(self.model, CHAMPION, version)
            self._expect(version)

    def roll_back(self) -> tuple[str, str]:
        """Point `champion` to `previous` and that to the one before; return what was and what is champion.

        Raises ModelUnavailable if there is none to go back to.
        """
        with self._lock():
            champion, previous = self.version_of(CHAMPION), self.version_of(PREVIOUS)
            if champion and champion == previous:  # a promotion died between its two aliases
                previous = self._version(champion).tags.get(_PREDECESSOR)
            if champion is None or previous is None:
                raise ModelUnavailable(f"{self.model}: expected a previous champion to go back to, there is none")
            self._client.set_registered_model_alias(self.model, CHAMPION, previous)
            self._expect(previous)
            before = self._version(previous).tags.get(_PREDECESSOR)
            if before:
                self._client.set_registered_model_alias(self.model, PREVIOUS, before)
            else:
                self._client.delete_registered_model_alias(self.model, PREVIOUS)
        return champion, previous

    def _version(self, version: str) -> ModelVersion:
        try:
            return self._client.get_model_version(self.model, version)
        except MlflowException as error:
            raise ModelUnavailable(f"{self.model} version {version} in {self.uri}: {error.message}") from error

    def _expect(self, champion: str | None) -> None:
        found = self.version_of(CHAMPION)
        if found != champion:
            raise Busy(
                f"{self.model}: expected version {champion or 'none'} to be champion, found {found or 'none'}: "
                "another promotion was faster; judge again"
            )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        if self.uri.startswith(_SQLITE):
            database = Path(self.uri.removeprefix(_SQLITE)).resolve()
            with file_lock(database.with_name(f"{database.name}.{self.model}.lock"), wait=True):
                yield
        else:
            name, token = f"{self.model}.promotion-lock", uuid.uuid4().hex
            self._take_lease(name, token)
            try:
                yield
            finally:
                self._end_lease(name, token)

    def _take_lease(self, name: str, token: str) -> None:
        deadline = time.monotonic() + LEASE_SECONDS / 2
        while not self._created(name, token):
            if time.monotonic() > deadline:
                raise Busy(f"{name} in {self.uri}: held by another promotion: try again later")
            self._break_stale(name)
            time.sleep(_POLL_SECONDS)

    def _created(self, name: str, token: str) -> bool:
        try:
            self._client.create_registered_model(name, tags={"holder": token}, description="held while champion moves")
        except MlflowException as error:
            if error.error_code not in _TAKEN:
                raise
            return False
        return True

    def _break_stale(self, name: str) -> None:
        with contextlib.suppress(MlflowException):  # it was given back meanwhile
            lease = self._client.get_registered_model(name)
            if time.time() - lease.creation_timestamp / 1000 > LEASE_SECONDS:
                self._client.delete_registered_model(name)

    def _end_lease(self, name: str, token: str) -> None:
        with contextlib.suppress(MlflowException):  # it was broken
            if self._client.get_registered_model(name).tags.get("holder") == token:
                self._client.delete_registered_model(name)
