"""Who may have signed a CRL of the operator's places: everybody known by that name whose key may."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest

from service.application.crl_fetcher import MAX_AUTHORITIES, MAX_ORDER_SIGNERS, CrlSigner, key_digest, name_digest
from service.application.prefetch import authorities as module
from service.application.prefetch.authorities import Authorities
from service.core.model.malformed import MalformedError
from service.core.model.policy import Policy
from service.core.path.trust_store import AnchorRule, build_trust_store
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, read
from tests.pki import Authority, Issued, key

FOR_CRLS: Final = SUB.subordinate("Sub", key=key("p256", 61), ca=False, key_usage={"cRLSign"})
"""A key for CRLs, which Sub has certified in its own name."""
BELOW: Final = SUB.subordinate("Below")
SELF: Final = Authority.root("Sub", key=SUB.key)
"""Sub's key, as a root."""
FORGED: Final = Authority.root("Root", key=key("p256", 62)).subordinate("Sub", key=key("p256", 63))
"""Its issuer has the name of Root alone."""


def known(*members: Authority | Issued, learned: tuple[CrlSigner, ...] = ()) -> Authorities:
    """With these in one trust store."""
    authorities = Authorities()
    authorities.replace([build_trust_store("test", map(read, members))], learned)
    return authorities


def signers(authorities: Authorities, crl: bytes) -> set[CrlSigner]:
    """Who is tried for a CRL."""
    return set(authorities.for_crl(crl))


def test_everybody_of_the_name() -> None:
    """Anchors and intermediates, several keys of one name; nobody else."""
    authorities = known(ROOT, SUB, NAMESAKE)
    assert {CrlSigner.of(read(SUB)), CrlSigner.of(read(NAMESAKE))} == signers(authorities, SUB.crl())
    assert {CrlSigner.of(read(ROOT))} == signers(authorities, ROOT.crl())
    assert set() == signers(authorities, STRANGER.crl())


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (ROOT.issue("Signer", key_usage={"cRLSign"}), True),
        (ROOT.issue("Signer", key_usage={"digitalSignature"}), False),
        (ROOT.issue("Signer", key_usage=None), False),
        (ROOT.subordinate("Signer", key_usage={"keyCertSign"}), False),
        (ROOT.subordinate("Signer", key_usage=None), True),
        (Authority.root("Signer", key_usage=None), True),
    ],
    ids=["signs CRLs", "does not", "says nothing", "an authority that does not", "an authority", "an anchor"],
)
def test_whose_key_may(member: Authority | Issued, expected: bool) -> None:
    """As their certificates say."""
    certificate = read(member)
    assert expected == bool(known(ROOT, member).for_name(name_digest(certificate.subject)))


def test_learned_signers() -> None:
    """They count like the others, until they are forgotten."""
    learned = CrlSigner(name_digest(read(STRANGER).subject), b"key")
    authorities = known(ROOT, learned=(learned,))
    assert {learned} == signers(authorities, STRANGER.crl())
    authorities.replace([], ())
    assert set() == signers(authorities, STRANGER.crl()) | signers(authorities, ROOT.crl())


def test_who_is_new() -> None:
    """Only names that somebody bears who was not known under it before."""
    authorities = Authorities()
    root, both = (build_trust_store("test", map(read, members)) for members in ((ROOT, SUB), (ROOT, SUB, NAMESAKE)))
    names = [name_digest(read(one).subject) for one in (ROOT, SUB)]
    assert frozenset(names) == authorities.replace([root], ())
    assert frozenset() == authorities.replace([root], ())
    assert frozenset({names[1]}) == authorities.replace([both], ())
    assert frozenset() == authorities.replace([root], ())


def test_what_is_no_crl() -> None:
    """It has no issuer."""
    with pytest.raises(MalformedError):
        known(ROOT).for_crl(b"<html>")


def test_of_too_many_the_first_are_tried() -> None:
    """As many as an order may have."""
    name = name_digest(read(STRANGER).subject)
    learned = tuple(CrlSigner(name, bytes([number])) for number in range(MAX_ORDER_SIGNERS + 1))
    assert learned[:-1] == known(ROOT, learned=learned).for_name(name)


def the_only(authorities: Authorities, who: Authority) -> CrlSigner:
    """The one signer of its name that has its key."""
    certificate = read(who)
    (found,) = (
        one for one in authorities.for_name(name_digest(certificate.subject)) if CrlSigner.of(certificate) == one
    )
    return found


def digests(who: Sequence[Authority]) -> frozenset[bytes]:
    """What stands for their keys."""
    return frozenset({key_digest(read(one).public_key.spki) for one in who})


