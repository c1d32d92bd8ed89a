"""The service's own parts with nothing held, and nothing to fetch but what a case has responders answer."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.types import ASGIApp

from service.api.app import ApiServices, OperationsServices, create_app
from service.api.operations import Readiness
from service.api.rules import ApiRules, Overrides
from service.application.gather import Gatherer
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.trust_store_source import FileStamp, Scan, SourceFile
from service.application.trust_stores import TrustStores
from service.application.validate import Validator
from service.core.model.policy import Policy
from tests.api.fakes import IngestingProcess, NumberedIds, Responders, Shelf, StandingClock
from tests.pki import pem

Stores = Mapping[str, tuple[bytes, ...]]
"""The certificates of each trust store."""

Answers = Mapping[str, bytes]
"""What each OCSP responder answers to everything, by URL."""

NONCE: Final = bytes(range(32))
"""What every OCSP request asks to be repeated, where it asks: so that answers to it can be written beforehand."""

_UNCHANGED: Final = FileStamp("store.pem", 0, 0, 0, 0, 0)
_DEADLINE_S: Final = 1.0


class _Written:
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


def gatherer(policy: Policy, answers: Answers) -> Gatherer:
    """Gathers evidence where there is none but the request's and the responders'."""
    shelf, clock, rules = Shelf(), StandingClock(), OcspRules(policy, _DEADLINE_S)
    ocsp = OcspClient(Responders(answers), shelf, clock, NullObserver(), rules, _OneNonce())
    return Gatherer(shelf, shelf, IngestingProcess(shelf, {}), ocsp, clock)


def application(stores: Stores, policy: Policy, answers: Answers, faults: Callable[[str, Exception], None]) -> ASGIApp:
    """The interface, as an operator has set it who lets requests carry options.

    Args:
        stores: Trust stores by name.
        policy: The operator's.
        answers: Those of responders.
        faults: Is told of what the service calls its own fault.
    """
    trusted = TrustStores(_Written(stores), StandingClock())
    trusted.load()
    gathering = gatherer(policy, answers)
    validator = Validator(trusted, gathering, StandingClock(), NumberedIds(), NullObserver(), _DEADLINE_S)
    operations = OperationsServices(Readiness({}, faults), lambda: b"", faults, "0")
    return create_app(ApiServices(validator, policy, operations), ApiRules(overrides=Overrides.ALLOWED))
