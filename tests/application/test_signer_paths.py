"""What is kept of a CRL's signer, and how much of it."""

from typing import Final

from service.application.crl_fetcher import MAX_ORDER_PATH_OCTETS, key_digest
from service.application.gather import signers_of
from service.application.signer_paths import (
    MAX_OCTETS,
    MAX_PATH_CERTIFICATES,
    MAX_PATH_OCTETS,
    MAX_PATHS,
    certifiers,
    encoded,
    joined,
)
from service.core.model.certificate import Certificate
from service.core.model.evidence import CrlWanted, Reach
from service.core.model.signer_path import SignerPath
from tests.application.chain import ROOT, SUB, leaf, read
from tests.pki import NOW, Authority, Extension, days, der, key

RENEWED: Final = [SUB.reissue(serial=number) for number in range(1, 9)]
ONE: Final = (SUB.der,)


def large(octets: int, number: int = 1) -> Authority:
    """A certificate of a few hundred octets and so many more."""
    padding = Extension("1.3.6.1.4.1.55555.1", der.octet_string(bytes(octets)), critical=False)
    return ROOT.subordinate("Sub", key=key("p256", number), extensions=[padding])


def test_a_path_up_to_its_limits() -> None:
    """From the signer upwards, as many certificates and octets as there is room for."""
    path = [read(one) for one in RENEWED]
    whole = tuple(one.der for one in path)
    assert whole[:MAX_PATH_CERTIFICATES] == encoded(path)
    assert whole[:2] == encoded(path[:2])
    assert whole[:2] == encoded(path, len(whole[0]) + len(whole[1]))
    assert whole[:1] == encoded(path, len(whole[0]) + len(whole[1]) - 1)
    assert () == encoded([])
    assert () == encoded([read(large(MAX_PATH_OCTETS))], 2 * MAX_PATH_OCTETS)


def test_each_path_once() -> None:
    """What is kept stays, and what is new comes behind it."""
    more = (RENEWED[0].der, ROOT.der)
    assert (ONE,) == joined((), ONE, NOW)
    assert (ONE,) == joined((ONE,), ONE, NOW)
    assert (ONE, more) == joined((ONE,), more, NOW)
    assert (ONE,) == joined((ONE,), (), NOW)


def test_whoever_comes_later_puts_nobody_out() -> None:
    """Where there is no room for it, what is new is not kept."""
    kept = tuple((one.der,) for one in RENEWED[:MAX_PATHS])
    assert kept == joined(kept[:-1], kept[-1], NOW)
    assert kept == joined(kept, ONE, NOW)
    long = (large(MAX_OCTETS - len(SUB.der)).der,)
    assert (ONE,) == joined((ONE,), long, NOW)
    assert (ONE,) == joined((ONE,), (SUB.der,) * (MAX_PATH_CERTIFICATES + 1), NOW)


def test_what_has_expired_goes() -> None:
    """A signer's certificate that nobody can use any more makes room, and is not kept anew."""
    expiring = (SUB.reissue(not_after=NOW).der,)
    later = NOW + days(1)
    assert (expiring, ONE) == joined((expiring,), ONE, NOW)
    assert (ONE,) == joined((expiring,), ONE, later)
    assert (ONE,) == joined((ONE,), expiring, later)


def test_what_is_no_certificate_is_not_kept() -> None:
    """Neither what an order has, nor what a damaged record says."""
    assert (ONE,) == joined(((b"?",), ONE), (b"!",), NOW)


def wanted(*signers: Authority, paths: tuple[tuple[Certificate, ...], ...]) -> CrlWanted:
    """CRLs that these may have signed beside the issuer."""
    upwards = tuple(SignerPath(path, frozenset(one.public_key.spki for one in path)) for path in paths)
    return CrlWanted(leaf(), read(SUB), Reach.ORIGIN, tuple(map(read, signers)), paths=upwards)


def test_an_order_has_a_path_for_each_signer() -> None:
    """Its own; none for an anchor, and none at all where nobody has looked for paths."""
    other = ROOT.subordinate("Sub", key=key("p256", 1))
    asked = wanted(ROOT, other, paths=((read(SUB),), (), (read(other), read(RENEWED[0]))))
    assert [(SUB.der,), (), (other.der, RENEWED[0].der)] == [one.path for one in signers_of(asked)]
    assert [(), ()] == [one.path for one in signers_of(wanted(other, paths=()))]


def test_an_order_says_who_certified_the_signers() -> None:
    """By digests of their keys, however little of the path is kept; nobody, where nobody has looked for paths."""
    path = (read(SUB), *(read(one) for one in RENEWED))
    (signer,) = signers_of(wanted(paths=(path,)))
    assert {key_digest(one.public_key.spki) for one in path} == signer.authorities
    assert [frozenset()] == [one.authorities for one in signers_of(wanted(paths=()))]


def test_an_order_with_long_paths() -> None:
    """All keys are tried; of certificates it has what it has room for."""
    signers = [large(MAX_PATH_OCTETS - 1000, number) for number in range(1, 6)]
    asked = wanted(*signers, paths=((read(SUB),), *((read(one),) for one in signers)))
    paths = [one.path for one in signers_of(asked)]
    assert [*((one.der,) for one in (SUB, *signers[:4])), ()] == paths
    assert sum(len(der) for path in paths for der in path) <= MAX_ORDER_PATH_OCTETS


def test_by_whose_keys_it_is_decided() -> None:
    """Those that bear the name, up to the first that does not; whoever is above that one has certified many."""
    signer, above = SUB.subordinate("Sub", key=key("p256", 8)), Authority.root("Above", key=key("p256", 9))
    path = tuple(map(read, (signer, SUB, ROOT, above)))
    assert frozenset(one.public_key.spki for one in path[:3]) == certifiers(path)
    assert frozenset(one.public_key.spki for one in path[:1]) == certifiers(path[:1])
    assert frozenset() == certifiers(())
