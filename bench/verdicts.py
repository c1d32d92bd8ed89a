"""The whole verdict on a chain of three certificates with CRLs of 1,000 entries, revocation required of both.

What is measured of whom:

- Revet, first sight: what the service does with a request it has seen nothing of before. Every cache of the service is
  emptied before each call; leaf and intermediate are read from DER; signatures, path, policies and revocation are
  checked. The trust store is loaded and the CRLs are in the host's store, verified and indexed, as they are before a
  request comes. The store is the real one (LMDB), and so are gatherer and validator.
- Revet, seen before: the same with the caches as they are.
- Revet, decision alone: `assess` with the evidence gathered beforehand, everything else as first sight.
- Revet, evidence in the request: as first sight, and both CRLs are read, verified and searched in each call.
- Revet, the same evidence again: the same with the caches as they are.
- pyhanko, shared context: one `ValidationContext` with root and CRLs for all calls, which keeps what it has read of
  them; leaf and intermediate are read from DER.
- pyhanko, new context: context, root and CRLs too are read in each call.
- cryptography: `ClientVerifier.verify`, which knows no revocation; leaf and intermediate are read from DER.
- floor: one signature, `verify_directly_issued_by` on certificates that are read already.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from asn1crypto.crl import CertificateList
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography.x509 import load_der_x509_certificate
from cryptography.x509.verification import PolicyBuilder, Store
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from bench.measuring import Contestant
from bench.pki import ROOT_CRL_URL, SUB_CRL_URL, Chain, chain
from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store as HostStore
from service.application.gather import GatherRequest, Sources
from service.application.inline_evidence import InlineEvidence, read_inline_evidence
from service.application.validate import ValidationRequest
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.der.certificate import read_certificate
from service.core.model.evidence import Evidence, NeedEvidence
from service.core.model.policy import Policy, RevocationMode
from service.core.model.verdict import Decision, RevocationStatus, Verdict
from service.core.path.trust_store import with_intermediates
from tests.application.fakes import ScriptedOrigin
from tests.application.world import World, world
from tests.caches import caches
from tests.pki import NOW

FIRST_SIGHT: Final = "Revet, first sight"
SEEN_BEFORE: Final = "Revet, seen before"
DECISION: Final = "Revet, decision alone"
IN_REQUEST: Final = "Revet, evidence in the request"
REPEATED: Final = "Revet, the same evidence again"
SHARED: Final = "pyhanko, shared context"
NEW: Final = "pyhanko, new context"
CHAIN_ONLY: Final = "cryptography, no revocation"
FLOOR: Final = "floor: one signature"

STORE: Final = "bench"
POLICY: Final = Policy(revocation_mode=RevocationMode.REQUIRE)

_NO_EVIDENCE: Final = InlineEvidence()


@contextmanager
def contestants(judged: Chain) -> Iterator[list[Contestant]]:
    """Everybody who judges the chain, each checked to have said yes."""
    with _hosted(judged) as (host, loop):
        yield _checked([*_revet(judged, host, loop), *_pyhanko(judged, loop), *_cryptography(judged)])


@contextmanager
def sizes(kind: str, few: int, many: int) -> Iterator[list[Contestant]]:
    """The same verdict at first sight, against CRLs of two lengths."""
    short, long = chain(kind, few), chain(kind, many)
    with _hosted(short) as few_held, _hosted(long) as many_held:
        first = (next(_revet(short, *few_held)), next(_revet(long, *many_held)))
        yield _checked([replace(one, name=at_length(entries)) for one, entries in zip(first, (few, many), strict=True)])


@contextmanager
def _hosted(judged: Chain) -> Iterator[tuple[World, asyncio.AbstractEventLoop]]:
    loop = asyncio.new_event_loop()
    try:
        with TemporaryDirectory() as directory, HostStore.open(Path(directory, "store"), Role.INGESTER) as store:
            yield _host(judged, store, Path(directory), loop), loop
    finally:
        loop.close()


def _checked(everybody: list[Contestant]) -> list[Contestant]:
    for one in everybody:
        one.before()
        one.call()
    return everybody


def at_length(entries: int) -> str:
    """What a contestant of `sizes` is called."""
    return f"{FIRST_SIGHT}, {entries:,}"


def _host(judged: Chain, store: HostStore, directory: Path, loop: asyncio.AbstractEventLoop) -> World:
    """A host that trusts the root and holds both CRLs."""
    origin = ScriptedOrigin({ROOT_CRL_URL: judged.root_crl, SUB_CRL_URL: judged.sub_crl})
    host = world(store, directory, policy=POLICY, origin=origin)
    (host.files / f"{STORE}.pem").write_text(judged.root.pem)
    loop.run_until_complete(host.hold_crl(ROOT_CRL_URL, judged.root))
    loop.run_until_complete(host.hold_crl(SUB_CRL_URL, judged.sub))
    return host


def _revet(judged: Chain, host: World, loop: asyncio.AbstractEventLoop) -> Iterator[Contestant]:
    every = tuple(caches().values())

    def forget() -> None:
        for one in every:
            one.cache_clear()

    def judge(evidence: InlineEvidence = _NO_EVIDENCE, at: datetime | None = None) -> None:
        leaf, sub = read_certificate(judged.leaf.der), read_certificate(judged.sub.der)
        request = ValidationRequest(leaf, (sub,), STORE, POLICY, at, evidence=evidence)
        verdict = loop.run_until_complete(host.validator.validate(request)).verdict
        assert verdict.decision is Decision.ALLOW
        assert all(one.revocation.status is RevocationStatus.GOOD for one in verdict.path)

    yield Contestant(FIRST_SIGHT, judge, forget)
    yield Contestant(SEEN_BEFORE, judge)
    yield Contestant(DECISION, _decision(judged, host, loop), forget)
    crls = (judged.root_crl, judged.sub_crl)
    # Of a moment in the past, what came with the request is all that counts.
    yield Contestant(IN_REQUEST, lambda: judge(read_inline_evidence(crls, ()), NOW), forget)
    yield Contestant(REPEATED, lambda: judge(read_inline_evidence(crls, ()), NOW))


def _decision(judged: Chain, host: World, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """The core's last call for the judged: it has the evidence that it asked for in those before."""
    trusted = loop.run_until_complete(host.stores.get(STORE))
    at = host.clock.now()

    def decide(evidence: Evidence) -> Verdict | NeedEvidence:
        leaf, sub = read_certificate(judged.leaf.der), read_certificate(judged.sub.der)
        return assess(AssessmentRequest(leaf, with_intermediates(trusted, (sub,))), evidence, POLICY, at)

    gathered = Evidence()
    asking = GatherRequest(_NO_EVIDENCE, Sources.HELD, deadline=inf)
    while isinstance(outcome := decide(gathered), NeedEvidence):
        gathered = loop.run_until_complete(host.gatherer.gather(outcome.wanted, gathered, asking))

    def judge() -> None:
        verdict = decide(gathered)
        assert isinstance(verdict, Verdict)
        assert verdict.decision is Decision.ALLOW

    return judge


