"""A client of two responders, and a certificate that names them both."""

from typing import Final

from service.adapters.nonces import RandomNonces
from service.application.evidence_store import OcspStore
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.ocsp_tally import OcspOutcome
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy
from tests.application.chain import SUB, leaf, read
from tests.application.fakes import Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock

FIRST: Final = "http://first.example/"
SECOND: Final = "http://second.example/"
ISSUER: Final = read(SUB)
LEAF: Final = leaf(ocsp_urls=(FIRST, SECOND))
SERIAL: Final = LEAF.serial_number
GOOD: Final = SUB.ocsp(SERIAL)


def client(
    origin: ScriptedOrigin, store: OcspStore, recorder: Recorder | None = None, policy: Policy | None = None
) -> OcspClient:
    """A client for responders that have a second each."""
    return OcspClient(
        origin, store, ManualClock(), recorder or Recorder(), OcspRules(policy or Policy(), 1.0), RandomNonces()
    )


async def ask(
    origin: ScriptedOrigin, store: OcspStore, certificate: Certificate = LEAF, policy: Policy | None = None
) -> OcspOutcome:
    """Ask about one certificate."""
    return await client(origin, store, policy=policy).ask(certificate, ISSUER)
