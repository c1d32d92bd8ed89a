"""What RFC 5280 forbids a certificate to be, and what it demands and nobody needs: each refused or accepted by name."""

from collections.abc import Mapping, Sequence
from typing import Final

import pytest

from service.core.model.failure import Irregular, NotACertificateAuthority
from service.core.path.irregular import check_end_entity, check_regular
from tests.core.names.trees import naming
from tests.core.path.chains import failure, read
from tests.pki import Authority, CertificateOverrides, Extension, der, key, oids
from tests.pki.keys import KeyKind

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")

FRESHEST: Final = "http://crl.example/delta"
INFORMATION: Final = "1.3.6.1.5.5.7.1.11"
PATH_LENGTH_ALONE: Final = Extension(oids.BASIC_CONSTRAINTS, der.seq(der.integer(0)), critical=True)


def fault(**overrides: object) -> str | None:
    """What is wrong with a leaf that has these for its fields."""
    found = check_regular(read(SUB.issue(**{"subject": "leaf", **overrides})))  # type: ignore[arg-type] # a test's fields
    return None if found is None else found.fault


# --- names -----------------------------------------------------------------------------------------------------------


def test_an_ordinary_certificate() -> None:
    """It is nothing that it must not be."""
    assert [None] * 3 == [check_regular(read(one)) for one in (ROOT, SUB, SUB.issue("leaf"))]


def test_an_empty_issuer() -> None:
    """Somebody issued it (§4.1.2.4)."""
    assert "an empty issuer name (RFC 5280 §4.1.2.4)" == fault(issuer_name=der.seq())


@pytest.mark.parametrize(
    ("overrides", "is_refused"),
    [
        ({"san": "DNS:a.example", "criticality": {oids.SUBJECT_ALT_NAME: True}}, False),
        ({"san": "DNS:a.example"}, True),
        ({}, True),
    ],
    ids=["critical", "not critical", "no subjectAltName"],
)
def test_an_empty_subject(overrides: Mapping[str, object], is_refused: bool) -> None:
    """Then a critical subjectAltName says who it is (§4.1.2.6, §4.2.1.6)."""
    expected = "an empty subject without a critical subjectAltName (RFC 5280 §4.1.2.6)" if is_refused else None
    assert expected == fault(subject="", **overrides)


@pytest.mark.parametrize("overrides", [{}, {"san": "DNS:a.example", "criticality": {oids.SUBJECT_ALT_NAME: True}}])
def test_an_authority_without_a_name(overrides: CertificateOverrides) -> None:
    """A CA has one, whatever else names it (§4.1.2.6); an anchor is asked too."""
    nameless = ROOT.subordinate("", **overrides)
    expected = "an empty subject, though it is a CA's (RFC 5280 §4.1.2.6)"
    assert Irregular(read(nameless), expected) == failure(nameless.issue("leaf", issuer_name="Sub"), nameless, ROOT)
    root = Authority.root("")
    assert Irregular(read(root), "an empty issuer name (RFC 5280 §4.1.2.4)") == failure(SUB, root)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DNS:*.a.example", None),
        ("DNS:a_b.example", None),
        ("DNS:www.*.example", "a dNSName that is no DNS name (RFC 5280 §4.2.1.6)"),
        ("email:a b@a.example", "an rfc822Name that is no mail address (RFC 5280 §4.2.1.6)"),
        ("URI:http://a.example/a b", "a uniformResourceIdentifier that is no URI (RFC 5280 §4.2.1.6)"),
        ("hex:7:00", None),
    ],
)
def test_alternative_names(name: str, expected: str | None) -> None:
    """None that cannot be what it says, in whichever place of the list, critical or not (§4.2.1.6)."""
    assert expected == fault(extensions=[naming("DNS:a.example", name, "DNS:b.example")])


def test_a_list_of_no_names() -> None:
    """A subjectAltName has one at least (§4.2.1.6), whether or not there is a subject besides."""
    expected = "a subjectAltName without a name (RFC 5280 §4.2.1.6)"
    assert [expected, None] == [fault(san=()), fault(san="DNS:a.example")]
    assert expected == fault(subject="", san=(), criticality={oids.SUBJECT_ALT_NAME: True})
    root, sub = Authority.root("Root", san=()), ROOT.subordinate("Sub", san=())
    assert Irregular(read(root), expected) == failure(SUB, root)
    assert Irregular(read(sub), expected) == failure(sub.issue("leaf"), sub, ROOT)


