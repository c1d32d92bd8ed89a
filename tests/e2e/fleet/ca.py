"""The authority, in a process of its own: publishes CRLs in a rhythm, answers OCSP requests, and logs what was asked.

    python -m tests.e2e.fleet.ca '{"certificates": 1000, …}'

It listens on loopback alone, is told what to do by lines of JSON on its standard input and answers with one line to
each, and ends when its standard input does: with whoever started it.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

from cryptography.x509.ocsp import load_der_ocsp_request

from tests.e2e.fleet.population import ROOT_LIST, Declares, Population, Size
from tests.pki import Authority, IssuingDistributionPoint

MOST_OCTETS: Final = 65536
"""Of a request."""

LONGEST_S: Final = 3600.0
"""After which it ends by itself, whatever becomes of whoever started it."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When what is signed.

    Attributes:
        period_s: Between two publications of each CRL.
        validity_s: From a CRL's thisUpdate to its nextUpdate.
        ocsp_s: The same of OCSP answers.
    """

    period_s: float = 5.0
    validity_s: int = 11
    ocsp_s: int = 60


@dataclass(slots=True)
class _Published:
    """One version of a CRL."""

    number: int
    at: float
    ends: float
    serials: frozenset[int]
    document: bytes = field(repr=False)


class Office:
    """Signs: CRLs of all partitions, and OCSP answers."""

    def __init__(self, population: Population, rhythm: Rhythm) -> None:
        """Publish the first version of everything."""
        self.population = population
        self.rhythm = rhythm
        self.revoked: dict[int, float] = {}
        self.first_with: dict[int, tuple[float, float]] = {}
        """By serial number: when it was first published, and when the list before that one ends."""
        self.last_good: dict[int, float] = {}
        """By serial number: when the last OCSP answer ends that called it good."""
        self.lists: dict[str, _Published] = {}
        self.publications: list[float] = []
        self.publish()

    def publish(self) -> None:
        """Another version of each CRL."""
        at = time.time()
        for name in self.population.crl_names:
            self._publish(name, at)
        self.publications.append(at)

    def _publish(self, name: str, at: float) -> None:
        before = self.lists.get(name)
        begins = datetime.fromtimestamp(int(at), UTC)
        ends = begins + timedelta(seconds=self.rhythm.validity_s)
        serials = frozenset(one for one in self.revoked if self.population.by_serial[one].crl == name)
        number = 1 if before is None else before.number + 1
        document = self._authority(name).crl(
            number=number,
            revoked=sorted(serials),
            this_update=begins,
            next_update=ends,
            idp=None if name == ROOT_LIST else IssuingDistributionPoint([self.population.crl_url(name)]),
        )
        for serial in serials - (frozenset() if before is None else before.serials):
            self.first_with[serial] = (at, at if before is None else before.ends)
        self.lists[name] = _Published(number, at, ends.timestamp(), serials, document)

    def answer(self, authority: int, request: bytes) -> tuple[bytes, int, str]:
        """An OCSP answer, the serial number it is about, and what it says."""
        asked = load_der_ocsp_request(request)
        serial, now = asked.serial_number, int(time.time())
        status = "revoked" if serial in self.revoked else "good"
        begins, ends = (datetime.fromtimestamp(one, UTC) for one in (now, now + self.rhythm.ocsp_s))
        if status == "good":
            self.last_good[serial] = ends.timestamp()
        issuer = self.population.authorities[authority]
        document = issuer.ocsp(
            serial,
            status="revoked" if status == "revoked" else "good",
            cert_id_hash="sha256" if asked.hash_algorithm.name == "sha256" else "sha1",
            produced_at=begins,
            this_update=begins,
            next_update=ends,
        )
        return document, serial, status

    def _authority(self, name: str) -> Authority:
        return self.population.root if name == ROOT_LIST else self.population.authorities[int(name.partition("-")[0])]


class Counter:
    """Where requests come in: logs, and answers, hangs or is closed."""

    def __init__(self, office: Office) -> None:
        """It is closed."""
        self._office = office
        self.port = 0
        self.log: list[tuple[float, str, str, str, int]] = []
        """When, `crl` or `ocsp`, the list's name or the serial number, what was answered, the asker's port."""
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def be(self, how: Literal["down", "up", "hang", "go on"]) -> None:
        """Be closed, open, mute, or talk again."""
        match how:
            case "down":
                await self.end()
            case "up":
                await self.begin(self.port)
            case "hang":
                self._open.clear()
            case "go on":
                self._open.set()

    async def begin(self, port: int) -> None:
        """Listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        """Listen no more, and close every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while await self._one(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        length = int(headers.get("content-length", "0"))
        body = await reader.readexactly(length) if length <= MOST_OCTETS else b""
        at, port = time.time(), writer.get_extra_info("peername")[1]
        await self._open.wait()
        status, extra, content, line = self._answer(method, target, headers, body)
        self.log.append((at, *line, port))
        described = "".join(f"{name}: {value}\r\n" for name, value in extra.items())
        length_line = "" if status == "304 Not Modified" else f"Content-Length: {len(content)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{described}{length_line}\r\n".encode("latin-1") + content)
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    def _answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, Mapping[str, str], bytes, tuple[str, str, str]]:
        match target.split("/", 3)[1:]:
            case ["crl", file] if (name := file.removesuffix(".crl")) in self._office.lists:
                published = self._office.lists[name]
                etag = f'"{published.number}"'
                if headers.get("if-none-match") == etag:
                    return "304 Not Modified", {"ETag": etag}, b"", ("crl", name, "unchanged")
                extra = {"ETag": etag, "Content-Type": "application/pkix-crl"}
                return "200 OK", extra, published.document, ("crl", name, str(published.number))
            case ["ocsp", authority, *rest]:
                request = body if method == "POST" else base64.b64decode(unquote(rest[0]) if rest else b"")
                document, serial, status = self._office.answer(int(authority), request)
                return "200 OK", {"Content-Type": "application/ocsp-response"}, document, ("ocsp", str(serial), status)
            case _:
                pass
        return "404 Not Found", {}, b"", ("other", target, "404")


class Desk:
    """Does what it is told by the lines of the standard input."""

    def __init__(self, office: Office, counter: Counter) -> None:
        """Take what it is about."""
        self._office = office
        self._counter = counter

    async def told(self, line: Mapping[str, Any]) -> object:
        """One order, and its answer."""
        office, counter = self._office, self._counter
        now = time.time()
        match line["do"]:
            case "revoke":
                for number in line["numbers"]:
                    office.revoked[office.population.clients[number].issued.serial] = now
            case "down" | "up" | "hang" | "go on" as how:
                await counter.be(how)
            case "log":
                return counter.log[line["after"] :]
            case "publications":
                return office.publications
            case "crl":
                return base64.b64encode(office.lists[line["name"]].document).decode("ascii")
            case "truth":
                return self._truth()
            case _:
                raise ValueError(line)
        return now

    def _truth(self) -> dict[str, list[float]]:
        """By the number of each certificate that is revoked: its limits (`ca_control.Revocation`)."""
        office, found = self._office, {}
        for serial, at in office.revoked.items():
            published, ends = office.first_with.get(serial, (float("inf"), float("inf")))
            number = office.population.by_serial[serial].number
            found[str(number)] = [at, published, ends, office.last_good.get(serial, at)]
        return found


async def _publish_on(office: Office) -> None:
    begun, period = office.publications[0], office.rhythm.period_s
    for number in range(1, int(LONGEST_S / period)):
        await asyncio.sleep(max(0.0, begun + number * period - time.time()))
        office.publish()


async def _run(given: dict[str, Any]) -> None:
    size = Size(
        given["certificates"], given["authorities"], given["partitions"], tuple(map(Declares, given["declares"]))
    )
    rhythm = Rhythm(given["period_s"], given["validity_s"], given["ocsp_s"])
    probe = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = probe.sockets[0].getsockname()[1]
    probe.close()
    await probe.wait_closed()
    office = Office(Population(size, f"http://127.0.0.1:{port}"), rhythm)
    counter = Counter(office)
    await counter.begin(port)
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say(counter.port)
    publishing = asyncio.create_task(_publish_on(office))
    desk = Desk(office, counter)
    while line := await lines.readline():
        _say(await desk.told(json.loads(line)))
    publishing.cancel()
    await counter.end()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
