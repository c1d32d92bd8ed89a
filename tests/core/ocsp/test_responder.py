"""Who may speak for an issuer: the issuer itself, or a delegate that it made for this purpose. Nobody else."""

from datetime import datetime, timedelta
from typing import Final, Literal

import pytest

from service.core.model.attempt import Problem
from service.core.model.budget import Budget, Limits
from service.core.model.policy import Policy
from service.core.ocsp.responder import Responder, authorize
from tests.core.ocsp.answers import DELEGATE, LEAF, ROOT, STRANGER, SUB, certificate, finding
from tests.pki import (
    NOT_AFTER,
    NOT_BEFORE,
    NOW,
    Authority,
    CertificateOverrides,
    Extension,
    OcspOverrides,
    der,
    key,
    names,
)

UNKNOWN_EXTENSION: Final = Extension("1.2.3.4", b"\x05\x00", critical=True)
SECOND: Final = timedelta(seconds=1)


def outcome(answer: bytes, issuer: Authority = SUB, at: datetime = NOW) -> Responder | Problem:
    """Whether the signer of an answer may speak for an issuer."""
    return authorize(finding(answer).response, certificate(issuer), Policy(), at, Budget(Limits()))


# --- the issuer itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"responder_id": "key"},
        {"responder_id": der.explicit(1, names.name("SUB"))},
        {"certificates": [SUB.issued]},
        {"certificates": [STRANGER.issued]},
    ],
    ids=["by name", "by key", "name in another spelling", "sends itself along", "sends a stranger along"],
)
def test_the_issuer_speaks_for_itself(overrides: OcspOverrides) -> None:
    """Named either way, whatever else it sends."""
    assert Responder(None) == outcome(SUB.ocsp(LEAF, **overrides))


@pytest.mark.parametrize("by", ["name", "key"])
@pytest.mark.parametrize(
    "spoilt", [{"corrupt_signature": True}, {"signing_key": STRANGER.key}], ids=["corrupt", "another key"]
)
def test_the_issuers_name_needs_the_issuers_signature(by: Literal["name", "key"], spoilt: OcspOverrides) -> None:
    """Claiming to be the issuer proves nothing."""
    assert Problem.BAD_SIGNATURE == outcome(SUB.ocsp(LEAF, **(spoilt | {"responder_id": by})))


@pytest.mark.parametrize(
    "responder_id",
    [der.explicit(1, names.name("Somebody")), der.explicit(2, der.octet_string(bytes(20)))],
    ids=["name", "key"],
)
def test_the_issuers_signature_needs_the_issuers_name(responder_id: bytes) -> None:
    """A response that says somebody else signed it is nobody's."""
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder_id=responder_id))


def test_a_stranger_speaks_for_nobody_here() -> None:
    """A right signature of a wrong authority."""
    answer = STRANGER.ocsp(LEAF, cert_id_issuer=SUB.issued, certificates=[STRANGER.issued])
    assert Problem.UNAUTHORIZED_SIGNER == outcome(answer)


# --- delegates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["name", "key"])
def test_a_delegate_speaks_for_its_issuer(by: Literal["name", "key"]) -> None:
    """Named either way."""
    assert Responder(certificate(DELEGATE)) == outcome(SUB.ocsp(LEAF, responder=DELEGATE, responder_id=by))


@pytest.mark.parametrize(
    "overrides",
    [
        {"extended_key_usage": ("clientAuth", "OCSPSigning")},
        {"key_usage": None},
        {"key_usage": {"contentCommitment"}},
        {"key_usage": {"digitalSignature", "keyEncipherment"}},
        {"no_check": False},
        {"issuer_name": "SUB"},
        {"extensions": [Extension("1.2.3.4", b"\x05\x00")]},
    ],
    ids=["two purposes", "no keyUsage", "contentCommitment", "two usages", "no nocheck", "spelling", "not critical"],
)
def test_what_a_delegate_may_look_like(overrides: CertificateOverrides) -> None:
    """Each of these is allowed; its own revocation is asked about elsewhere."""
    delegate = SUB.ocsp_responder("OCSP", **overrides)
    assert Responder(certificate(delegate)) == outcome(SUB.ocsp(LEAF, responder=delegate))


@pytest.mark.parametrize(
    "overrides",
    [
        {"extended_key_usage": None},
        {"extended_key_usage": "anyExtendedKeyUsage"},
        {"extended_key_usage": "clientAuth"},
        {"key_usage": {"keyEncipherment"}},
        {"key_usage": {"keyCertSign", "cRLSign"}},
        {"extensions": [UNKNOWN_EXTENSION]},
        {"corrupt_signature": True},
        {"signing_key": STRANGER.key},
        {"issuer_name": "Somebody"},
    ],
    ids=[
        *("no EKU", "any purpose alone", "another purpose", "cannot sign", "CA usages", "unknown critical"),
        *("corrupt", "not signed by the issuer", "another issuer's name"),
    ],
)
def test_what_a_delegate_may_not_look_like(overrides: CertificateOverrides) -> None:
    """Each of these alone takes the authority away (RFC 6960 section 4.2.2.2)."""
    delegate = SUB.ocsp_responder("OCSP", **overrides)
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder=delegate))