@pytest.mark.parametrize(
    ("who", "members", "path", "keys"),
    [
        (SUB, [ROOT, SUB], [SUB], [SUB, ROOT]),
        (BELOW, [ROOT, SUB, BELOW], [BELOW, SUB], [BELOW, SUB]),
        (FOR_CRLS, [ROOT, SUB, FOR_CRLS], [FOR_CRLS, SUB], [FOR_CRLS, SUB, ROOT]),
        (ROOT, [ROOT, SUB], [], [ROOT]),
        (SUB, [STRANGER, SUB], [SUB], [SUB]),
        (FORGED, [ROOT, FORGED], [FORGED], [FORGED]),
    ],
    ids=["below its root", "two below", "a key for CRLs", "a root", "no path", "a name is no path"],
)
def test_what_is_kept_of_one(
    who: Authority, members: list[Authority], path: list[Authority], keys: list[Authority]
) -> None:
    """Its certificate and those above but for the root, and the keys by which it is decided whether it may speak."""
    found = the_only(known(*members), who)
    assert (tuple(one.der for one in path), digests(keys)) == (found.path, found.authorities)


@pytest.mark.parametrize(("who", "path"), [(SUB, [SUB]), (BELOW, [BELOW, SUB])])
def test_an_anchor_that_is_no_root_is_kept(who: Authority, path: list[Authority]) -> None:
    """Another store may have whoever certified it."""
    store = build_trust_store("test", [read(SUB)], [read(BELOW)], AnchorRule.EVERY)
    authorities = Authorities()
    authorities.replace([store], ())
    found = the_only(authorities, who)
    assert (tuple(one.der for one in path), digests(path)) == (found.path, found.authorities)


def test_who_certified_an_anchor_may_be_in_another_store() -> None:
    """Its CRL is found by that key."""
    stores = [
        build_trust_store("a", [read(SUB)], [read(BELOW)], AnchorRule.EVERY),
        build_trust_store("b", [read(ROOT)]),
    ]
    authorities = Authorities()
    authorities.replace(stores, ())
    found, below = (the_only(authorities, who) for who in (SUB, BELOW))
    assert ((SUB.der,), digests([SUB, ROOT])) == (found.path, found.authorities)
    assert ((BELOW.der, SUB.der), digests([BELOW, SUB])) == (below.path, below.authorities)
    authorities.replace(stores[:1], ())
    assert digests([SUB]) == the_only(authorities, SUB).authorities


@pytest.mark.parametrize("reverse", [False, True])
def test_of_several_stores_all_that_is_known_counts(reverse: bool) -> None:
    """The path of one that has any, and the keys of all; what workers have told as well."""
    stores = [build_trust_store("test", map(read, members)) for members in ((SELF,), (ROOT, SUB))]
    authorities = Authorities()
    authorities.replace(reversed(stores) if reverse else stores, ())
    found = the_only(authorities, SUB)
    assert ((SUB.der,), digests([SUB, ROOT])) == (found.path, found.authorities)
    told = CrlSigner.of(read(SUB), (SUB.der,), frozenset({read(STRANGER).public_key.spki}))
    authorities.replace(stores[:1], (told,))
    found = the_only(authorities, SUB)
    assert ((SUB.der,), digests([SUB, STRANGER])) == (found.path, found.authorities)


def test_keys_of_signers_have_an_end() -> None:
    """What the stores say goes before what is learned."""
    many = frozenset(bytes([number]) * 32 for number in range(MAX_AUTHORITIES + 1))
    signer = CrlSigner.of(read(SUB))
    found = the_only(known(ROOT, SUB, learned=(replace(signer, authorities=many),)), SUB)
    assert (MAX_AUTHORITIES, True) == (len(found.authorities), digests([SUB, ROOT]) <= found.authorities)


def test_a_path_that_costs_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is kept by itself."""
    policy = Policy()
    monkeypatch.setattr(module, "_POLICY", replace(policy, limits=replace(policy.limits, signatures=1)))
    found = the_only(known(ROOT, SUB), SUB)
    assert ((SUB.der,), digests([SUB])) == (found.path, found.authorities)


def test_paths_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a store that has not changed: it may have thousands, and there is something new to be learned often."""
    authorities, store = Authorities(), build_trust_store("test", map(read, (ROOT, SUB)))
    authorities.replace([store], ())
    monkeypatch.setattr(module, "build_paths", None)
    learned = CrlSigner.of(read(STRANGER))
    assert frozenset({learned.name}) == authorities.replace([store], (learned,))
    assert (SUB.der,) == the_only(authorities, SUB).path
