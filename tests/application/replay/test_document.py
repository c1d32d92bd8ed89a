"""Cases of any decision at all, written and read; and what becomes of one that was changed."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.replay.case import CaseError, ReplayCase, replay
from service.application.replay.codec import record, text
from service.application.replay.document import (
    MAX_CASE_OCTETS,
    VERSION,
    CaseLeftOutError,
    LeftOut,
    read_case,
    read_case_value,
    write_case,
)
from service.core.decision.block_list import NO_BLOCKS, StandingBlocks
from service.core.model.failure import Code, Malformed
from service.core.model.policy import EvidenceOrder, Policy, RevocationMode, RevocationScope
from service.core.model.verdict import Verdict
from tests.core.decision.blocking import FORMS, blocking
from tests.core.decision.pieces import CHAIN, DISCREDITING, SOUND, VOUCHED, WORTHLESS, Piece, shelf
from tests.core.decision.shell import Outcome, Shelf, ask
from tests.pki import NOW, days

Document = dict[str, Any]
Change = Callable[[Document], None]

POLICIES: Final = st.builds(
    Policy,
    revocation_mode=st.sampled_from(RevocationMode),
    revocation_scope=st.sampled_from(RevocationScope),
    evidence_order=st.sampled_from(EvidenceOrder),
    grace=st.sampled_from([timedelta(0), timedelta(hours=1), days(30)]),
    max_evidence_age=st.sampled_from([None, timedelta(minutes=10)]),
)
PIECES: Final = st.lists(
    st.sampled_from([piece for pool in (SOUND, VOUCHED, DISCREDITING, WORTHLESS) for piece in pool]),
    max_size=8,
    unique=True,
)
BLOCKS: Final = st.sampled_from(
    [
        NO_BLOCKS,
        *(blocking(one, form=form) for form in FORMS for one in (CHAIN.leaf, CHAIN.sub, CHAIN.root)),
        blocking(CHAIN.sub.issue("another")),
    ]
)


def case(outcome: Outcome, policy: Policy) -> ReplayCase:
    """Everything that a verdict was made of."""
    return ReplayCase(outcome.request, outcome.evidence, policy, NOW)


def decided(held: Sequence[Piece], origin: Sequence[Piece], policy: Policy, blocks: StandingBlocks) -> Outcome:
    """A question about the leaf where these pieces are held, and those are at the origin."""
    return ask(CHAIN.leaf, CHAIN.store, held=shelf(held), origin=shelf(origin), policy=policy, blocks=blocks)


@given(POLICIES, PIECES, PIECES, BLOCKS)
def test_the_same_verdict(policy: Policy, held: list[Piece], origin: list[Piece], blocks: StandingBlocks) -> None:
    """Whatever was gathered, under any policy: all that the verdict says, attempts and ends included."""
    outcome = decided(held, origin, policy, blocks)
    written = write_case(case(outcome, policy))
    read = read_case(written)
    assert outcome.verdict == replay(read)
    assert written == write_case(read)


def revoked_by_crl() -> ReplayCase:
    """The leaf is listed; Sub is not."""
    held = Shelf((CHAIN.sub.crl(revoked=[CHAIN.leaf.serial]), CHAIN.root.crl()))
    return case(ask(CHAIN.leaf, CHAIN.store, held=held), Policy())


def revoked_by_ocsp() -> ReplayCase:
    """A responder has said so of the leaf."""
    policy = Policy(evidence_order=EvidenceOrder.OCSP_ONLY, revocation_scope=RevocationScope.LEAF)
    held = Shelf(ocsp=(CHAIN.sub.ocsp(CHAIN.leaf, status="revoked"),))
    return case(ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy), policy)


def document(of: ReplayCase) -> Document:
    """What is written of a case, to be changed."""
    found: Document = json.loads(write_case(of))
    return found


def changed(of: ReplayCase, change: Change) -> Verdict:
    """What a case comes to after a change."""
    found = document(of)
    change(found)
    return replay(read_case(json.dumps(found).encode()))


def _entries(found: Document) -> list[Document]:
    return [finding for one in found["case"]["evidence"]["crls"] for finding in one["found"]["findings"]]


def remove_entry(found: Document) -> None:
    """As if the CRL did not list it."""
    for finding in _entries(found):
        finding["entry"] = None


def remove_signer(found: Document) -> None:
    """As if the CRL had verified under no key."""
    for finding in _entries(found):
        finding["signer_spki"] = None


def move_moment(found: Document) -> None:
    """A year later."""
    found["case"]["at"] = (NOW + days(400)).isoformat()


def remove_anchors(found: Document) -> None:
    """As if nobody was trusted."""
    found["case"]["store"]["anchors"] = []


def be_lenient(found: Document) -> None:
    """As if nothing had been asked about revocation."""
    found["case"]["policy"]["revocation_mode"] = "off"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (remove_entry, Code.OK),
        (move_moment, Code.EXPIRED),
        (remove_anchors, Code.UNTRUSTED),
        (be_lenient, Code.OK),
    ],
)
def test_a_change_in_one_place_is_another_verdict(change: Change, code: Code) -> None:
    """What a decision rests on matters, each part of it."""
    assert Code.REVOKED is replay(revoked_by_crl()).code
    assert code is changed(revoked_by_crl(), change).code


def test_a_crl_that_nobody_signed_is_not_enough() -> None:
    """Other evidence would have been looked for then, and is not there."""
    with pytest.raises(CaseError, match="lacks evidence"):
        changed(revoked_by_crl(), remove_signer)


def test_a_response_that_was_changed_does_not_verify() -> None:
    """It is kept whole, and its signature is verified again: nobody turns `revoked` into `good`.

    Where the response is worth nothing another would have been asked for.
    """
    assert Code.REVOKED is replay(revoked_by_ocsp()).code
    (good,) = Shelf(ocsp=(CHAIN.sub.ocsp(CHAIN.leaf),)).ocsp

    def forge(found: Document) -> None:
        for one in found["case"]["evidence"]["ocsp"]:
            for finding in one["found"]["findings"]:
                whole = base64.b64decode(finding["response"])
                tail = whole[-32:]
                finding["response"] = base64.b64encode(good[:-32] + tail).decode()

    with pytest.raises(CaseError, match="lacks evidence"):
        changed(revoked_by_ocsp(), forge)


def test_a_certificate_that_was_changed_does_not_verify() -> None:
    """The last octet of a certificate is one of its signature."""

    def forge(found: Document) -> None:
        at = found["case"]["leaf"]["certificate"]
        der = base64.b64decode(found["certificates"][at])
        found["certificates"][at] = base64.b64encode(der[:-1] + bytes([der[-1] ^ 1])).decode()

    assert Code.BAD_SIGNATURE is changed(revoked_by_crl(), forge).code


def _without(name: str) -> Change:
    return lambda found: found["case"].pop(name)


def _put(place: str, value: object) -> Change:
    def change(found: Document) -> None:
        *way, last = place.split("/")
        for step in way:
            found = found[step]
        found[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_put("version", VERSION + 1), "another version"),
        (_put("version", True), "another version"),
        (_put("more", 1), "lacks a member, or has one too many"),
        (_put("case/more", 1), "lacks a member, or has one too many"),
        (_without("at"), "lacks a member, or has one too many"),
        (_put("case/at", "yesterday"), r"\.at: not a moment"),
        (_put("case/at", "2026-01-01T00:00:00"), r"\.at: not a moment in UTC"),
        (_put("case/at", "2026-01-01T00:00:00+01:00"), r"\.at: not a moment in UTC"),
        (_put("case/at", 7), r"\.at: not a text"),
        (_put("case/leaf", {"nobody": 0}), r"\.leaf: of a kind that is not known"),
        (_put("case/leaf", {}), r"\.leaf: not an object of one member"),
        (_put("case/leaf/certificate", 99), r"\.leaf\.certificate: no number of a certificate"),
        (_put("case/leaf/certificate", False), r"\.leaf\.certificate: no number of a certificate"),
        (_put("case/store/anchors", [0, 0]), r"\.store\.anchors: something is there twice"),
        (_put("case/store/anchors", {}), r"\.store\.anchors: not a list"),
        (_put("case/store/name", "\ud800"), r"\.store\.name: not a text"),
        (_put("case/policy", None), r"\.policy: not an object"),
        (_put("case/policy/grace", -1), r"\.policy\.grace: not a number in its range"),
        (_put("case/policy/grace", 1.5), "a number that none is written like"),
        (_put("case/policy/limits/steps", 10**9), r"\.policy\.limits\.steps: not a number in its range"),
        (_put("case/policy/key_purpose", "any."), r"\.policy\.key_purpose: none of the values"),
        (_put("case/policy/key_purpose", []), r"\.policy\.key_purpose: none of the values"),
        (_put("case/policy/policies/inhibit_any_policy", 1), "inhibit_any_policy: neither true nor false"),
        (_put("case/evidence/crls", [1]), r"\.evidence\.crls\[0\]: not an object"),
        (_put("certificates", {}), "not a list of"),
        (_put("certificates", ["AA=="] * 2), "a certificate is there twice"),
        (_put("certificates", ["!"]), "not base64"),
        (_put("certificates", ["AA==", "AQ==", "Ag=="]), "not a certificate"),
    ],
)
def test_what_is_refused(change: Change, reason: str) -> None:
    """With where it is, and never with what stands there."""
    with pytest.raises(CaseError, match=reason):
        changed(revoked_by_crl(), change)


def test_evidence_that_is_there_twice() -> None:
    """Nobody could say which of the two was used."""

    def double(found: Document) -> None:
        found["case"]["evidence"]["crls"] *= 2

    with pytest.raises(CaseError, match="there twice"):
        changed(revoked_by_crl(), double)


def test_evidence_that_is_not_there() -> None:
    """A case that lacks some of it comes to no verdict."""

    def drop(found: Document) -> None:
        found["case"]["evidence"]["crls"] = []

    with pytest.raises(CaseError, match="lacks evidence"):
        changed(revoked_by_crl(), drop)


@pytest.mark.parametrize(
    "octets",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"version":1,"version":1}', b'{"version":NaN}', b"[" * 200_000],
)
def test_what_is_no_document(octets: bytes) -> None:
    """It is not read."""
    with pytest.raises(CaseError):
        read_case(octets)


def test_what_is_too_long() -> None:
    """It is not even looked at."""
    with pytest.raises(CaseError, match="longer than"):
        read_case(b" " * (MAX_CASE_OCTETS + 1))


@pytest.mark.parametrize("why", LeftOut)
def test_what_was_left_out(why: LeftOut) -> None:
    """The document says why."""
    with pytest.raises(CaseLeftOutError, match=why.value) as raised:
        read_case_value({"version": VERSION, "left_out": why.value})
    assert why is raised.value.why


@pytest.mark.parametrize("value", [None, "soon", 1, []])
def test_what_was_left_out_for_no_known_reason(value: object) -> None:
    """It is refused like anything else."""
    with pytest.raises(CaseError, match="not known"):
        read_case_value({"version": VERSION, "left_out": value})


def point(kind: int, value: str) -> Document:
    """A distribution point with one name."""
    return {"names": [{"kind": kind, "value": value}], "reasons": 0x1FE, "crl_issuer": []}


def _meta(name: str, value: object) -> Change:
    def change(found: Document) -> None:
        for finding in _entries(found):
            finding["meta"][name] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_meta("issuer", "AAAA"), r"issuer: not a name"),
        (_meta("issuer", "\u00e9"), r"issuer: not base64"),
        (_meta("crl_number", "7g"), "crl_number: not a hexadecimal number"),
        (_meta("crl_number", "-"), "crl_number: not a hexadecimal number"),
        (_meta("crl_number", "f" * 100_000), "crl_number: not a hexadecimal number"),
        (_meta("freshest_crl", [point(4, "AAAA")]), r"names\[0\]: not a name"),
        (_meta("freshest_crl", [point(99, "AAAA")]), r"kind: none of the values"),
        (_meta("entries", -1), "entries: not a number in its range"),
    ],
)
def test_what_is_refused_of_a_crl(change: Change, reason: str) -> None:
    """Names are read as strictly as in certificates, and numbers have an end."""
    with pytest.raises(CaseError, match=reason):
        changed(revoked_by_crl(), change)


def test_what_a_crl_may_have() -> None:
    """A directory name where its delta CRLs are, and a negative number."""
    name = next(one["meta"]["issuer"] for one in _entries(document(revoked_by_crl())))
    assert Code.REVOKED is changed(revoked_by_crl(), _meta("freshest_crl", [point(4, name)])).code
    assert Code.REVOKED is changed(revoked_by_crl(), _meta("crl_number", "-7")).code


@pytest.mark.parametrize(
    ("response", "reason"),
    [("AAAA", "not an OCSP response"), ("MAMKAQY=", "an OCSP response without an answer")],
)
def test_what_is_refused_of_a_response(response: str, reason: str) -> None:
    """What no responder answers, and what none answers that knows something."""

    def change(found: Document) -> None:
        for one in found["case"]["evidence"]["ocsp"]:
            for finding in one["found"]["findings"]:
                finding["response"] = response

    with pytest.raises(CaseError, match=reason):
        changed(revoked_by_ocsp(), change)


def test_a_class_with_another_field_has_no_codec() -> None:
    """Whoever gives the model a field gives the document one, and another version."""
    with pytest.raises(TypeError, match="Malformed has other fields"):
        record(Malformed, reason=text, more=text)