def test_alternative_names_of_everybody() -> None:
    """An anchor and an intermediate are asked like a leaf."""
    expected = "a dNSName that is no DNS name (RFC 5280 §4.2.1.6)"
    bad = [naming("DNS:a..example")]
    root = Authority.root("Root", extensions=bad)
    assert Irregular(read(root), expected) == failure(SUB, root)
    sub = ROOT.subordinate("Sub", extensions=bad)
    assert Irregular(read(sub), expected) == failure(sub.issue("leaf"), sub, ROOT)


# --- criticality -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identifier", "overrides", "name"),
    [
        (oids.AUTHORITY_KEY_IDENTIFIER, {}, "authorityKeyIdentifier"),
        (oids.SUBJECT_KEY_IDENTIFIER, {}, "subjectKeyIdentifier"),
        (oids.AUTHORITY_INFO_ACCESS, {"ca_issuers": "http://a/"}, "authorityInfoAccess"),
        (oids.FRESHEST_CRL, {"freshest_crl_urls": FRESHEST}, "freshestCRL"),
        (oids.NO_REV_AVAIL, {"no_rev_avail": True}, "noRevAvail"),
        (INFORMATION, {"extensions": [Extension(INFORMATION, der.seq())]}, "subjectInfoAccess"),
    ],
)
def test_never_critical(identifier: str, overrides: Mapping[str, object], name: str) -> None:
    """What is there to help is never critical (§4.2.1.1, §4.2.1.2, §4.2.1.15, §4.2.2, RFC 9608 §2)."""
    assert fault(**overrides) is None
    found = fault(**overrides, criticality={identifier: True})
    assert found is not None
    assert found.startswith(f"a critical {name} (RFC ")


@pytest.mark.parametrize("identifier", [oids.BASIC_CONSTRAINTS, oids.KEY_USAGE])
@pytest.mark.parametrize("critical", [True, False])
def test_critical_or_not(identifier: str, critical: bool) -> None:
    """What constrains counts as it stands: a CA shall mark it critical, and many do not."""
    sub = ROOT.subordinate("Sub", criticality={identifier: critical})
    assert failure(SUB.issue("leaf"), sub, ROOT) is None


@pytest.mark.parametrize("purposes", [["clientAuth"], ["clientAuth", "anyExtendedKeyUsage"], ["anyExtendedKeyUsage"]])
def test_a_critical_extended_key_usage(purposes: Sequence[str]) -> None:
    """It may be critical with anyExtendedKeyUsage in it (§4.2.1.12: SHOULD NOT)."""
    leaf = SUB.issue("leaf", extended_key_usage=purposes, criticality={oids.EXTENDED_KEY_USAGE: True})
    assert failure(leaf, SUB, ROOT) is None


# --- keyUsage, basicConstraints --------------------------------------------------------------------------------------


def test_a_key_for_nothing() -> None:
    """A keyUsage has at least one bit (§4.2.1.3), and one that has a name."""
    expected = "a keyUsage without a use (RFC 5280 §4.2.1.3)"
    assert [expected, None, None] == [
        fault(key_usage=set()),
        fault(key_usage={"decipherOnly"}),
        fault(key_usage=None),
    ]
    unknown = Extension(oids.KEY_USAGE, der.named_bits({9}), critical=True)
    assert expected == fault(key_usage=None, extensions=[unknown])


def test_encipher_only_and_decipher_only() -> None:
    """Without keyAgreement they mean nothing (§4.2.1.3), and do no harm."""
    for usage in ({"encipherOnly"}, {"decipherOnly", "digitalSignature"}, {"keyAgreement", "decipherOnly"}):
        assert fault(key_usage=usage) is None


def test_a_path_length_of_nobody() -> None:
    """Only a CA has a pathLenConstraint (§4.2.1.9), an anchor as well."""
    expected = "a pathLenConstraint, though it is no CA's (RFC 5280 §4.2.1.9)"
    assert expected == fault(ca=None, extensions=[PATH_LENGTH_ALONE])
    root = Authority.root("Root", ca=None, extensions=[PATH_LENGTH_ALONE])
    assert Irregular(read(root), expected) == failure(SUB.issue("leaf"), SUB, root)
    assert failure(SUB.issue("leaf"), ROOT.subordinate("Sub", path_length=0), ROOT) is None


@pytest.mark.parametrize(
    ("kind", "usage", "is_refused"),
    [
        ("mldsa44", "keyEncipherment", True),
        ("mldsa65", "keyAgreement", True),
        ("mldsa87", "dataEncipherment", True),
        ("mldsa44", "contentCommitment", False),
        ("p256", "keyAgreement", False),
        ("ed25519", "keyEncipherment", False),
    ],
)
def test_a_key_that_only_signs(kind: KeyKind, usage: str, is_refused: bool) -> None:
    """An ML-DSA key establishes nothing (RFC 9881 §5); of Ed25519 too many say so to be refused (RFC 9295 §3)."""
    found = fault(key=key(kind), key_usage={"digitalSignature", usage})
    expected = "a keyUsage for establishing keys with a key that only signs (RFC 9881 §5)" if is_refused else None
    assert expected == found