@pytest.mark.parametrize(
    "authority",
    [
        *(ROOT, STRANGER, Authority.root("Sub", key=key("p256", 7))),
        *(SUB.subordinate("Below"), ROOT.subordinate("Sister", key=SUB.key)),
    ],
    ids=[
        "the issuer's issuer",
        "a stranger",
        "a namesake of the issuer",
        "a subordinate of the issuer",
        "the issuer's key",
    ],
)
def test_the_delegate_of_another_authority_speaks_for_nobody_here(authority: Authority) -> None:
    """Only this very issuer delegates, not even the one above it."""
    delegate = authority.ocsp_responder("OCSP")
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder=delegate))


def test_a_new_key_of_the_issuer_does_not_speak_for_the_old_one() -> None:
    """After a key rollover the certificates of the old key are answered for with the old key (RFC 6960 §4.2.2.2).

    Neither the new key itself, with its certificate sent along, nor a delegate that it certified counts.
    """
    rolled = SUB.reissue(key=key("p256", 7))
    direct = rolled.ocsp(LEAF, cert_id_issuer=SUB.issued, certificates=[rolled.issued])
    delegated = SUB.ocsp(LEAF, responder=rolled.ocsp_responder("OCSP"))
    assert [Problem.UNAUTHORIZED_SIGNER] * 2 == [outcome(direct), outcome(delegated)]


def test_a_renewed_issuer_with_the_same_key_speaks() -> None:
    """Another certificate, the same authority and key; so do the delegates of both."""
    renewed = SUB.reissue(serial=5)
    assert Responder(None) == outcome(renewed.ocsp(LEAF))
    assert Responder(None) == outcome(SUB.ocsp(LEAF), renewed)
    assert Responder(certificate(DELEGATE)) == outcome(SUB.ocsp(LEAF, responder=DELEGATE), renewed)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOT_BEFORE - SECOND, Problem.UNAUTHORIZED_SIGNER),
        (NOT_BEFORE, Responder(certificate(DELEGATE))),
        (NOT_AFTER, Responder(certificate(DELEGATE))),
        (NOT_AFTER + SECOND, Problem.UNAUTHORIZED_SIGNER),
    ],
    ids=["a second too early", "first moment", "last moment", "a second too late"],
)
def test_a_delegate_speaks_while_it_is_valid(at: datetime, expected: Responder | Problem) -> None:
    """Both ends of its validity are inclusive."""
    assert expected == outcome(SUB.ocsp(LEAF, responder=DELEGATE), at=at)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, Problem.UNAUTHORIZED_SIGNER),
        ({"responder_id": der.explicit(1, SUB.subject)}, Problem.BAD_SIGNATURE),
    ],
    ids=["names the delegate", "names the issuer"],
)
def test_a_delegate_that_is_not_sent_along_is_unknown(overrides: OcspOverrides, expected: Problem) -> None:
    """A response is judged by what it brings."""
    assert expected == outcome(SUB.ocsp(LEAF, **(overrides | {"responder": DELEGATE, "certificates": []})))


def test_a_delegate_that_the_response_does_not_name_did_not_sign() -> None:
    """The identifier must mean the certificate, even where the signature is its own."""
    somebody = der.explicit(1, names.name("Somebody"))
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder=DELEGATE, responder_id=somebody))


@pytest.mark.parametrize(
    "spoilt", [{"corrupt_signature": True}, {"signing_key": STRANGER.key}], ids=["corrupt", "another key"]
)
def test_a_delegates_name_needs_the_delegates_signature(spoilt: OcspOverrides) -> None:
    """Sending somebody's certificate along proves nothing."""
    assert Problem.BAD_SIGNATURE == outcome(SUB.ocsp(LEAF, **(spoilt | {"responder": DELEGATE})))


def test_a_malformed_certificate_beside_the_delegate_is_ignored() -> None:
    """Whatever comes along costs the response nothing."""
    answer = SUB.ocsp(LEAF, responder=DELEGATE, certificates=[der.seq(), b"\x04\x01\x00", DELEGATE])
    assert Responder(certificate(DELEGATE)) == outcome(answer)


def test_every_certificate_of_the_right_name_is_tried() -> None:
    """A rolled-over delegate's old and unauthorized certificates stand before the one that signed."""
    old = SUB.ocsp_responder("OCSP", key=key("p256", 7))
    unauthorized = SUB.issue("OCSP")
    answer = SUB.ocsp(LEAF, responder=DELEGATE, certificates=[old, unauthorized, DELEGATE])
    assert Responder(certificate(DELEGATE)) == outcome(answer)


def test_a_delegate_may_bear_its_issuers_name() -> None:
    """A response in the issuer's name under another signature is still the delegate's."""
    namesake = SUB.ocsp_responder("Sub", key=key("p256", 7))
    assert Responder(certificate(namesake)) == outcome(SUB.ocsp(LEAF, responder=namesake))


def test_bearing_the_issuers_name_is_not_enough() -> None:
    """A client that the issuer certified under its own name is no delegate."""
    impostor = SUB.issue("Sub", key=key("p256", 7))
    assert Problem.UNAUTHORIZED_SIGNER == outcome(SUB.ocsp(LEAF, responder=impostor))
