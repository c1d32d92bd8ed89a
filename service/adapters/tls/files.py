"""The files of the service's TLS: a certificate and its key, and the CA of its callers.

Rules it keeps: certificate and key are taken together or not at all, and so is a file of CAs; one that cannot be used
keeps nobody from taking the other, so that a CA that was removed is gone even while the certificate is being replaced;
where a client CA is configured there is no context without one; no context is used for longer than `FRESH_EVERY_S`,
since OpenSSL resumes a session whatever has become of the certificate that the caller showed when it was made, and
renews it each time.

What it does not do: look by itself (`application.rotation`).
"""

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from service.adapters.tls.contexts import CurrentContext, Pair, make_context
from service.application.clock import Clock
from service.application.pem import PemError, read_certificates
from service.application.rotation import Look
from service.application.tls_material import TlsMaterialError
from service.core.der.certificate import read_certificate
from service.core.model.malformed import MalformedError

FRESH_EVERY_S: Final = 300.0
"""Seconds for which sessions can be resumed: for so long at most the session of a caller outlives his certificate. Who
connects more often than that shakes hands in full every five minutes, which takes a millisecond."""

CERTIFICATE: Final = "REVET_TLS_CERT"
KEY: Final = "REVET_TLS_KEY"
CLIENT_CA: Final = "REVET_TLS_CLIENT_CA"

ReadFile = Callable[[Path], bytes]
"""Reads a whole file; raises ValueError with what is wrong with it."""


class Kept(Protocol):
    """Where the last good version is kept for whoever is started next."""

    def read(self) -> bytes | None:
        """What is kept; None where nothing is."""

    def write(self, content: bytes) -> None:
        """Keep this instead."""


class NothingInForceError(Exception):
    """There is no certificate to serve with: the files cannot be used, and nothing is kept of what they were."""


@dataclass(frozen=True, slots=True)
class TlsPaths:
    """Where the files are.

    Attributes:
        client_ca: None where callers need no certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None


class TlsFiles:
    """The TLS of one process. Implements `service.application.rotation.RotatingPart`."""

    def __init__(self, paths: TlsPaths, read: ReadFile, clock: Clock, kept: Kept | None = None) -> None:
        """Look at the files for the first time; where they cannot be used, what is kept is in force.

        Args:
            paths: Where they are.
            read: Reads them.
            clock: Time.
            kept: Where the last good version is kept; None where nobody else would use it.

        Raises:
            NothingInForceError: neither will do.
        """
        self._paths = paths
        self._read = read
        self._clock = clock
        self._kept = kept
        self._pair: Pair | None = None
        self._client_ca: bytes | None = None
        self._made_of: tuple[Pair, bytes | None] | None = None
        self._made_at = 0.0
        self._not_after: datetime | None = None
        self._recall()
        self.first_look: Final = self._find()
        context = self._fresh_context()
        if context is None:
            problems = (f"{setting}: {problem}" for setting, problem in self.first_look.problems.items())
            raise NothingInForceError("; ".join(problems) or "there is no certificate to serve with")
        self.context: Final = CurrentContext(context)
        self._keep()

    def settings(self) -> tuple[str, ...]:
        """The settings that name its files."""
        return (CERTIFICATE, KEY) if self._paths.client_ca is None else (CERTIFICATE, KEY, CLIENT_CA)

    def not_after(self) -> datetime | None:
        """Until when the certificate in force is valid; None for one that we cannot read, although it serves."""
        return self._not_after

    def look(self) -> Look:
        """Read the files; what is new in them is in force afterwards, and so is what another worker found in them."""
        pair, client_ca = self._pair, self._client_ca
        self._recall()  # what another worker took may be gone from the files by now, and must not be undone by this one
        problems = self._find().problems
        context = self._fresh_context()
        if context is not None:
            self.context.enter(context)
        self._keep()
        taken = () if self._pair == pair else (CERTIFICATE, KEY)
        return Look(taken if self._client_ca == client_ca else (*taken, CLIENT_CA), problems)

    def _find(self) -> Look:
        """Take from the files what can be used."""
        taken: list[str] = []
        problems: dict[str, str] = {}
        paths = self._paths
        pair = self._read_pair(problems)
        if pair is not None and pair != self._pair:
            try:
                make_context(pair, None)
            except TlsMaterialError as error:
                problems[CERTIFICATE] = f"{paths.certificate} cannot be used with {paths.key}: {error}"
            else:
                taken += [CERTIFICATE, KEY]
                self._pair = pair
        client_ca = None if paths.client_ca is None else self._read_one(CLIENT_CA, paths.client_ca, problems)
        if client_ca is not None and client_ca != self._client_ca and self._pair is not None:
            try:
                make_context(self._pair, client_ca)
            except TlsMaterialError as error:
                problems[CLIENT_CA] = f"{paths.client_ca} cannot be used: {error}"
            else:
                taken.append(CLIENT_CA)
                self._client_ca = client_ca
        return Look(tuple(taken), problems)

    def _read_pair(self, problems: dict[str, str]) -> Pair | None:
        certificate = self._read_one(CERTIFICATE, self._paths.certificate, problems)
        key = self._read_one(KEY, self._paths.key, problems)
        return None if certificate is None or key is None else Pair(certificate, key)

    def _read_one(self, setting: str, path: Path, problems: dict[str, str]) -> bytes | None:
        try:
            return self._read(path)
        except ValueError as error:
            problems[setting] = f"{path}: {error}"
            return None

    def _fresh_context(self) -> ssl.SSLContext | None:
        """A context of what was taken; None where the one in force will do, or where it is not all there."""
        if self._pair is None or (self._paths.client_ca is not None and self._client_ca is None):
            return None
        made_of, now = (self._pair, self._client_ca), self._clock.monotonic()
        if made_of == self._made_of and now < self._made_at + FRESH_EVERY_S:
            return None
        context = make_context(*made_of)
        self._made_of, self._made_at = made_of, now
        self._not_after = _not_after(self._pair.certificate)
        return context

    def _keep(self) -> None:
        if self._kept is None or self._made_of is None:
            return
        content = _written(self._paths, *self._made_of)
        if self._kept.read() != content:
            self._kept.write(content)

    def _recall(self) -> None:
        """Begin with what is kept of the same files, if anything."""
        content = None if self._kept is None else self._kept.read()
        if content is None:
            return
        document = json.loads(content)
        if document["paths"] != _names(self._paths):
            return
        certificate, key, client_ca = (None if one is None else b64decode(one) for one in document["contents"])
        if certificate is not None and key is not None:
            self._pair, self._client_ca = Pair(certificate, key), client_ca


def _written(paths: TlsPaths, pair: Pair, client_ca: bytes | None) -> bytes:
    contents = [
        None if one is None else b64encode(one).decode("ascii") for one in (pair.certificate, pair.key, client_ca)
    ]
    return json.dumps({"paths": _names(paths), "contents": contents}).encode()


def _names(paths: TlsPaths) -> list[str | None]:
    client_ca = None if paths.client_ca is None else str(paths.client_ca)
    return [str(paths.certificate), str(paths.key), client_ca]


def _not_after(certificate: bytes) -> datetime | None:
    try:
        return read_certificate(read_certificates(certificate)[0]).not_after
    except (PemError, MalformedError):
        return None
