"""Algorithms that no public suite has: Edwards curves, RSASSA-PSS and ML-DSA under certificates, CRLs and OCSP answers.

For each algorithm, one authority whose key is of its kind signs a certificate, a CRL and an OCSP answer, itself and
through a delegate; each of them is sound, and spoilt in one way after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from service.core.model.failure import Code
from tests.conformance.case import Case, Corpus, Evidence, Expected, refused
from tests.conformance.corpora.making import ABOUT_SUB, LEAF_REVOKED, LEAF_UNANSWERED, ROOT, SOUND, case, crls, ocsp
from tests.pki import NOW, Authority, Issued, PrivateKey, algorithm_identifier, days, der, key, oids
from tests.pki.keys import KeyKind
from tests.pki.signing import SigningOverrides


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm, and an authority whose key goes with it.

    Attributes:
        paragraph: Where it is specified for certificates and CRLs.
        how: What makes the authority sign with it.
    """

    name: str
    paragraph: str
    kind: KeyKind
    how: SigningOverrides

    @property
    def authority(self) -> Authority:
        """Sub, with a key of this kind."""
        return ROOT.subordinate("Sub", key=key(self.kind, 0))

    @property
    def foreign(self) -> SigningOverrides:
        """What makes somebody else's key of the same kind sign."""
        return self.how | {"signing_key": key(self.kind, 1)}

    @property
    def leaf(self) -> Issued:
        """A certificate that it has signed."""
        return self.authority.issue("leaf", **self.how)

    @property
    def delegate(self) -> Issued:
        """Its responder, whose key is of the same kind."""
        return self.authority.ocsp_responder("OCSP", key=key(self.kind, 1), **self.how)


_WITHOUT_PARAMETERS: Final[Mapping[KeyKind, str]] = {
    "ed25519": oids.ED25519,
    "mldsa44": oids.ML_DSA_44,
    "p256": oids.ECDSA_SIGNATURES["sha256"],
}
_SPOILT: Final[SigningOverrides] = {"corrupt_signature": True}

ALGORITHMS: Final = (
    Algorithm("ed25519", "RFC 8410 §3", "ed25519", {}),
    Algorithm("ed448", "RFC 8410 §3", "ed448", {}),
    Algorithm("pss-sha256", "RFC 4055 §3.1", "rsa2048", {"signature_hash": "sha256", "pss_salt_length": 32}),
    Algorithm("pss-sha384", "RFC 4055 §3.1", "rsa3072", {"signature_hash": "sha384", "pss_salt_length": 48}),
    Algorithm("pss-sha512", "RFC 4055 §3.1", "rsa4096", {"signature_hash": "sha512", "pss_salt_length": 64}),
    Algorithm("ml-dsa-44", "RFC 9881 §2", "mldsa44", {}),
    Algorithm("ml-dsa-65", "RFC 9881 §2", "mldsa65", {}),
    Algorithm("ml-dsa-87", "RFC 9881 §2", "mldsa87", {}),
)


def signatures() -> Corpus:
    """Every object under every algorithm, in every condition."""
    made = (*(case for algorithm in ALGORITHMS for case in _cases(algorithm)), *_mislabelled())
    return Corpus("signatures", "Ed25519, Ed448, RSASSA-PSS and ML-DSA verify, and nothing passes for them", made)


def _cases(one: Algorithm) -> Iterator[Case]:
    yield from _certificates(one)
    yield from _crls(one)
    yield from _answers(one)
    yield from _delegated(one)


