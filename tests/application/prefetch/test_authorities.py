"""Who may have signed a CRL of the operator's places: everybody known by that name whose key may."""

import pytest

from service.application.crl_fetcher import MAX_ORDER_SIGNERS, CrlSigner, name_digest
from service.application.prefetch.authorities import Authorities
from service.core.model.malformed import MalformedError
from service.core.path.trust_store import build_trust_store
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB, read
from tests.pki import Authority, Issued


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
