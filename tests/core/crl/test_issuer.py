"""May a CRL speak for certificates of an issuer (RFC 5280 §6.3.3 (b)(1), (f), (g))?"""

from collections.abc import Set as AbstractSet
from typing import Final

import pytest

from service.core.crl.issuer import check_issuer
from service.core.model.attempt import Problem
from service.core.model.policy import Policy, WeakAlgorithm
from tests.core.crl.findings import DEFAULT, ROOT, STRANGER, SUB, look_up, read
from tests.pki import Authority, CrlOverrides, key
from tests.pki.extensions import KeyUsage

RSA_SUB: Final = ROOT.subordinate("Sub", key=key("rsa2048"))


def problem(crl: bytes, issuer: Authority = SUB, *tried: Authority, policy: Policy = DEFAULT) -> Problem | None:
    """Why a CRL may not speak for an issuer, its signature having been tried under the keys of these."""
    return check_issuer(look_up(crl, tried=tried or (issuer,)), read(issuer), policy)


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
    """A CRL under the key of a namesake is not the issuer's, although it verifies under a key that the host knows."""
    namesake = STRANGER.subordinate("Sub", key=key("p384"))
    assert look_up(namesake.crl(), tried=(namesake,)).signer_spki is not None
    assert problem(namesake.crl(), SUB, SUB, namesake) is Problem.BAD_SIGNATURE


def test_a_key_that_was_not_tried() -> None:
    """A fact that nobody established is no fact."""
    assert problem(SUB.crl(), SUB, STRANGER) is Problem.BAD_SIGNATURE


# --- RFC 5280 §6.3.3 (f), RFC 10007: the right -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({"cRLSign"}, None),
        ({"keyCertSign", "cRLSign"}, None),
        ({"keyCertSign"}, Problem.UNAUTHORIZED_SIGNER),
        ({"keyCertSign", "digitalSignature"}, Problem.UNAUTHORIZED_SIGNER),
        (set(), Problem.UNAUTHORIZED_SIGNER),
    ],
)
def test_who_may_sign_crls(usage: AbstractSet[KeyUsage] | None, expected: Problem | None) -> None:
    """Where keyUsage is there, it must have cRLSign."""
    issuer = ROOT.subordinate("Sub", key_usage=usage)
    assert expected is problem(issuer.crl(), issuer)


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
    """Whose CRL it is, then whether it is genuine, then whether its signer may, then how it was signed."""
    issuer = ROOT.subordinate("Sub", key=key("rsa2048"), key_usage=frozenset({"keyCertSign"}))
    foreign = issuer.crl(signature_hash="sha1", corrupt_signature=True, issuer_name="Other")
    assert problem(foreign, issuer) is Problem.WRONG_ISSUER
    assert problem(issuer.crl(signature_hash="sha1", corrupt_signature=True), issuer) is Problem.BAD_SIGNATURE
    assert problem(issuer.crl(signature_hash="sha1"), issuer) is Problem.UNAUTHORIZED_SIGNER
