"""What of a trust store, of blocks and of rules stands in a case: everything that was looked at, and bounded."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.application.replay.case import ReplayCase, replay
from service.application.replay.document import LeftOut, read_case, write_case
from service.application.replay.extent import MAX_CERTIFICATES, narrowed
from service.application.replay.ocsp_octets import UnknownOctetsError, response_octets
from service.core.decision.assessment import AssessmentRequest, assess
from service.core.decision.block_list import index_blocks
from service.core.der.certificate import read_certificate
from service.core.der.ocsp import read_ocsp_response
from service.core.model.certificate import Certificate
from service.core.model.evidence import Evidence
from service.core.model.failure import Code
from service.core.model.policy import Exemption, IssuerMatch, IssuerRule, Policy, RevocationMode
from service.core.model.verdict import Verdict
from service.core.names.comparison import canonical
from service.core.path.trust_store import with_intermediates
from tests.application.chain import read
from tests.core.decision.blocking import block, by_fingerprint, by_spki
from tests.core.decision.pieces import CHAIN, SOUND, VOUCHED, Piece, shelf
from tests.core.decision.shell import Outcome, Shelf, ask, trusting
from tests.pki import NOW, Authority, Issued, days, key

OTHERS: Final = tuple(Authority.root(f"Other {number}") for number in range(3))
CROWD: Final = trusting(CHAIN.root, CHAIN.sub, *OTHERS)


class Watched(Mapping[bytes, tuple[Certificate, ...]]):
    """An index that remembers which names were found in it."""

    def __init__(self, index: Mapping[bytes, tuple[Certificate, ...]]) -> None:
        """Take the index."""
        self.index = index
        self.found: dict[bytes, tuple[Certificate, ...]] = {}

    def __getitem__(self, name: bytes) -> tuple[Certificate, ...]:
        """What bears a name."""
        self.found[name] = self.index[name]
        return self.index[name]

    def __iter__(self) -> Iterator[bytes]:
        """The names."""
        return iter(self.index)

    def __len__(self) -> int:
        """How many names."""
        return len(self.index)


def case(outcome: Outcome, policy: Policy) -> ReplayCase:
    """Everything that a verdict was made of."""
    return ReplayCase(outcome.request, outcome.evidence, policy, NOW)


@given(st.lists(st.sampled_from([*SOUND, *VOUCHED]), max_size=6, unique=True))
def test_everything_that_was_looked_up_is_there(held: list[Piece]) -> None:
    """For each name exactly those that bore it, in their order."""
    policy = Policy()
    whole = case(ask(CHAIN.leaf, CROWD, held=shelf(held), policy=policy), policy)
    watched = Watched(whole.request.store.by_subject)
    request = replace(whole.request, store=replace(whole.request.store, by_subject=watched))
    verdict = assess(request, whole.evidence, policy, NOW)
    part = narrowed(whole)
    assert verdict == replay(part)
    assert watched.found == {name: part.request.store.by_subject.get(name) for name in watched.found}


def test_who_has_nothing_to_do_with_it_is_left_out() -> None:
    """Other anchors of the store tell nothing about this decision, and are nobody's business."""
    part = narrowed(case(ask(CHAIN.leaf, CROWD), Policy()))
    assert frozenset(map(read, (CHAIN.root,))) == part.request.store.anchors
    assert frozenset(map(read, (CHAIN.sub,))) == part.request.store.intermediates


def test_who_came_with_the_request_is_told_apart() -> None:
    """Nobody vouches for what a caller presents."""
    store = with_intermediates(trusting(CHAIN.root), map(read, (CHAIN.sub, OTHERS[0])))
    part = narrowed(case(ask(CHAIN.leaf, store), Policy()))
    sub = frozenset({read(CHAIN.sub)})
    assert (sub, sub) == (part.request.store.intermediates, part.request.store.presented)


def test_blocks() -> None:
    """The one that denies somebody at hand, and not that of somebody else, nor one whose time is over."""
    list_ = index_blocks(
        [
            block(by_spki(CHAIN.sub), name="b1"),
            block(by_fingerprint(OTHERS[0]), name="b2"),
            block(by_fingerprint(CHAIN.leaf), until=NOW, name="b3"),
        ]
    )
    outcome = ask(CHAIN.leaf, CROWD, blocks=list_.at(NOW))
    part = narrowed(case(outcome, Policy()))
    assert (1, outcome.verdict) == (part.request.blocks.blocks.size, replay(part))


