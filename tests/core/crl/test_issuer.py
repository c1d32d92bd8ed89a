"""May a CRL speak for certificates of an issuer (RFC 5280 §6.3.3 (b)(1), (f), (g))?"""

from collections.abc import Set as AbstractSet
from typing import Final

import pytest

from service.core.crl.issuer import (
    MAX_SIGNERS,
    candidate_signers,
    check_issuer,
    is_issuers_own,
    is_signer,
    may_sign_crls,
)
from service.core.model.attempt import Problem
from service.core.model.certificate import Certificate
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.path.trust_store import build_trust_store, with_intermediates
from tests.core.crl.findings import DEFAULT, ROOT, STRANGER, SUB, look_up, read
from tests.pki import Authority, CrlOverrides, DistributionPoint, key
from tests.pki.extensions import KeyUsage

RSA_SUB: Final = ROOT.subordinate("Sub", key=key("rsa2048"))


def about(issuer: Authority) -> Certificate:
    """A certificate that an authority issued."""
    return read(issuer.issue("leaf"))


def problem(crl: bytes, issuer: Authority = SUB, *tried: Authority, policy: Policy = DEFAULT) -> Problem | None:
    """Why a CRL cannot speak for an issuer, its signature having been tried under the keys of these."""
    return check_issuer(look_up(crl, tried=tried or (issuer,)), about(issuer), policy)


def test_the_issuers_own_crl() -> None:
    """Its name, its key, and the right to sign CRLs."""
    assert problem(SUB.crl()) is None


# --- RFC 5280 §6.3.3 (b)(1): the name --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SUB", "sub"])
def test_the_name_in_another_spelling(name: str) -> None:
    """The issuer's name is compared as a name."""
    assert problem(SUB.crl(issuer_name=name)) is None


def test_another_name_under_the_same_key() -> None:
    """A CRL that names somebody else as its issuer is somebody else's, whatever key signed it."""
    assert problem(SUB.crl(issuer_name="Other")) is Problem.WRONG_ISSUER


def test_another_authority() -> None:
    """The CRL of another authority, validly signed with its key, says nothing here."""
    assert problem(STRANGER.crl(), SUB, STRANGER) is Problem.WRONG_ISSUER


# --- RFC 5280 §6.3.3 (g): the key ------------------------------------------------------------------------------------


def test_a_forged_crl() -> None:
    """A signature that verifies under no key."""
    assert problem(SUB.crl(corrupt_signature=True)) is Problem.BAD_SIGNATURE


def test_another_key_under_the_same_name() -> None:
    """A CRL under the key of a namesake is not the issuer's own, although it verifies under a key that is known."""
    namesake = STRANGER.subordinate("Sub", key=key("p384"))
    found = look_up(namesake.crl(), tried=(SUB, namesake))
    assert not is_issuers_own(found, read(SUB))
    assert is_issuers_own(look_up(SUB.crl(), tried=(SUB, namesake)), read(SUB))
    assert is_issuers_own(found, read(namesake))


def test_another_name_under_the_issuers_key() -> None:
    """A key with two names signs for the name that the CRL bears."""
    twin = ROOT.subordinate("Twin", key=SUB.key)
    assert not is_issuers_own(look_up(twin.crl(), tried=(twin,)), read(SUB))


def test_a_key_that_was_not_tried() -> None:
    """A fact that nobody established is no fact."""
    assert problem(SUB.crl(), SUB, STRANGER) is Problem.BAD_SIGNATURE


# --- RFC 5280 §6.3.3 (f), RFC 10007: the right -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, True),
        ({"cRLSign"}, True),
        ({"keyCertSign", "cRLSign"}, True),
        ({"keyCertSign"}, False),
        ({"keyCertSign", "digitalSignature"}, False),
    ],
)
def test_who_may_sign_crls(usage: AbstractSet[KeyUsage] | None, expected: bool) -> None:
    """Where keyUsage is there, it must have cRLSign."""
    assert expected is may_sign_crls(read(ROOT.subordinate("Sub", key_usage=usage)))


def test_an_issuer_of_version_1() -> None:
    """An anchor that cannot say what its key is for may sign CRLs."""
    old = Authority.root("Old", version=1)
    assert problem(old.crl(), old) is None


# --- algorithms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "weak"),
    [
        (CrlOverrides(signature_hash="sha1"), WeakAlgorithm.SHA1),
        (CrlOverrides(signature_hash="sha1", pss_salt_length=20), WeakAlgorithm.SHA1),
        (CrlOverrides(signature_hash="md5"), WeakAlgorithm.MD5),
    ],
)
def test_weak_digests(overrides: CrlOverrides, weak: WeakAlgorithm) -> None:
    """A weak digest is accepted by its name, and by no other."""
    crl = RSA_SUB.crl(**overrides)
    others = Policy(weak_algorithms=frozenset(WeakAlgorithm) - {weak})
    assert problem(crl, RSA_SUB) is Problem.WEAK_ALGORITHM
    assert problem(crl, RSA_SUB, policy=others) is Problem.WEAK_ALGORITHM
    assert problem(crl, RSA_SUB, policy=Policy(weak_algorithms=frozenset({weak}))) is None