def _certificates(one: Algorithm) -> Iterator[Case]:
    def about(condition: str, rule: str, leaf: Issued, expected: Expected) -> Case:
        evidence = ABOUT_SUB + crls(one.authority.crl(**one.how))
        return case(f"{one.name}-certificate-{condition}", rule, (leaf, one.authority), evidence, expected)

    by = f"A certificate that is signed with {one.name}"
    yield about("good", f"{by} is valid ({one.paragraph}).", one.leaf, SOUND)
    yield about(
        "bad-signature",
        f"{by}, and one bit of whose signature is another, is not (RFC 5280 §6.1.3 (a)(1)).",
        one.authority.issue("leaf", **(one.how | _SPOILT)),
        refused(Code.BAD_SIGNATURE),
    )
    yield about(
        "wrong-key",
        f"{by}, but under another key than its issuer's, is not valid (RFC 5280 §6.1.3 (a)(1)).",
        one.authority.issue("leaf", **one.foreign),
        refused(Code.BAD_SIGNATURE),
    )
    yield about(
        "stale",
        f"{by} ends with its notAfter (RFC 5280 §6.1.3 (a)(2)).",
        one.authority.issue("leaf", not_after=NOW - days(1), **one.how),
        refused(Code.EXPIRED),
    )


def _crls(one: Algorithm) -> Iterator[Case]:
    def about(condition: str, rule: str, crl: bytes, expected: Expected) -> Case:
        evidence = ABOUT_SUB + crls(crl)
        return case(f"{one.name}-crl-{condition}", rule, (one.leaf, one.authority), evidence, expected)

    by, sub = f"A CRL that is signed with {one.name}", one.authority
    yield about(
        "good", f"{by} and does not list the certificate says good ({one.paragraph}).", sub.crl(**one.how), SOUND
    )
    yield about(
        "revoked",
        f"{by} and lists the certificate revokes it (RFC 5280 §6.3.3 (j)).",
        sub.crl(revoked={one.leaf.serial: "keyCompromise"}, **one.how),
        LEAF_REVOKED,
    )
    yield about(
        "bad-signature",
        f"{by}, and one bit of whose signature is another, says nothing (RFC 5280 §6.3.3 (g)).",
        sub.crl(**(one.how | _SPOILT)),
        LEAF_UNANSWERED,
    )
    yield about(
        "wrong-key",
        f"{by}, but under another key than its issuer's, says nothing (RFC 5280 §6.3.3 (g)).",
        sub.crl(**one.foreign),
        LEAF_UNANSWERED,
    )
    yield about(
        "stale",
        f"{by} says nothing after its nextUpdate (RFC 5280 §6.3.3 (a)).",
        sub.crl(next_update=NOW - days(1), **one.how),
        LEAF_UNANSWERED,
    )


def _answers(one: Algorithm) -> Iterator[Case]:
    def about(condition: str, rule: str, answer: bytes, expected: Expected) -> Case:
        evidence: Evidence = ABOUT_SUB + ocsp(answer)
        return case(f"{one.name}-ocsp-{condition}", rule, (one.leaf, one.authority), evidence, expected)

    by, sub, leaf = f"An OCSP answer that is signed with {one.name}", one.authority, one.leaf
    yield about("good", f"{by} says good ({one.paragraph}).", sub.ocsp(leaf, **one.how), SOUND)
    yield about(
        "revoked", f"{by} says revoked (RFC 6960 §2.2).", sub.ocsp(leaf, status="revoked", **one.how), LEAF_REVOKED
    )
    yield about(
        "bad-signature",
        f"{by}, and one bit of whose signature is another, says nothing (RFC 6960 §3.2, 2).",
        sub.ocsp(leaf, **(one.how | _SPOILT)),
        LEAF_UNANSWERED,
    )
    yield about(
        "wrong-key",
        f"{by}, but under another key than the issuer's, says nothing (RFC 6960 §3.2, 3).",
        sub.ocsp(leaf, **one.foreign),
        LEAF_UNANSWERED,
    )
    yield about(
        "stale",
        f"{by} says nothing after its nextUpdate (RFC 6960 §3.2, 6).",
        sub.ocsp(leaf, next_update=NOW - days(1), **one.how),
        LEAF_UNANSWERED,
    )