def test_rules_for_issuers() -> None:
    """The first about somebody at hand, with the exemptions of those at hand."""
    mine, other = Exemption(CHAIN.leaf.serial, NOW + days(1), "known"), Exemption(99, NOW + days(1), "other")
    about_sub = IssuerMatch(name=canonical(read(CHAIN.sub).subject.der))
    rules = (
        IssuerRule(IssuerMatch(name=canonical(read(OTHERS[0]).subject.der)), "first"),
        IssuerRule(about_sub, "second", exemptions=(other, mine)),
        IssuerRule(about_sub, "third", revocation_mode=RevocationMode.OFF),
    )
    policy = Policy(issuer_rules=rules)
    outcome = ask(CHAIN.leaf, CROWD, policy=policy)
    part = narrowed(case(outcome, policy))
    assert (replace(rules[1], exemptions=(mine,)),) == part.policy.issuer_rules
    assert outcome.verdict == replay(part)


def test_what_has_no_room_is_left_out() -> None:
    """A name that everybody bears leads to all of them; the document says that there is no case, and stays small."""
    sub = read(CHAIN.sub)
    crowd = [replace(sub, der=sub.der + bytes([number // 256, number % 256])) for number in range(MAX_CERTIFICATES)]
    request = AssessmentRequest(read(CHAIN.leaf), with_intermediates(trusting(CHAIN.root), crowd))
    wide = ReplayCase(request, Evidence(), Policy(), NOW)
    assert b'{"version":1,"left_out":"too_large"}' == write_case(wide)


def test_what_is_too_long_is_left_out() -> None:
    """A response of an authority that has a lot to say."""
    chatty = CHAIN.sub.issue("leaf", san=[f"DNS:{number:05}.{'x' * 50}.example" for number in range(3000)])
    outcome = ask(chatty, CHAIN.store)
    assert b'{"version":1,"left_out":"too_large"}' == write_case(case(outcome, Policy()))


def test_a_response_of_odd_bits_is_left_out() -> None:
    """What was read of it does not tell its octets, and it verifies under no key."""
    der = CHAIN.sub.ocsp(CHAIN.leaf, status="revoked")
    response = read_ocsp_response(der)
    assert der == response_octets(response)
    odd = replace(response, signature=replace(response.signature, value=b""))
    with pytest.raises(UnknownOctetsError):
        response_octets(odd)
    outcome = ask(CHAIN.leaf, CHAIN.store, held=Shelf(ocsp=(der,)))
    ocsp = {
        wanted: replace(found, findings=tuple(replace(one, response=odd) for one in found.findings))
        for wanted, found in outcome.evidence.ocsp.items()
    }
    broken = replace(case(outcome, Policy()), evidence=Evidence(outcome.evidence.crls, ocsp))
    assert LeftOut.UNKNOWN_OCTETS.value.encode() in write_case(broken)


@pytest.mark.parametrize("certificates", [None, ()])
def test_a_response_without_certificates(certificates: tuple[Issued, ...] | None) -> None:
    """With an empty list of them, and without any list, its octets are told from its digest."""
    der = CHAIN.sub.ocsp(CHAIN.leaf, certificates=certificates)
    assert der == response_octets(read_ocsp_response(der))


def test_kept_signers_are_part_of_it() -> None:
    """What is kept beside a CRL may be somebody who is in no trust store."""
    signer = CHAIN.root.subordinate("Sub", key=key("p384", 3))
    held = Shelf(crls=(signer.crl(revoked=[CHAIN.leaf.serial]),), kept=((signer,),))
    policy = Policy()
    outcome = ask(CHAIN.leaf, CHAIN.store, held=held, policy=policy)
    part = narrowed(case(outcome, policy))
    assert outcome.verdict == replay(part)
    assert Code.REVOKED is outcome.verdict.code
    assert isinstance(outcome.verdict, Verdict)
    assert read_certificate(signer.der) not in part.request.store.intermediates


def test_what_is_kept_beside_a_crl_and_damaged() -> None:
    """It is nobody's certificate, and stands in the case all the same."""
    outcome = ask(CHAIN.leaf, CHAIN.store, held=Shelf(crls=(CHAIN.sub.crl(revoked=[CHAIN.leaf.serial]),)))
    crls = {
        wanted: replace(found, findings=tuple(replace(one, signer_paths=((b"damaged",),)) for one in found.findings))
        for wanted, found in outcome.evidence.crls.items()
    }
    damaged = replace(case(outcome, Policy()), evidence=Evidence(crls, outcome.evidence.ocsp))
    read_back = read_case(write_case(damaged))
    assert outcome.verdict == replay(read_back)
    assert crls == read_back.evidence.crls
