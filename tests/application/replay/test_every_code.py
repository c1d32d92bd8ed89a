"""Every code of the interface: a decision that was answered with it comes to the same verdict when it is replayed."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from service.adapters.lmdb.store import Store
from service.application.inline_evidence import read_inline_evidence
from service.application.replay.case import replay
from service.application.shadow import PUT_ASIDE, Enforcement, ShadowRules
from service.application.validate import Fetching, ValidationRequest
from service.core.model.block import FingerprintMatch
from service.core.model.budget import Limits
from service.core.model.certificate import Certificate
from service.core.model.failure import Code, Malformed
from service.core.model.policy import KeyPurpose, Policy, PolicyInputs
from service.core.model.verdict import Method
from tests.application.chain import CRL_URL, NAMESAKE, OCSP_URL, ROOT, SUB, leaf, read
from tests.application.replay.keeping import Everything, case_of, outcome_of, replayed
from tests.application.world import LEAF_ALONE, World, request, world
from tests.pki import NOW, Authority, Extension, days, der, key

pytestmark = pytest.mark.anyio

Scene = Callable[[World], Awaitable[ValidationRequest]]

LEAF: Final = leaf(crl_urls=CRL_URL)
BY_OCSP: Final = SUB.issue("leaf", ocsp_urls=OCSP_URL)
PLAIN: Final = leaf()
TIGHT: Final = replace(LEAF_ALONE, limits=Limits(signatures=1))
NO_ROUNDS: Final = replace(LEAF_ALONE, limits=Limits(rounds=0))


def about(certificate: Certificate | Malformed, policy: Policy = LEAF_ALONE) -> Scene:
    """Nothing has to happen before the question."""

    async def ask(_: World) -> ValidationRequest:
        return request(certificate, policy)

    return ask


async def good(service: World) -> ValidationRequest:
    """A CRL without it is at the origin."""
    service.origin.answers[CRL_URL] = SUB.crl(number=1)
    return request(LEAF)


async def listed(service: World) -> ValidationRequest:
    """A CRL has it."""
    service.origin.answers[CRL_URL] = SUB.crl(revoked={LEAF.serial_number: "keyCompromise"}, number=2)
    return request(LEAF)


async def held_for_the_path(service: World) -> ValidationRequest:
    """Revocation of the whole path is looked up, by CRLs that are held: of Root about Sub, of Sub about the leaf."""
    service.origin.answers[CRL_URL] = SUB.crl(revoked=[LEAF.serial_number], number=3)
    await service.hold_crl(CRL_URL, SUB)
    service.origin.answers["http://crl.example/root.crl"] = ROOT.crl(number=1)
    await service.hold_crl("http://crl.example/root.crl", ROOT)
    return request(LEAF, Policy())


async def said_by_a_responder(service: World) -> ValidationRequest:
    """An OCSP answer that came with the request says revoked."""
    del service
    evidence = read_inline_evidence([], [SUB.ocsp(BY_OCSP, status="revoked")])
    asked = request(read(BY_OCSP))
    return replace(asked, evidence=evidence, fetching=Fetching.OFFLINE)


async def blocked(service: World) -> ValidationRequest:
    """An operator has blocked it, and another one that has nothing to do with it."""
    await service.blocks.add(FingerprintMatch(LEAF.fingerprint), "stolen", None, "tester")
    await service.blocks.add(FingerprintMatch(PLAIN.fingerprint), "lost", None, "tester")
    return request(LEAF)


async def authority_blocked(service: World) -> ValidationRequest:
    """An operator has blocked who issued it."""
    await service.blocks.add(FingerprintMatch(read(SUB).fingerprint), "stolen", NOW + days(900), "tester")
    return request(LEAF)


async def of_the_past(service: World) -> ValidationRequest:
    """A moment before it began to be valid, asked about now."""
    return request(LEAF, at=service.clock.now() - days(4000))


async def gave_up(service: World) -> ValidationRequest:
    """What it needs is not to be had in as many rounds."""
    service.gatherer.helpless_rounds = 9
    return request(LEAF, replace(LEAF_ALONE, limits=Limits(rounds=2)))


CONSTRAINED: Final = replace(LEAF_ALONE, policies=PolicyInputs(require_explicit_policy=True))

SCENES: Final[dict[str, tuple[Code, Scene]]] = {
    "allowed": (Code.OK, good),
    "nothing declared": (Code.OK, about(PLAIN)),
    "revoked by a CRL": (Code.REVOKED, listed),
    "revoked by a held CRL": (Code.REVOKED, held_for_the_path),
    "revoked by OCSP": (Code.REVOKED, said_by_a_responder),
    "blocked": (Code.BLOCKED, blocked),
    "authority blocked": (Code.BLOCKED, authority_blocked),
    "expired": (Code.EXPIRED, about(leaf(not_before=NOW - days(9), not_after=NOW - days(2)))),
    "not yet valid": (Code.NOT_YET_VALID, about(leaf(not_before=NOW + days(2), not_after=NOW + days(9)))),
    "in the past": (Code.NOT_YET_VALID, of_the_past),
    "untrusted": (Code.UNTRUSTED, about(read(Authority.root("Nobody").issue("leaf")))),
    "self-signed": (Code.UNTRUSTED, about(read(Authority.root("Nobody")))),
    "bad signature": (Code.BAD_SIGNATURE, about(read(NAMESAKE.issue("leaf")))),
    "constraint": (Code.CONSTRAINT_VIOLATION, about(PLAIN, replace(LEAF_ALONE, max_path_length=0))),
    "purpose": (
        Code.CONSTRAINT_VIOLATION,
        about(leaf(extended_key_usage="1.3.6.1.5.5.7.3.2"), replace(LEAF_ALONE, key_purpose=KeyPurpose.SERVER)),
    ),
    "policy": (Code.POLICY_VIOLATION, about(PLAIN, CONSTRAINED)),
    "weak": (Code.WEAK_ALGORITHM, about(leaf(key=key("rsa1024")))),
    "unsupported": (Code.UNSUPPORTED, about(leaf(extensions=(Extension("1.2.3.4", der.null(), critical=True),)))),
    "unavailable": (Code.REVOCATION_UNAVAILABLE, about(LEAF)),
    "malformed": (Code.MALFORMED, about(Malformed("truncated DER"))),
    "search too dear": (Code.BUDGET_EXHAUSTED, about(PLAIN, TIGHT)),
    "gathering too dear": (Code.BUDGET_EXHAUSTED, about(LEAF, NO_ROUNDS)),
    "gave up": (Code.BUDGET_EXHAUSTED, gave_up),
}


def test_every_code_has_a_scene() -> None:
    """Whoever adds one adds a scene."""
    assert set(Code) == {code for code, _ in SCENES.values()}


@pytest.mark.parametrize("enforcement", Enforcement)
@pytest.mark.parametrize("name", SCENES)
async def test_the_same_verdict(store: Store, tmp_path: Path, name: str, enforcement: Enforcement) -> None:
    """In everything that it says, in shadow as well, and after the service has forgotten all of it."""
    code, scene = SCENES[name]
    keeper = Everything()
    service = world(store, tmp_path, keeper=keeper, shadow=ShadowRules(everybody=enforcement))
    await service.validate(await scene(service))
    (record,), (answer,) = keeper.records, service.asked
    assert outcome_of(record) == replayed(record)
    decided = answer.verdict if answer.enforced is None else answer.enforced
    assert (code, decided) == (decided.code, replay(case_of(record)))
    is_put_aside = enforcement is Enforcement.SHADOW and code in PUT_ASIDE
    assert ((code if is_put_aside else None), answer.verdict.code) == (record.enforced, record.code)


async def test_ocsp_is_kept_whole(store: Store, tmp_path: Path) -> None:
    """The replay has read the very response, and verified it again."""
    keeper = Everything()
    service = world(store, tmp_path, keeper=keeper)
    response = SUB.ocsp(BY_OCSP, status="revoked")
    await service.validate(replace(request(read(BY_OCSP)), evidence=read_inline_evidence([], [response])))
    verdict = replay(case_of(keeper.records[0]))
    assert Method.OCSP is verdict.path[0].revocation.method
    assert verdict.valid_until - service.clock.now() == timedelta(seconds=60)