# --- an end entity that says it is a CA ------------------------------------------------------------------------------


@pytest.mark.parametrize("ca", [False, None])
def test_a_leaf_that_signs_certificates(ca: bool | None) -> None:
    """KeyCertSign needs cA (§4.2.1.3, §4.2.1.9); what issued something is called no CA."""
    claims = SUB.issue("leaf", ca=ca, key_usage={"digitalSignature", "keyCertSign"})
    expected = "keyCertSign in a certificate that is no CA's (RFC 5280 §4.2.1.3, §4.2.1.9)"
    assert Irregular(read(claims), expected) == failure(claims, SUB, ROOT)
    sub = ROOT.subordinate("Sub", ca=ca)
    assert NotACertificateAuthority(read(sub)) == failure(SUB.issue("leaf"), sub, ROOT)


def test_leaves_that_may_say_so() -> None:
    """A CA may be the certificate in question, with keyCertSign or without; so may who says nothing."""
    assert [None] * 4 == [
        check_end_entity(read(one))
        for one in (
            SUB,
            ROOT.subordinate("Sub", key_usage={"cRLSign"}),
            SUB.issue("leaf", ca=False, key_usage={"digitalSignature"}),
            SUB.issue("leaf", ca=None, key_usage=None),
        )
    ]


def test_an_anchor_without_basic_constraints() -> None:
    """What is absent is no fault of an anchor, whatever its keyUsage says."""
    root = Authority.root("Root", ca=None, key_usage={"keyCertSign"})
    assert failure(SUB.issue("leaf"), SUB, root) is None
    assert failure(Authority.root("leaf", ca=None, key_usage={"keyCertSign", "digitalSignature"})) is None


# --- noRevAvail ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beside",
    [
        {"crl_urls": "http://crl.example/"},
        {"freshest_crl_urls": FRESHEST},
        {"ocsp_urls": "http://ocsp.example/"},
    ],
)
def test_no_rev_avail_beside_a_place_to_ask(beside: CertificateOverrides) -> None:
    """Whoever relies on it MUST consider the certificate invalid (RFC 9608 §3)."""
    leaf = SUB.issue("leaf", **(CertificateOverrides(no_rev_avail=True) | beside))
    expected = "noRevAvail beside a place to ask for its revocation (RFC 9608 §3)"
    assert Irregular(read(leaf), expected) == failure(leaf, SUB, ROOT)
    assert failure(SUB.issue("leaf", **beside), SUB, ROOT) is None


def test_no_rev_avail_of_an_authority() -> None:
    """A CA can always be revoked (RFC 9608 §2, §3), also as the certificate in question and as an anchor."""
    sub, root = ROOT.subordinate("Sub", no_rev_avail=True), Authority.root("Root", no_rev_avail=True)
    expected = "noRevAvail, though it is a CA's (RFC 9608 §3)"
    assert Irregular(read(sub), expected) == failure(SUB.issue("leaf"), sub, ROOT)
    assert Irregular(read(sub), expected) == failure(sub, ROOT)
    assert Irregular(read(root), expected) == failure(SUB.issue("leaf"), SUB, root)


@pytest.mark.parametrize("ca", [False, None])
def test_no_rev_avail_of_a_leaf(ca: bool | None) -> None:
    """That is what it is for; where to find the issuer's certificate may stand beside it."""
    leaf = SUB.issue("leaf", ca=ca, no_rev_avail=True, ca_issuers="http://a/")
    assert failure(leaf, SUB, ROOT) is None


# --- what the RFC demands of CAs and nobody needs --------------------------------------------------------------------


@pytest.mark.parametrize(
    "overrides",
    [
        {"authority_key_identifier": None},
        {"subject_key_identifier": None},
        {"key_usage": None},
        {"serial": 0},
        {"serial": -5},
        {"serial": 1 << 200},
        {"not_before": der.tlv(0x18, b"20200101000000Z")},
    ],
    ids=["AKI", "SKI", "keyUsage", "serial 0", "serial -5", "long serial", "GeneralizedTime"],
)
def test_what_is_no_fault(overrides: CertificateOverrides) -> None:
    """Demanded of CAs (§4.1.2.2, §4.1.2.5, §4.2.1.1, §4.2.1.2, §4.2.1.3), and nothing that a path hangs on."""
    sub = ROOT.subordinate("Sub", **overrides)
    assert failure(SUB.issue("leaf", **overrides), sub, ROOT) is None