def _delegated(one: Algorithm) -> Iterator[Case]:
    def about(condition: str, rule: str, answer: bytes, expected: Expected) -> Case:
        evidence: Evidence = ABOUT_SUB + ocsp(answer)
        return case(f"{one.name}-delegate-{condition}", rule, (one.leaf, one.authority), evidence, expected)

    by, sub = f"A delegate's answer that is signed with {one.name}", one.authority
    leaf, delegate = one.leaf, one.delegate
    yield about("good", f"{by} says good (RFC 6960 §4.2.2.2).", sub.ocsp(leaf, responder=delegate, **one.how), SOUND)
    yield about(
        "bad-signature",
        f"{by}, and one bit of whose signature is another, says nothing (RFC 6960 §3.2, 2).",
        sub.ocsp(leaf, responder=delegate, **(one.how | _SPOILT)),
        LEAF_UNANSWERED,
    )
    yield about(
        "forged-certificate",
        f"{by} says nothing where the delegate's certificate is forged (RFC 6960 §4.2.2.2).",
        sub.ocsp(leaf, responder=_forged(one), **one.how),
        LEAF_UNANSWERED,
    )


def _forged(one: Algorithm) -> Issued:
    return one.authority.ocsp_responder("OCSP", key=key(one.kind, 1), **(one.how | _SPOILT))


def _mislabelled() -> Iterator[Case]:
    """What the AlgorithmIdentifier says beside what was done."""
    ed25519, mldsa, ecdsa, rsa = key("ed25519"), key("mldsa44"), key("p256"), key("rsa2048")
    null = {kind: der.seq(der.oid(oid), der.null()) for kind, oid in _WITHOUT_PARAMETERS.items()}
    bad, weak, unsupported = (refused(code) for code in (Code.BAD_SIGNATURE, Code.WEAK_ALGORITHM, Code.UNSUPPORTED))
    short: SigningOverrides = {"pss_salt_length": 32}
    rows: tuple[tuple[str, str, PrivateKey, SigningOverrides, Expected], ...] = (
        ("ed25519-as-ed448", "Another curve (RFC 8410 §3)", ed25519, _said(der.seq(der.oid(oids.ED448))), bad),
        ("ml-dsa-44-as-65", "Another parameter set (RFC 9881 §2)", mldsa, _said(der.seq(der.oid(oids.ML_DSA_65))), bad),
        ("ed25519-with-parameters", "There are none (RFC 8410 §3)", ed25519, _said(null["ed25519"]), unsupported),
        ("ml-dsa-with-parameters", "There are none (RFC 9881 §2)", mldsa, _said(null["mldsa44"]), unsupported),
        ("ecdsa-with-parameters", "There are none (RFC 5758 §3.2)", ecdsa, _said(null["p256"]), unsupported),
        ("pss-as-pkcs1", "Another padding (RFC 8017 §8)", rsa, short | _said(algorithm_identifier(rsa)), bad),
        ("pkcs1-as-pss", "Another padding (RFC 8017 §8)", rsa, _said(algorithm_identifier(rsa, "sha256", 32)), bad),
        (
            "pss-another-salt",
            "A salt of another length (RFC 4055 §3.1)",
            rsa,
            short | _said(algorithm_identifier(rsa, "sha256", 20)),
            bad,
        ),
        (
            "pss-another-hash",
            "Another hash (RFC 4055 §3.1)",
            rsa,
            short | _said(algorithm_identifier(rsa, "sha384", 32)),
            bad,
        ),
        ("pss-without-salt", "A salt may be empty (RFC 8017 §9.1)", rsa, {"pss_salt_length": 0}, SOUND),
        ("pss-sha1", "SHA-1 is refused", rsa, {"pss_salt_length": 20, "signature_hash": "sha1"}, weak),
    )
    for name, rule, signer, how, expected in rows:
        sub = ROOT.subordinate("Sub", key=signer)
        leaf, evidence = sub.issue("leaf", **how), ABOUT_SUB + crls(sub.crl())
        yield case(f"certificate-{name}", f"{rule}.", (leaf, sub), evidence, expected)
        crl = ABOUT_SUB + crls(sub.crl(**how))
        right = SOUND if expected is SOUND else LEAF_UNANSWERED
        yield case(f"crl-{name}", f"{rule}.", (sub.issue("leaf"), sub), crl, right)


def _said(algorithm: bytes) -> SigningOverrides:
    return {"inner_algorithm": algorithm, "outer_algorithm": algorithm}
