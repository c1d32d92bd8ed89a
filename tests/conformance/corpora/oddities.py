"""What parsers stumble over: each is read strictly, or refused by name, and is a verdict in any case.

A certificate that its RFC forbids is refused for what is wrong with it, a leaf that cannot be read as malformed, and an
intermediate that cannot be read is none. What the RFC allows, or leaves without a meaning, is no fault.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Final

from service.core.model.failure import Code
from tests.conformance.case import Case, Corpus, Expected, refused
from tests.conformance.corpora.making import ABOUT_SUB, LEAF, LEAF_UNANSWERED, ROOT, SOUND, SUB, case, crls, ocsp
from tests.pki import (
    NOW,
    CertificateOverrides,
    DistributionPoint,
    Extension,
    IssuingDistributionPoint,
    OcspOverrides,
    algorithm_identifier,
    der,
    key,
    oids,
)

_FORBIDDEN: Final = refused(Code.CONSTRAINT_VIOLATION)
_MALFORMED: Final = refused(Code.MALFORMED)
_UNSUPPORTED: Final = refused(Code.UNSUPPORTED)
_UNTRUSTED: Final = refused(Code.UNTRUSTED)

_UNKNOWN: Final = "1.3.6.1.4.1.99999.1"


def oddities() -> Corpus:
    """Certificates, intermediates, CRLs and answers that are odd in one way."""
    made = (*_leaves(), *_unreadable_leaves(), *_intermediates(), *_crls(), *_answers())
    return Corpus(
        "odd encodings", "what is odd is read strictly or refused by name, and is a verdict in any case", made
    )


def _extension(oid: str, value: bytes, *, critical: bool = False) -> CertificateOverrides:
    return {"extensions": (Extension(oid, value, critical),)}


_LEAVES: Final[tuple[tuple[str, str, Expected, CertificateOverrides], ...]] = (
    ("version-1", "Version 1 has no extensions, and needs none at the end (RFC 5280 §4.1.2.1)", SOUND, {"version": 1}),
    (
        "path-length-without-ca",
        "pathLenConstraint is for authorities (RFC 5280 §4.2.1.9)",
        _FORBIDDEN,
        {"path_length": 0},
    ),
    (
        "cert-sign-without-ca",
        "keyCertSign is for authorities (RFC 5280 §4.2.1.9)",
        _FORBIDDEN,
        {"key_usage": {"digitalSignature", "keyCertSign"}},
    ),
    (
        "decipher-only",
        "decipherOnly has no meaning without keyAgreement (RFC 5280 §4.2.1.3)",
        SOUND,
        {"key_usage": {"digitalSignature", "decipherOnly"}},
    ),
    ("no-key-usage-at-all", "At least one bit is set (RFC 5280 §4.2.1.3)", _FORBIDDEN, {"key_usage": set()}),
    (
        "without-key-identifiers",
        "Key identifiers are hints (RFC 5280 §4.2.1.1)",
        SOUND,
        {"subject_key_identifier": None, "authority_key_identifier": None},
    ),
    (
        "another-key-identifier",
        "Key identifiers are hints (RFC 5280 §4.2.1.1)",
        SOUND,
        {"authority_key_identifier": bytes(20)},
    ),
    (
        "empty-subject",
        "An empty subject needs a critical subjectAltName (RFC 5280 §4.1.2.6)",
        _FORBIDDEN,
        {"san": "DNS:a.example"},
    ),
    (
        "empty-subject-and-critical-name",
        "An empty subject needs a critical subjectAltName (RFC 5280 §4.1.2.6)",
        SOUND,
        {"san": "DNS:a.example", "criticality": {oids.SUBJECT_ALT_NAME: True}},
    ),
    ("empty-names", "subjectAltName has a name at least (RFC 5280 §4.2.1.6)", _FORBIDDEN, {"san": ()}),
    ("unknown-extension", "An unknown extension is ignored (RFC 5280 §4.2)", SOUND, _extension(_UNKNOWN, b"anything")),
    (
        "unknown-critical-extension",
        "An unknown critical extension is not (RFC 5280 §4.2)",
        _UNSUPPORTED,
        _extension(_UNKNOWN, b"anything", critical=True),
    ),
    (
        "critical-key-identifier",
        "authorityKeyIdentifier is never critical (RFC 5280 §4.2.1.1)",
        _FORBIDDEN,
        {"criticality": {oids.AUTHORITY_KEY_IDENTIFIER: True}},
    ),
    (
        "any-purpose",
        "anyExtendedKeyUsage is every purpose (RFC 5280 §4.2.1.12)",
        SOUND,
        {"extended_key_usage": "anyExtendedKeyUsage"},
    ),
    (
        "another-purpose",
        "A server's certificate is no client's (RFC 5280 §4.2.1.12)",
        _FORBIDDEN,
        {"extended_key_usage": "serverAuth"},
    ),
    (
        "crl-signing-alone",
        "A key that signs CRLs alone is no client's (RFC 5280 §4.2.1.12)",
        _FORBIDDEN,
        {"key_usage": {"cRLSign"}},
    ),
    (
        "key-encipherment-alone",
        "A client signs or agrees on a key (RFC 5280 §4.2.1.12)",
        _FORBIDDEN,
        {"key_usage": {"keyEncipherment"}},
    ),
    (
        "key-agreement-alone",
        "A client signs or agrees on a key (RFC 5280 §4.2.1.12)",
        SOUND,
        {"key_usage": {"keyAgreement"}},
    ),
    (
        "crl-signing-alone-without-purposes",
        "So it is where no purpose is named (RFC 5246 §7.4.6)",
        _FORBIDDEN,
        {"key_usage": {"cRLSign"}, "extended_key_usage": None},
    ),
    (
        "ml-dsa-for-encryption",
        "An ML-DSA key signs and does nothing else (RFC 9881 §5)",
        _FORBIDDEN,
        {"key": key("mldsa44"), "key_usage": {"digitalSignature", "keyEncipherment"}},
    ),
    (
        "point-without-a-name",
        "A distribution point may leave its name to cRLIssuer, not to nobody (RFC 5280 §4.2.1.13)",
        _MALFORMED,
        {"crl_urls": [DistributionPoint(reasons={"keyCompromise"})]},
    ),
    (
        "valid-for-one-second",
        "Both ends of the validity are inclusive (RFC 5280 §4.1.2.5)",
        SOUND,
        {"not_before": NOW, "not_after": NOW},
    ),
    (
        "valid-without-end",
        "99991231235959Z is no end (RFC 5280 §4.1.2.5)",
        SOUND,
        {"not_after": der.tlv(0x18, b"99991231235959Z")},
    ),
    ("sha1", "SHA-1 is refused unless a caller accepts it", refused(Code.WEAK_ALGORITHM), {"signature_hash": "sha1"}),
    (
        "short-rsa-key",
        "RSA keys below 2048 bits are refused unless a caller accepts them",
        refused(Code.WEAK_ALGORITHM),
        {"key": key("rsa1024")},
    ),
)

_UNREADABLE: Final[tuple[tuple[str, str, CertificateOverrides], ...]] = (
    (
        "two-algorithms",
        "Both algorithm identifiers are the same (RFC 5280 §4.1.1.2)",
        {"inner_algorithm": algorithm_identifier(SUB.key, "sha384")},
    ),
    (
        "extension-twice",
        "An extension stands there once (RFC 5280 §4.2)",
        {"extensions": (Extension(_UNKNOWN, b"1"), Extension(_UNKNOWN, b"2"))},
    ),
    (
        "half-a-key-identifier",
        "Issuer and serial number stand there together (RFC 5280 §4.2.1.1)",
        {
            "authority_key_identifier": None,
            **_extension(
                oids.AUTHORITY_KEY_IDENTIFIER, der.seq(der.implicit(1, der.seq(der.explicit(4, ROOT.subject))))
            ),
        },
    ),
    (
        "negative-path-length",
        "A pathLenConstraint is no negative number (RFC 5280 §4.2.1.9)",
        {"ca": True, "path_length": -1},
    ),
    ("no-policy", "certificatePolicies has a policy at least (RFC 5280 §4.2.1.4)", {"policies": ()}),
    ("policy-twice", "A policy stands there once (RFC 5280 §4.2.1.4)", {"policies": ("1.2.3", "1.2.3")}),
    (
        "fraction-of-a-second",
        "Times have whole seconds (RFC 5280 §4.1.2.5.2)",
        {"not_after": der.tlv(0x18, b"20270101000000.5Z")},
    ),
    ("local-time", "Times are in UTC (RFC 5280 §4.1.2.5)", {"not_after": der.tlv(0x18, b"20270101000000")}),
    ("no-such-day", "Times exist (RFC 5280 §4.1.2.5)", {"not_after": der.tlv(0x17, b"270230000000Z")}),
    (
        "extension-that-does-not-decode",
        "An extension that is known and illegible is not ignored",
        _extension(oids.NAME_CONSTRAINTS, b"\x30\x80"),
    ),
)


def _leaves() -> Iterator[Case]:
    for name, rule, expected, overrides in _LEAVES:
        leaf = SUB.issue("" if name.startswith("empty-subject") else "leaf", **overrides)
        yield case(f"leaf-{name}", f"{rule}.", (leaf, SUB), ABOUT_SUB + crls(SUB.crl()), expected)


def _unreadable_leaves() -> Iterator[Case]:
    for name, rule, overrides in _UNREADABLE:
        leaf = SUB.issue("leaf", **overrides)
        yield case(f"leaf-{name}", f"{rule}.", (leaf, SUB), ABOUT_SUB + crls(SUB.crl()), _MALFORMED)
    sound = case("leaf", "", (LEAF, SUB), ABOUT_SUB + crls(SUB.crl()), _MALFORMED)
    for name, given in (
        ("octets-after-it", LEAF.der + b"\x00"),
        ("cut-off", LEAF.der[:-1]),
        ("length-in-too-many-octets", b"\x30\x83\x00" + LEAF.der[2:]),
        ("of-no-length", b"\x30\x80" + LEAF.der[4:] + b"\x00\x00"),
        ("text", b"-----BEGIN NOTHING-----"),
        ("crl", SUB.crl()),
        ("empty-sequence", b"\x30\x00"),
        ("one-octet", b"\x00"),
    ):
        yield replace(sound, name=f"leaf-{name}", rule="What is no certificate is denied as none (X.690).", leaf=given)


def _intermediates() -> Iterator[Case]:
    rows: tuple[tuple[str, str, Expected, CertificateOverrides], ...] = (
        (
            "version-1",
            "Without basicConstraints nobody is an authority (RFC 5280 §6.1.4 (k))",
            _FORBIDDEN,
            {"version": 1},
        ),
        (
            "basic-constraints-not-critical",
            "basicConstraints count where they are not critical",
            SOUND,
            {"criticality": {oids.BASIC_CONSTRAINTS: False}},
        ),
        (
            "without-key-usage",
            "Without keyUsage nothing is forbidden (RFC 5280 §6.1.4 (n))",
            SOUND,
            {"key_usage": None},
        ),
        ("path-length-0", "No authority follows (RFC 5280 §6.1.4 (l))", SOUND, {"path_length": 0}),
        (
            "for-servers",
            "An authority's purposes constrain its certificates (RFC 5280 §4.2.1.12)",
            _FORBIDDEN,
            {"extended_key_usage": "serverAuth"},
        ),
        (
            "unreadable",
            "An intermediate that cannot be read is none (RFC 5280 §4.2)",
            _UNTRUSTED,
            {"extensions": (Extension(_UNKNOWN, b"1"), Extension(_UNKNOWN, b"2"))},
        ),
        (
            "unknown-critical",
            "A critical extension that nobody knows (RFC 5280 §4.2)",
            _UNSUPPORTED,
            _extension(_UNKNOWN, b"1", critical=True),
        ),
        (
            "empty-subtrees",
            "nameConstraints have a subtree at least (RFC 5280 §4.2.1.10)",
            _UNTRUSTED,
            _extension(oids.NAME_CONSTRAINTS, der.seq(), critical=True),
        ),
        (
            "subtree-with-a-minimum",
            "The minimum of a subtree is 0 (RFC 5280 §4.2.1.10)",
            _UNTRUSTED,
            _extension(oids.NAME_CONSTRAINTS, _bounded(0), critical=True),
        ),
        (
            "subtree-with-a-maximum",
            "A subtree has no maximum (RFC 5280 §4.2.1.10)",
            _UNTRUSTED,
            _extension(oids.NAME_CONSTRAINTS, _bounded(1), critical=True),
        ),
    )
    for name, rule, expected, overrides in rows:
        sub = ROOT.subordinate("Sub", **overrides)
        evidence = ABOUT_SUB + crls(sub.crl())
        yield case(f"intermediate-{name}", f"{rule}.", (sub.issue("leaf"), sub), evidence, expected)
    nameless = ROOT.subordinate("")
    rule = "An authority has a name (RFC 5280 §4.1.2.6)."
    evidence = ABOUT_SUB + crls(nameless.crl())
    yield case("intermediate-without-a-name", rule, (nameless.issue("leaf"), nameless), evidence, _FORBIDDEN)


def _bounded(number: int) -> bytes:
    """A permitted subtree whose minimum (0) or maximum (1) is 1."""
    base = der.implicit(2, der.ia5_string("example.com"))
    return der.seq(der.implicit(0, der.seq(der.seq(base, der.implicit(number, der.integer(1))))))


def _crls() -> Iterator[Case]:
    scope = IssuingDistributionPoint
    rows: tuple[tuple[str, str, Expected, IssuingDistributionPoint | bytes], ...] = (
        (
            "two-only-flags",
            "A scope has one of the three flags at most",
            LEAF_UNANSWERED,
            scope(only_user=True, only_ca=True),
        ),
        (
            "user-and-attribute",
            "A scope has one of the three flags at most",
            LEAF_UNANSWERED,
            scope(only_user=True, only_attribute=True),
        ),
        (
            "false-spelt-out",
            "A default that is spelt out says nothing else",
            SOUND,
            der.seq(b"\x81\x01\xff", b"\x82\x01\x00"),
        ),
        ("empty-scope", "A scope says something", LEAF_UNANSWERED, der.seq()),
        ("true-as-one", "TRUE is FF (X.690 §11.1)", LEAF_UNANSWERED, der.seq(b"\x81\x01\x01")),
        ("fields-out-of-order", "Fields have an order", LEAF_UNANSWERED, der.seq(b"\x84\x01\xff", b"\x81\x01\xff")),
        ("unknown-field", "There is no such field", LEAF_UNANSWERED, der.seq(b"\x86\x01\xff")),
        ("scope-that-is-none", "A scope is a SEQUENCE", LEAF_UNANSWERED, der.null()),
    )
    for name, rule, expected, idp in rows:
        evidence = ABOUT_SUB + crls(SUB.crl(idp=idp))
        yield case(f"crl-{name}", f"{rule} (RFC 5280 §5.2.5).", (LEAF, SUB), evidence, expected)


def _answers() -> Iterator[Case]:
    fraction = der.tlv(0x18, b"20251231230000.5Z")
    local = der.tlv(0x18, b"20251231230000+0100")
    rows: tuple[tuple[str, OcspOverrides], ...] = (
        ("fraction-in-this-update", {"this_update": fraction}),
        ("fraction-in-next-update", {"next_update": fraction}),
        ("fraction-in-produced-at", {"produced_at": fraction}),
        ("local-time-in-this-update", {"this_update": local}),
    )
    for (name, how), beside in product(rows, (False, True)):
        rule = "Times have whole seconds and are in UTC (RFC 6960 §4.2.2.1, RFC 5280 §4.1.2.5.2)."
        odd = ocsp(SUB.ocsp(LEAF, **how))
        evidence = ABOUT_SUB + odd + (ocsp(SUB.ocsp(LEAF)) if beside else ocsp())
        expected = SOUND if beside else LEAF_UNANSWERED
        yield case(f"answer-{name}{'-beside-good' if beside else ''}", rule, (LEAF, SUB), evidence, expected)
