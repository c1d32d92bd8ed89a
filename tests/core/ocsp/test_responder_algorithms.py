"""Signatures of responses and delegates: what verifies, what is weak unless accepted by name, and what it costs."""

from typing import Final

import pytest

from service.core.model.attempt import Problem
from service.core.model.budget import Budget, BudgetExhaustedError, Limits
from service.core.model.policy import Policy, WeakAlgorithm
from service.core.ocsp.responder import Responder, authorize
from tests.core.ocsp.answers import DELEGATE, LEAF, STRANGER, SUB, certificate, finding
from tests.pki import Authority, CertificateOverrides, Issued, OcspOverrides, der, key, public_key
from tests.pki.keys import KeyKind
from tests.pki.signing import HashName

RSA: Final = Authority.root("RSA", key=key("rsa2048"))
"""Weak digests exist for RSA keys only, MD5 at least."""

FOREIGN_ALGORITHM: Final = der.seq(der.oid("1.2.3.4"))


def accepting(*weak: WeakAlgorithm) -> Policy:
    """A policy that accepts weak algorithms by name."""
    return Policy(weak_algorithms=frozenset(weak))


def outcome(answer: bytes, issuer: Authority = SUB, policy: Policy | None = None) -> Responder | Problem:
    """Whether the signer of an answer may speak for an issuer."""
    from_issuer = certificate(issuer)
    return authorize(
        finding(answer).response, from_issuer, policy or Policy(), from_issuer.not_before, Budget(Limits())
    )


# --- every algorithm -------------------------------------------------------------------------------------------------

