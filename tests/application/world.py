"""The whole use case in this process: the real store, ingester, OCSP client, gatherer and trust stores of files.

What is made up is what lies outside: the origin, the time, and who is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.adapters.spool import FileSpool
from service.adapters.trust_store_files import TrustStoreFiles
from service.application.blocks import Blocks
from service.application.crl_fetcher import CrlFetcher
from service.application.decision_records import DecisionKeeper
from service.application.gather import Gatherer, GatherRequest
from service.application.ingest import Ingester, IngestRules
from service.application.ocsp_client import OcspClient, OcspRules
from service.application.recording import NOTHING_KEPT
from service.application.shadow import ShadowRules
from service.application.trust_stores import TrustStores
from service.application.validate import ValidationAnswer, ValidationRequest, Validator
from service.core.der.certificate import read_certificate
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence, Wanted
from service.core.model.failure import Malformed
from service.core.model.policy import Policy, RevocationScope
from tests.api.fakes import NumberedIds
from tests.application.chain import ROOT, STRANGER, SUB, order
from tests.application.fakes import BrokenStore, Recorder, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.memory_blocks import MemoryBlockStore
from tests.pki import Authority, bundle

DEADLINE_S: Final = 30.0
"""Nothing here takes as long; a test of deadlines says what it wants."""

LEAF_ALONE: Final = Policy(revocation_scope=RevocationScope.LEAF)
"""The policy of most tests: Sub declares nothing, and what is asked about it says nothing about the use case."""

ALLOWED: Final = ("allow", "good", "ok")
REVOKED: Final = ("deny", "revoked", "revoked")
UNAVAILABLE: Final = ("deny", "unknown", "revocation_unavailable")
UNTRUSTED: Final = ("deny", "invalid", "untrusted")
EXHAUSTED: Final = ("deny", "unknown", "budget_exhausted")


class WatchedGatherer(Gatherer):
    """A gatherer that remembers what it was asked, and lets time pass each time."""

    def __init__(
        self, store: Store | BrokenStore, fetcher: CrlFetcher, ocsp_client: OcspClient, clock: ManualClock
    ) -> None:
        """Take the collaborators; no time passes unless a test says so."""
        super().__init__(store, store, fetcher, ocsp_client, clock)
        self.requests: list[GatherRequest] = []
        self.passing_s = 0.0
        self.helpless_rounds = 0
        self._time = clock

    async def gather(self, wanted: Iterable[Wanted], evidence: Evidence, request: GatherRequest) -> Evidence:
        """Gather as always, or, in the first rounds, nothing at all."""
        self.requests.append(request)
        self._time.advance(self.passing_s)
        if len(self.requests) <= self.helpless_rounds:
            return evidence
        return await super().gather(wanted, evidence, request)


@dataclass(slots=True)
class World:
    """A validator and everything around it that a test looks at or changes."""

    validator: Validator
    stores: TrustStores
    files: Path
    origin: ScriptedOrigin
    ingester: Ingester
    gatherer: WatchedGatherer
    clock: ManualClock
    recorder: Recorder
    client: OcspClient
    blocks: Blocks
    block_store: MemoryBlockStore
    asked: list[ValidationAnswer] = field(default_factory=list)

    async def ask(self, leaf: Certificate | Malformed, policy: Policy = LEAF_ALONE) -> tuple[str, str, str]:
        """What is decided about a leaf."""
        return await self.validate(request(leaf, policy))

    async def validate(self, asked: ValidationRequest) -> tuple[str, str, str]:
        """What is decided about a request; the whole answer is kept."""
        answer = await self.validator.validate(asked)
        self.asked.append(answer)
        return summary(answer)

    async def hold_crl(self, url: str, signer: Authority) -> None:
        """Have the ingester fetch what the origin has."""
        assert () == await self.ingester.fetch(order(url, signers=(signer,)))


def request(
    leaf: Certificate | Malformed, policy: Policy = LEAF_ALONE, at: datetime | None = None
) -> ValidationRequest:
    """The usual request: Sub comes with it, the default store has Root."""
    intermediates = (read_certificate(SUB.der),)
    return ValidationRequest(leaf, intermediates, "default", policy, at)


def summary(answer: ValidationAnswer) -> tuple[str, str, str]:
    """Decision, status and code."""
    return answer.verdict.decision.value, answer.verdict.status.value, answer.verdict.code.value


def world(
    store: Store | BrokenStore,
    directory: Path,
    *,
    fetcher: CrlFetcher | None = None,
    policy: Policy = LEAF_ALONE,
    deadline_s: float = DEADLINE_S,
    origin: ScriptedOrigin | None = None,
    keeper: DecisionKeeper = NOTHING_KEPT,
    shadow: ShadowRules | None = None,
) -> World:
    """A service on this host.

    Args:
        store: The host's store.
        directory: For trust stores and downloads.
        fetcher: In place of an ingester over the same store.
        policy: The operator's.
        deadline_s: Seconds for one request.
        origin: What lies outside; nobody is there unless given.
        keeper: Keeps records of decisions.
        shadow: Who is answered in shadow; nobody unless given.
    """
    files = directory / "stores"
    files.mkdir()
    (files / "default.pem").write_text(ROOT.pem)
    (files / "both.pem").write_text(bundle([ROOT, SUB]))
    (files / "stranger.pem").write_text(STRANGER.pem)
    block_store = MemoryBlockStore()
    clock, recorder, origin = ManualClock(), Recorder(), origin or ScriptedOrigin()
    clock.advance(1000)
    stores = TrustStores(TrustStoreFiles(None, files), clock)
    stores.load()
    ingester = Ingester(origin, store, FileSpool(directory), clock, recorder, IngestRules(1 << 20, 1.0, policy))
    blocks = Blocks(block_store, clock, NumberedIds(), recorder)
    rules = OcspRules(policy, 1.0, blocks=blocks)
    client = OcspClient(origin, store, clock, recorder, rules, RandomNonces())
    gatherer = WatchedGatherer(store, fetcher or ingester, client, clock)
    validator = Validator(
        stores, gatherer, clock, NumberedIds(), recorder, deadline_s, blocks, shadow=shadow, keeper=keeper
    )
    return World(validator, stores, files, origin, ingester, gatherer, clock, recorder, client, blocks, block_store)
