"""The service's own parts with nothing held, and nothing to fetch but what a case has responders answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp

from service.api.app import ApiServices, OperationsServices, create_app
from service.api.operations import Readiness
from service.api.rules import ApiRules, Overrides
from service.application.blocks import Blocks
from service.application.claims import CrlClaims
from service.application.clock import Clock
from service.application.evidence_store import CrlReader, OcspStore
from service.application.gather import Gatherer
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.trust_store_source import FileStamp, Scan, SourceFile
from service.application.trust_stores import TrustStores
from service.application.validate import Validator
from service.core.model.policy import Policy
from tests.api.fakes import IngestingProcess, NumberedIds, Responders, Shelf, StandingClock
from tests.memory_blocks import MemoryBlockStore
from tests.pki import pem

Stores = Mapping[str, tuple[bytes, ...]]
"""The certificates of each trust store."""

Answers = Mapping[str, bytes]
"""What each OCSP responder answers to everything, by URL."""

NONCE: Final = bytes(range(32))
"""What every OCSP request asks to be repeated, where it asks: so that answers to it can be written beforehand."""

_UNCHANGED: Final = FileStamp("store.pem", 0, 0, 0, 0, 0)
_DEADLINE_S: Final = 30.0
"""Nothing here takes as long."""


class Written:
    """Trust stores that stand somewhere and never change."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def scan(self) -> Scan:
        """All of them."""
        return Scan(dict.fromkeys(self._stores, (_UNCHANGED,)))

    def read(self, name: str) -> tuple[SourceFile, ...]:
        """The one file of a store."""
        return (SourceFile(f"{name}.pem", "".join(map(pem, self._stores[name])).encode()),)

    def read_intermediates(self) -> tuple[SourceFile, ...]:
        """There are none."""
        return ()


class _OneNonce:
    """Makes the same nonce each time."""

    def new(self) -> bytes:
        """It."""
        return NONCE


@dataclass(frozen=True, slots=True)
class Host:
    """What questions are answered on: what is held, who has more of it tried, and what time it is."""

    crls: CrlReader
    ocsp: OcspStore
    clock: StandingClock
    claims: CrlClaims | None = None

    def gatherer(self, policy: Policy, answers: Answers) -> Gatherer:
        """Gathers what is held here, and what responders answer; no CRL is to be fetched anywhere."""
        rules = OcspRules(policy, _DEADLINE_S)
        ocsp = OcspClient(Responders(answers), self.ocsp, self.clock, NullObserver(), rules, _OneNonce())
        return Gatherer(
            self.crls, self.ocsp, IngestingProcess(Shelf(), {}), ocsp, self.clock, listener=None, claims=self.claims
        )


def empty_host() -> Host:
    """One with nothing held."""
    shelf = Shelf()
    return Host(shelf, shelf, StandingClock())


def application(
    stores: Stores, policy: Policy, gathering: Gatherer, clock: Clock, faults: Callable[[str, Exception], None]
) -> ASGIApp:
    """The interface, as an operator has set it who lets requests carry options.

    Args:
        stores: Trust stores by name.
        policy: The operator's.
        gathering: Gathers evidence.
        clock: Tells when it is.
        faults: Is told of what the service calls its own fault.
    """
    trusted = TrustStores(Written(stores), StandingClock())
    trusted.load()
    blocks = Blocks(MemoryBlockStore(), StandingClock(), NumberedIds(), NullObserver())
    validator = Validator(trusted, gathering, clock, NumberedIds(), NullObserver(), _DEADLINE_S, blocks)
    operations = OperationsServices(Readiness({}, faults), lambda: b"", faults, "0")
    return create_app(ApiServices(validator, policy, operations, blocks), ApiRules(overrides=Overrides.ALLOWED))