def test_what_is_reported_first() -> None:
    """Whose CRL it is, then whether it is genuine, then how it was signed."""
    issuer = RSA_SUB
    foreign = issuer.crl(signature_hash="sha1", corrupt_signature=True, issuer_name="Other")
    assert problem(foreign, issuer) is Problem.WRONG_ISSUER
    assert problem(issuer.crl(signature_hash="sha1", corrupt_signature=True), issuer) is Problem.BAD_SIGNATURE
    assert problem(issuer.crl(signature_hash="sha1"), issuer) is Problem.WEAK_ALGORITHM


# --- who else may have signed ----------------------------------------------------------------------------------------


def candidates(certificate: Certificate, *members: Authority) -> list[str]:
    """Whose keys are tried besides the issuer's, out of a trust store."""
    store = build_trust_store("test", map(read, members))
    return [one.fingerprint.hex() for one in candidate_signers(certificate, read(SUB), store)]


def test_other_keys_of_the_issuer() -> None:
    """Each other key of its name that may sign CRLs is a candidate, once; its own key is always tried."""
    renewed = ROOT.subordinate("Sub", key=key("p256", 1))
    again = renewed.reissue()
    mute = ROOT.subordinate("Sub", key=key("p256", 2), key_usage=frozenset({"keyCertSign"}))
    stranger = ROOT.subordinate("Other", key=key("p256", 3))
    found = candidates(about(SUB), ROOT, SUB, SUB.reissue(), renewed, again, mute, stranger)
    assert [min(read(renewed).fingerprint.hex(), read(again).fingerprint.hex())] == found


def test_the_issuers_that_distribution_points_name() -> None:
    """Whoever cRLIssuer names may have signed."""
    other = ROOT.subordinate("Other")
    assert [] == candidates(about(SUB), ROOT, SUB, other)
    certificate = read(SUB.issue("leaf", crl_urls=[DistributionPoint(crl_issuer="Other")]))
    assert [read(other).fingerprint.hex()] == candidates(certificate, ROOT, SUB, other)


def test_a_crl_issuer_with_the_issuers_key() -> None:
    """A key with two names signs for both."""
    twin = ROOT.subordinate("Other", key=SUB.key)
    certificate = read(SUB.issue("leaf", crl_urls=[DistributionPoint(crl_issuer="Other")]))
    assert [read(twin).fingerprint.hex()] == candidates(certificate, ROOT, SUB, twin)


def test_nobody_is_crowded_out() -> None:
    """However many keys a request brings along, those of the trust store are tried."""
    renewed = ROOT.subordinate("Sub", key=key("p256", 1))
    crowd = [read(STRANGER.subordinate("Sub", key=key("p256", 100 + number))) for number in range(2 * MAX_SIGNERS)]
    store = with_intermediates(build_trust_store("test", map(read, (ROOT, SUB, renewed))), crowd)
    found = candidate_signers(about(SUB), read(SUB), store)
    assert read(renewed) == found[0]
    assert 16 == len(found)


SILENT: Final = ROOT.subordinate("Sub", key_usage=None)
"""An issuer that is no anchor and does not say what its key is for."""
SILENT_ANCHOR: Final = Authority.root("Silent", key_usage=None)


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (SILENT, True),
        (ROOT.subordinate("SUB", key=SILENT.key, serial=5, key_usage=None), True),
        (ROOT.subordinate("Sub", key=key("p256", 1), key_usage=None), False),
        (ROOT.subordinate("Sub", key=key("p256", 1)), True),
        (ROOT.subordinate("Other", key=SILENT.key, key_usage=None), False),
        (ROOT.subordinate("Other", key=SILENT.key), True),
        (ROOT.subordinate("Sub", key=SILENT.key, key_usage={"keyCertSign"}), False),
        (SILENT_ANCHOR, True),
        (ROOT, True),
        (STRANGER.subordinate("Silent", key_usage=None), False),
    ],
    ids=[
        *("the issuer", "the issuer renewed", "a new key", "a new key that may", "another name", "another that may"),
        *("the issuer that may not", "an anchor", "an anchor that may", "a stranger"),
    ],
)
def test_who_needs_to_say_that_it_signs_crls(candidate: Authority, expected: bool) -> None:
    """The issuer itself, by name and key, and an anchor need not; everybody else has to."""
    store = build_trust_store("test", map(read, (ROOT, SILENT_ANCHOR)))
    assert expected is is_signer(read(candidate), read(SILENT), store)