KINDS: Final[tuple[KeyKind, ...]] = (
    *("rsa2048", "p224", "p256", "p384", "p521"),
    *("ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_issuer_signs_with_any_key(kind: KeyKind) -> None:
    """Each kind of key that certificates have."""
    issuer = Authority.root("Issuer", key=key(kind))
    assert Responder(None) == outcome(issuer.ocsp(LEAF), issuer)


@pytest.mark.parametrize("kind", KINDS)
def test_a_delegate_signs_with_any_key(kind: KeyKind) -> None:
    """The delegate's kind of key need not be its issuer's."""
    delegate = SUB.ocsp_responder("OCSP", key=key(kind))
    assert Responder(certificate(delegate)) == outcome(SUB.ocsp(LEAF, responder=delegate))


@pytest.mark.parametrize("salt_length", [20, 32])
def test_rsa_pss(salt_length: int) -> None:
    """The other padding of RSA."""
    answer = RSA.ocsp(LEAF, pss_salt_length=salt_length)
    assert Responder(None) == outcome(answer, RSA)


@pytest.mark.parametrize("kind", KINDS)
def test_a_corrupt_signature_of_any_kind_is_refused(kind: KeyKind) -> None:
    """Nothing verifies by being new."""
    issuer = Authority.root("Issuer", key=key(kind))
    assert Problem.BAD_SIGNATURE == outcome(issuer.ocsp(LEAF, corrupt_signature=True), issuer)


@pytest.mark.parametrize("responder", [None, DELEGATE], ids=["issuer", "delegate"])
def test_an_algorithm_that_nobody_knows_verifies_nothing(responder: Issued | None) -> None:
    """Not to be able to tell is not to be told."""
    answer = SUB.ocsp(LEAF, responder=responder, outer_algorithm=FOREIGN_ALGORITHM)
    assert Problem.BAD_SIGNATURE == outcome(answer)


# --- weak unless accepted by name ------------------------------------------------------------------------------------

WEAK_DIGESTS: Final[list[tuple[HashName, WeakAlgorithm]]] = [("sha1", WeakAlgorithm.SHA1), ("md5", WeakAlgorithm.MD5)]


@pytest.mark.parametrize(("digest", "weak"), WEAK_DIGESTS)
def test_a_weak_digest_is_refused_unless_accepted(digest: HashName, weak: WeakAlgorithm) -> None:
    """The signature of the response itself."""
    answer = RSA.ocsp(LEAF, signature_hash=digest)
    others = accepting(*(set(WeakAlgorithm) - {weak}))
    results = [outcome(answer, RSA, policy) for policy in (Policy(), others, accepting(weak))]
    assert [Problem.WEAK_ALGORITHM, Problem.WEAK_ALGORITHM, Responder(None)] == results


def test_a_weak_digest_inside_pss_is_refused_too() -> None:
    """The digest is what counts, not the padding."""
    answer = RSA.ocsp(LEAF, signature_hash="sha1", pss_salt_length=20)
    assert [Problem.WEAK_ALGORITHM, Responder(None)] == [
        outcome(answer, RSA, policy) for policy in (Policy(), accepting(WeakAlgorithm.SHA1))
    ]


def test_the_hash_of_the_cert_id_is_no_weakness() -> None:
    """SHA-1 there names a certificate and signs nothing."""
    assert Responder(None) == outcome(SUB.ocsp(LEAF, cert_id_hash="sha1"))


@pytest.mark.parametrize(
    ("overrides", "weak"),
    [
        ({"signature_hash": "sha1"}, WeakAlgorithm.SHA1),
        ({"key": key("rsa1024")}, WeakAlgorithm.RSA_1024),
        ({"key": key("rsa512")}, WeakAlgorithm.RSA_512),
        ({"key": key("p192")}, WeakAlgorithm.P192),
        ({"key": key("dsa2048")}, WeakAlgorithm.DSA),
    ],
    ids=["signed with SHA-1", "RSA-1024", "RSA-512", "P-192", "DSA"],
)
def test_a_weak_delegate_is_refused_unless_accepted(overrides: CertificateOverrides, weak: WeakAlgorithm) -> None:
    """What is too weak for a member of the path is too weak for its responder."""
    delegate = SUB.ocsp_responder("OCSP", **overrides)
    answer = SUB.ocsp(LEAF, responder=delegate)
    others = accepting(*(set(WeakAlgorithm) - {weak}))
    results = [outcome(answer, policy=policy) for policy in (Policy(), others, accepting(weak))]
    assert [Problem.WEAK_ALGORITHM, Problem.WEAK_ALGORITHM, Responder(certificate(delegate))] == results


def test_a_delegates_key_that_is_too_long_is_not_worked_with() -> None:
    """Nobody makes us verify under RSA-16384."""
    delegate = SUB.ocsp_responder("OCSP", public_key=public_key("rsa16384"))
    assert Problem.WEAK_ALGORITHM == outcome(SUB.ocsp(LEAF, responder=delegate))


# --- what it costs ---------------------------------------------------------------------------------------------------

NAMESAKE: Final = SUB.ocsp_responder("Sub", key=key("p256", 7))
NO_PURPOSE: Final = SUB.issue("OCSP")
MUTE: Final = SUB.ocsp_responder("OCSP", key_usage={"keyEncipherment"})
OTHER_ISSUER: Final = STRANGER.ocsp_responder("OCSP")
OLD: Final = SUB.ocsp_responder("OCSP", key=key("p256", 7))


@pytest.mark.parametrize(
    ("overrides", "signatures"),
    [
        ({}, 1),
        ({"responder": DELEGATE}, 2),
        ({"responder": NAMESAKE}, 3),
        ({"responder": DELEGATE, "certificates": [OLD, DELEGATE]}, 4),
        ({"responder": DELEGATE, "certificates": [NO_PURPOSE, MUTE, OTHER_ISSUER, b"\x30\x00", LEAF, DELEGATE]}, 2),
        ({"certificates": [DELEGATE]}, 1),
        ({"responder": DELEGATE, "certificates": []}, 0),
    ],
    ids=["direct", "delegate", "namesake", "two delegates", "others cost nothing", "not needed", "nobody"],
)
def test_every_signature_is_paid_for(overrides: OcspOverrides, signatures: int) -> None:
    """What is verified is counted, and what is refused before costs nothing."""
    response = finding(SUB.ocsp(LEAF, **overrides)).response
    issuer = certificate(SUB)
    enough = Budget(Limits(signatures=signatures))
    authorize(response, issuer, Policy(), issuer.not_before, enough)
    with pytest.raises(BudgetExhaustedError):
        enough.spend_signature()


@pytest.mark.parametrize("signatures", [0, 1, 2])
def test_a_spent_budget_ends_it(signatures: int) -> None:
    """Whichever of the three signatures of a delegate in its issuer's name is one too many."""
    response = finding(SUB.ocsp(LEAF, responder=NAMESAKE)).response
    issuer = certificate(SUB)
    with pytest.raises(BudgetExhaustedError) as caught:
        authorize(response, issuer, Policy(), issuer.not_before, Budget(Limits(signatures=signatures)))
    assert ("signatures", signatures) == (caught.value.resource, caught.value.limit)


def test_a_weak_response_costs_nothing() -> None:
    """The digest is looked at before any signature."""
    response = finding(RSA.ocsp(LEAF, signature_hash="md5")).response
    issuer = certificate(RSA)
    assert Problem.WEAK_ALGORITHM == authorize(
        response, issuer, Policy(), issuer.not_before, Budget(Limits(signatures=0))
    )
