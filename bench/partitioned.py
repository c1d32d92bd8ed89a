"""One authority whose CRL is published in partitions, in the form of AWS Private CA, as files of a directory.

Each partition is a CRL of its own, whose critical issuing distribution point is the URL that stands in the certificates
of the partition, `http://…/crl/<uuid>.crl`. All have the same long list, which is written once; what makes one differ
from the next is its URL, the certificate of its own that it revokes, and the signature.
"""

import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from uuid import UUID

from bench.pki import serials
from tests.pki import (
    REVOKED_AT,
    Authority,
    Extension,
    Issued,
    IssuingDistributionPoint,
    algorithm_identifier,
    der,
    key,
    oids,
    sign,
)
from tests.pki.clock import now, validity_of_now
from tests.pki.extensions import encoded_list

BUCKET_URL: Final = "http://crls.s3.eu-central-1.example"
"""Where the certificates say that the CRLs are; nothing is there."""

FOLDER: Final = "crl"

_REASON: Final = der.time(REVOKED_AT) + encoded_list([Extension("2.5.29.21", der.enumerated(1))], {})
_VALIDITY: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Partition:
    """One of them.

    Attributes:
        name: Of its file.
        url: Its distribution point.
    """

    number: int
    name: str
    url: str


class Partitioned:
    """The authority, its partitions, and certificates of them."""

    def __init__(self, directory: Path, count: int, octets: int, base_url: str = BUCKET_URL) -> None:
        """Publish all of them.

        Args:
            directory: Takes the files.
            count: Of partitions.
            octets: Of each.
            base_url: What the distribution points begin with.
        """
        self.directory = directory
        self._now = now()
        overrides = validity_of_now()
        overrides["key"] = key("p256")
        self.authority = Authority.root("Partitioned", **overrides)
        self.rest, self.octets = _long_list(octets), 0
        names = random.Random(count)
        self.partitions = tuple(
            Partition(number, name, f"{base_url}/{FOLDER}/{name}")
            for number in range(count)
            for name in (f"{UUID(int=names.getrandbits(128), version=4)}.crl",)
        )
        for one in self.partitions:
            self.publish(one, 1, [self.revoked_serial(one)])
        os.sync()  # whoever is measured next does not wait for the disk
        self.octets = (directory / self.partitions[0].name).stat().st_size

    def sample(self, count: int) -> list[Partition]:
        """Some of them, the same on every run."""
        return random.Random(count).sample(self.partitions, min(count, len(self.partitions)))

    def good_serial(self, partition: Partition) -> int:
        """A serial number that no list has."""
        return (1 << 120) + 2 * partition.number

    def revoked_serial(self, partition: Partition) -> int:
        """The serial number that the list of this partition alone has."""
        return self.good_serial(partition) + 1

    def certificate(self, partition: Partition, serial: int) -> Issued:
        """A certificate of a partition."""
        overrides = validity_of_now()
        overrides["serial"] = serial
        overrides["crl_urls"] = partition.url
        return self.authority.issue("client", **overrides)

    def publish(self, partition: Partition, number: int, revoked: Iterable[int]) -> None:
        """Publish a CRL of a partition; the file is replaced at once.

        Args:
            partition: Which.
            number: Its CRL number; each is a minute later than the one before.
            revoked: What it lists before all the rest.
        """
        this_update = self._now - timedelta(hours=1) + timedelta(minutes=number)
        document = self._signed(partition, number, revoked, this_update)
        part = self.directory / f".{partition.name}"
        part.write_bytes(document)
        part.rename(self.directory / partition.name)

    def _signed(self, partition: Partition, number: int, revoked: Iterable[int], this_update: datetime) -> bytes:
        issuer = self.authority
        algorithm = algorithm_identifier(issuer.key, "sha256", None)
        scope = IssuingDistributionPoint([partition.url]).encoded()
        described = (
            Extension(oids.CRL_NUMBER, der.integer(number)),
            Extension(oids.ISSUING_DISTRIBUTION_POINT, scope, critical=True),
        )
        signed = der.seq(
            der.integer(1),
            algorithm,
            issuer.subject,
            der.time(this_update),
            der.time(this_update + _VALIDITY),
            der.seq(*(_entry(serial) for serial in revoked), self.rest),
            der.explicit(0, encoded_list(described, {})),
        )
        return der.seq(signed, algorithm, der.bit_string(sign(issuer.key, signed)))


def _long_list(octets: int) -> bytes:
    size = len(_entry((1 << 127) - 1))
    return b"".join(map(_entry, serials(octets // size, seed=1)))


def _entry(serial: int) -> bytes:
    return der.seq(der.integer(serial), _REASON)


@contextmanager
def published(directory: Path) -> Iterator[str]:
    """Publish the files of a directory over HTTP, with ETags; where that is."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                with (directory / Path(self.path).name).open("rb") as file:
                    body = file.read()
            except OSError:
                self.send_error(404)
                return
            etag = f'"{sha256(body).hexdigest()}"'
            is_known = self.headers["If-None-Match"] == etag
            self.send_response(304 if is_known else 200)
            self.send_header("ETag", etag)
            if not is_known:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not is_known:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