def _pyhanko(judged: Chain, loop: asyncio.AbstractEventLoop) -> Iterator[Contestant]:
    def context() -> ValidationContext:
        return ValidationContext(
            trust_roots=[Asn1Certificate.load(judged.root.der)],
            crls=[CertificateList.load(judged.root_crl), CertificateList.load(judged.sub_crl)],
            allow_fetching=False,
            revocation_mode="hard-fail",
            moment=NOW,
        )

    def judge(given: ValidationContext) -> None:
        leaf, sub = Asn1Certificate.load(judged.leaf.der), Asn1Certificate.load(judged.sub.der)
        validator = CertificateValidator(leaf, [sub], given)
        path = loop.run_until_complete(validator.async_validate_usage({"digital_signature"}, {"client_auth"}))
        assert len(path) == 3

    shared = context()
    yield Contestant(SHARED, lambda: judge(shared))
    yield Contestant(NEW, lambda: judge(context()))


def _cryptography(judged: Chain) -> Iterator[Contestant]:
    verifier = PolicyBuilder().store(Store([judged.root.certificate])).time(NOW).build_client_verifier()
    leaf, sub = judged.leaf.certificate, judged.sub.certificate

    def judge() -> None:
        read = load_der_x509_certificate(judged.leaf.der), load_der_x509_certificate(judged.sub.der)
        assert len(verifier.verify(read[0], [read[1]]).chain) == 3

    yield Contestant(CHAIN_ONLY, judge)
    yield Contestant(FLOOR, lambda: leaf.verify_directly_issued_by(sub))
