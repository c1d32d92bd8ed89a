"""The ports of the application in memory: a host's store, an ingesting process, an origin, a clock that stands still.

Rules: they do what the real ones do as far as a request can tell, and what they are asked for and do not have is
unreachable.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

from service.application.crl_fetcher import CrlOrder
from service.application.evidence_store import NOTHING_WAITS, HeldCrl, HeldOcsp, StoreError, WaitingCrls
from service.application.observer import AuthorizedDetails, DecisionDetails, NullObserver, ShadowDetails
from service.application.origin import OriginAnswer, OriginError, OriginRequest, OriginStream
from service.core.crl.entries import rows
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.crl_entry import unpack
from service.core.model.attempt import Attempt, Problem
from service.core.model.crl import CrlEntry, CrlFinding
from service.core.model.evidence_tier import Tier
from service.core.names.comparison import canonical
from tests.pki import NOW, Authority


@dataclass(slots=True)
class StandingClock:
    """A clock that stands still."""

    moment: datetime = NOW

    def now(self) -> datetime:
        """The moment."""
        return self.moment

    def monotonic(self) -> float:
        """No second ever passes."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Nobody waits."""


@dataclass(slots=True)
class NumberedIds:
    """Names decisions `decision-1`, `decision-2` and so on."""

    given: int = 0

    def new(self) -> str:
        """The next one."""
        self.given += 1
        return f"decision-{self.given}"


@dataclass(slots=True)
class Number:
    """A generation of decisions; None where it cannot be read."""

    value: int | None = 7

    def generation(self) -> int:
        """It."""
        if self.value is None:
            raise StoreError("the disk is gone")
        return self.value

    async def bump_generation(self) -> None:
        """Nobody asks for it here."""
        raise AssertionError


@dataclass(frozen=True, slots=True)
class OneId:
    """Gives every decision the same name."""

    name: str

    def new(self) -> str:
        """It."""
        return self.name


class RememberingObserver(NullObserver):
    """Keeps the decisions that it is told of, the denials in shadow, and the answers to proxies."""

    def __init__(self) -> None:
        """None yet."""
        self.decisions: list[DecisionDetails] = []
        self.denials: list[ShadowDetails] = []
        self.authorized_answers: list[AuthorizedDetails] = []

    def authorized(self, details: AuthorizedDetails) -> None:
        """Keep it."""
        self.authorized_answers.append(details)

    def would_deny(self, details: ShadowDetails) -> None:
        """Keep it."""
        self.denials.append(details)

    def decided(self, details: DecisionDetails) -> None:
        """Keep it."""
        self.decisions.append(details)


@dataclass(slots=True)
class Shelf:
    """A store of CRLs and OCSP answers."""

    crls: list[tuple[CrlDocument, bytes, str]] = field(default_factory=list)
    ocsp: dict[bytes, HeldOcsp] = field(default_factory=dict)

    def hold(self, crl: bytes, signer_spki: bytes, source: str) -> None:
        """Put a CRL there."""
        self.crls.append((read_crl(crl), signer_spki, source))

    def find(
        self, issuer: bytes, points: frozenset[bytes], authorities: frozenset[bytes], key: bytes
    ) -> tuple[CrlFinding, ...]:
        """What each CRL of the issuer says that one of the keys signed, whatever its scope."""
        del points
        return tuple(
            CrlFinding(document.meta, _entry(document, key), spki, source, Tier.HOST)
            for document, spki, source in self.crls
            if canonical(document.meta.issuer.der) == issuer and spki in authorities
        )

    def holds_issuer(self, issuer: bytes, signer_spkis: frozenset[bytes]) -> bool:
        """Whether there is any of this issuer that one of these keys signed."""
        return any(
            canonical(document.meta.issuer.der) == issuer and spki in signer_spkis for document, spki, _ in self.crls
        )

    def kept_signers(self, issuer: bytes, authorities: frozenset[bytes]) -> tuple[tuple[bytes, ...], ...]:
        """Nothing is kept of signers."""
        del issuer, authorities
        return ()

    def waiting(self, issuer: bytes, points: frozenset[bytes]) -> WaitingCrls:
        """Nothing waits."""
        del issuer, points
        return NOTHING_WAITS

    def held(self) -> tuple[HeldCrl, ...]:
        """No inventory."""
        return ()

    def find_ocsp(self, key: bytes) -> HeldOcsp | None:
        """The response under a key."""
        return self.ocsp.get(key)

    async def put_ocsp(self, key: bytes, held: HeldOcsp, supersedes: Callable[[HeldOcsp], bool] | None = None) -> None:
        """Keep a response, unless what is there is to stay."""
        there = self.ocsp.get(key)
        if there is None or supersedes is None or supersedes(there):
            self.ocsp[key] = held


def _entry(document: CrlDocument, key: bytes) -> CrlEntry | None:
    return next((unpack(record) for listed, record in rows(document) if listed == key), None)


@dataclass(frozen=True, slots=True)
class PublishedCrl:
    """A CRL at a URL, and who has signed it."""

    der: bytes
    issuer: Authority


@dataclass(slots=True)
class IngestingProcess:
    """Has published CRLs put on the shelf."""

    shelf: Shelf
    published: Mapping[str, PublishedCrl]
    orders: list[CrlOrder] = field(default_factory=list)

    async def fetch(self, order: CrlOrder) -> tuple[Attempt, ...]:
        """Put on the shelf what the first URL has."""
        self.orders.append(order)
        found = self.published.get(order.urls[0])
        if found is None:
            return (Attempt(order.urls[0], Problem.UNREACHABLE),)
        self.shelf.hold(found.der, found.issuer.issued.spki, order.urls[0])
        return ()


@dataclass(slots=True)
class Responders:
    """OCSP responders, each with one answer to everything."""

    answers: Mapping[str, bytes]
    asked: list[OriginRequest] = field(default_factory=list)

    async def fetch(self, request: OriginRequest) -> OriginAnswer:
        """The answer of the responder that the URL belongs to.

        Raises:
            OriginError: there is none.
        """
        self.asked.append(request)
        for url, answer in self.answers.items():
            if request.url.startswith(url):
                return OriginAnswer(request.url, answer)
        raise OriginError(Problem.UNREACHABLE, "nobody there")

    def stream(self, request: OriginRequest) -> AbstractAsyncContextManager[OriginStream]:
        """Nothing is streamed to a worker.

        Raises:
            OriginError: always.
        """
        raise OriginError(Problem.UNREACHABLE, request.url)
