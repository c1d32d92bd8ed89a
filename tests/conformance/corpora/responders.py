"""Who may answer for an authority (RFC 6960 §4.2.2.2): itself, and the delegates that it certified for that.

Each responder says good and says revoked. Who may speak is believed in both; who may not is believed in neither, so
that nobody else can let a certificate pass, and nobody else can have one refused as revoked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from service.core.der.certificate import read_certificate
from tests.conformance.case import NOTHING, REQUIRING, Case, Corpus, Evidence
from tests.conformance.corpora.making import (
    ABOUT_SUB,
    LEAF,
    LEAF_REVOKED,
    LEAF_UNANSWERED,
    ROOT,
    SOUND,
    SUB,
    case,
    crls,
    ocsp,
)
from tests.pki import (
    NOW,
    Authority,
    CertificateOverrides,
    Extension,
    Issued,
    IssuingDistributionPoint,
    OcspOverrides,
    days,
    der,
    hours,
    key,
)

Standing = Literal["may", "may not"]

KNOWN: Final = SUB.ocsp_responder("OCSP")
"""A delegate as it should be."""
NAMESAKE: Final = Authority.root("Sub", key=key("p256", 7))
"""An authority of the issuer's name, whom nobody trusts."""
SISTER: Final = ROOT.subordinate("Sister")
"""Another authority below the same root."""
BELOW: Final = SUB.subordinate("Below")
"""An authority that the issuer certified."""

_POINT: Final = "http://crl.example/delegates"
_OF_DELEGATES: Final = IssuingDistributionPoint([_POINT])
"""The scope of CRLs about delegates, which say nothing of the leaf."""
_CRITICAL: Final = Extension("1.3.6.1.4.1.99999.1", b"\x05\x00", critical=True)


@dataclass(frozen=True, slots=True)
class Responder:
    """Somebody who signs answers.

    Attributes:
        rule: Why it may or may not.
        how: How the answer is made.
        besides: What the request holds besides the answer.
        beside: Certificates that come with the request.
        configured: Whom the operator trusts.
    """

    name: str
    standing: Standing
    rule: str
    how: OcspOverrides
    besides: Evidence = NOTHING
    beside: tuple[Authority, ...] = ()
    configured: tuple[Issued, ...] = ()


def responders() -> Corpus:
    """Everybody, with both answers."""
    everybody = (*_ANSWERS, *_certified(), *_strangers(), *_vouched(), *_configured())
    return Corpus(
        "OCSP responders",
        "who may answer for an authority is believed, and nobody else is, whatever they say",
        tuple(case for responder in everybody for case in _cases(responder)),
    )


def _cases(one: Responder) -> Iterator[Case]:
    saying: tuple[OcspOverrides, ...] = ({"status": "good"}, {"status": "revoked"})
    believed = (SOUND, LEAF_REVOKED)
    for status, expected in zip(saying, believed, strict=True):
        evidence = ABOUT_SUB + ocsp(SUB.ocsp(LEAF, **(one.how | status))) + one.besides
        right = expected if one.standing == "may" else LEAF_UNANSWERED
        policy = replace(REQUIRING, trusted_responders=tuple(read_certificate(each.der) for each in one.configured))
        name = f"{one.name}-{status['status']}"
        yield case(name, one.rule, (LEAF, SUB), evidence, right, beside=one.beside, policy=policy)


# What is odd about the answer, where issuer or delegate are as they should be.
_ANSWERS: Final = (
    Responder("issuer-by-name", "may", "The issuer answers under its name (RFC 6960 §4.2.2.2, 2).", {}),
    Responder(
        "issuer-by-key", "may", "The issuer answers under its key's hash (RFC 6960 §4.2.1).", {"responder_id": "key"}
    ),
    Responder(
        "issuer-sends-itself",
        "may",
        "The issuer's own certificate in the answer changes nothing (RFC 6960 §4.2.1).",
        {"certificates": (SUB.issued,)},
    ),
    Responder(
        "issuer-sends-others",
        "may",
        "Certificates that have nothing to do with the answer, or cannot be read, change nothing (RFC 6960 §4.2.1).",
        {"certificates": (NAMESAKE.issued, SISTER.issued, b"\x30\x00")},
    ),
    Responder(
        "issuer-under-another-name",
        "may not",
        "The responder identifier names somebody else than the signer (RFC 6960 §3.2, 3).",
        {"responder_id": der.explicit(1, SISTER.subject)},
    ),
    Responder(
        "issuer-under-another-key",
        "may not",
        "The responder identifier names another key than the signer's (RFC 6960 §3.2, 3).",
        {"responder_id": der.explicit(2, der.octet_string(bytes(20)))},
    ),
    Responder(
        "issuer-with-sha1",
        "may not",
        "An answer that is signed with SHA-1 is refused, as everything is (RFC 9155 says why).",
        {"signature_hash": "sha1"},
    ),
    Responder(
        "delegate-by-key",
        "may",
        "A delegate answers under its key's hash (RFC 6960 §4.2.1).",
        {"responder": KNOWN, "responder_id": "key"},
    ),
    Responder(
        "delegate-among-others",
        "may",
        "The delegate's certificate is found among others (RFC 6960 §4.2.1).",
        {"responder": KNOWN, "certificates": (LEAF, SISTER.issued, KNOWN, NAMESAKE.issued)},
    ),
    Responder(
        "delegate-not-sent",
        "may not",
        "A delegate whose certificate is not in the answer is nobody (RFC 6960 §4.2.2.2).",
        {"responder": KNOWN, "certificates": ()},
    ),
    Responder(
        "delegate-under-another-key",
        "may not",
        "A delegate's certificate beside what another key has signed proves nothing (RFC 6960 §3.2, 2).",
        {"responder": KNOWN, "signing_key": key("p256", 9)},
    ),
    Responder(
        "delegate-under-the-issuers-name",
        "may not",
        "A delegate signs, and the responder identifier says the issuer (RFC 6960 §3.2, 3).",
        {"responder": KNOWN, "responder_id": der.explicit(1, SUB.subject)},
    ),
)

# What is odd about the delegate's certificate.
_CERTIFICATES: Final[tuple[tuple[str, Standing, str, CertificateOverrides], ...]] = (
    ("sound", "may", "The issuer certified it for OCSP signing (RFC 6960 §4.2.2.2, 3).", {}),
    (
        "for-several-purposes",
        "may",
        "OCSP signing may be one purpose of several (RFC 6960 §4.2.2.2).",
        {"extended_key_usage": ("clientAuth", "OCSPSigning")},
    ),
    ("without-key-usage", "may", "Without keyUsage nothing is forbidden (RFC 5280 §4.2.1.3).", {"key_usage": None}),
    (
        "for-non-repudiation",
        "may",
        "nonRepudiation goes with id-kp-OCSPSigning (RFC 5280 §4.2.1.12).",
        {"key_usage": {"contentCommitment"}},
    ),
    (
        "that-is-an-authority",
        "may",
        "A delegate may be an authority as well (RFC 6960 §4.2.2.2).",
        {"ca": True, "key_usage": {"digitalSignature", "keyCertSign"}},
    ),
    (
        "without-purpose",
        "may not",
        "Without extendedKeyUsage there is no id-kp-OCSPSigning (RFC 6960 §4.2.2.2).",
        {"extended_key_usage": None},
    ),
    (
        "for-clients",
        "may not",
        "A client's certificate makes nobody a delegate (RFC 6960 §4.2.2.2).",
        {"extended_key_usage": "clientAuth"},
    ),
    (
        "for-anything",
        "may not",
        "anyExtendedKeyUsage is not id-kp-OCSPSigning, which there must be (RFC 6960 §4.2.2.2).",
        {"extended_key_usage": "anyExtendedKeyUsage"},
    ),
    (
        "for-encryption",
        "may not",
        "A keyUsage that allows no signatures forbids answers (RFC 5280 §4.2.1.3).",
        {"key_usage": {"keyEncipherment"}},
    ),
    ("expired", "may not", "It is out of date (RFC 5280 §6.1.3 (a)(2)).", {"not_after": NOW - hours(1)}),
    ("not-yet-valid", "may not", "Its time has not come (RFC 5280 §6.1.3 (a)(2)).", {"not_before": NOW + days(1)}),
    (
        "with-something-critical",
        "may not",
        "It has a critical extension that nobody knows (RFC 5280 §4.2).",
        {"extensions": (_CRITICAL,)},
    ),
    ("with-sha1", "may not", "It is signed with SHA-1, which is refused everywhere.", {"signature_hash": "sha1"}),
    ("with-a-short-key", "may not", "It has an RSA key of 1024 bits, refused everywhere.", {"key": key("rsa1024")}),
    (
        "forged",
        "may not",
        "One bit of the issuer's signature on it is another (RFC 6960 §4.2.2.2).",
        {"corrupt_signature": True},
    ),
    (
        "in-another-issuers-name",
        "may not",
        "The issuer signed it, and it says that somebody else did (RFC 5280 §6.1.3 (a)(4)).",
        {"issuer_name": "Sister"},
    ),
    (
        "without-anything",
        "may",
        "With neither nocheck nor a source it cannot be checked; how to treat it is left open (RFC 6960 §4.2.2.2.1).",
        {"no_check": False},
    ),
)


def _certified() -> Iterator[Responder]:
    for name, standing, rule, overrides in _CERTIFICATES:
        yield Responder(f"delegate-{name}", standing, rule, {"responder": SUB.ocsp_responder("OCSP", **overrides)})


def _strangers() -> Iterator[Responder]:
    section = "RFC 6960 §4.2.2.2"
    for name, authority, who in (
        ("root", ROOT, "the issuer's issuer"),
        ("sister", SISTER, "another authority of the same root"),
        ("namesake", NAMESAKE, "an authority of the issuer's name"),
        ("below", BELOW, "an authority that the issuer certified"),
    ):
        delegate = authority.ocsp_responder("OCSP")
        own: OcspOverrides = {"responder": authority.issued, "certificates": (authority.issued,)}
        delegated: OcspOverrides = {"responder": delegate, "certificates": (delegate, authority.issued)}
        besides = (authority,) if authority is not ROOT else ()
        yield Responder(
            f"{name}-itself", "may not", f"Answers of {who} are not the issuer's ({section}, 2).", own, beside=besides
        )
        yield Responder(
            f"{name}-delegate",
            "may not",
            f"A delegate of {who} is not the issuer's ({section}, 3).",
            delegated,
            beside=besides,
        )
    for name, responder, rule in (
        ("self-made-delegate", _self_made("OCSP"), "Nobody makes himself a delegate"),
        (
            "self-made-in-the-issuers-name",
            _self_made("Sub"),
            "The issuer's name in it does not make the issuer its issuer",
        ),
        ("the-certificate-itself", LEAF, "Nobody speaks for himself"),
    ):
        yield Responder(name, "may not", f"{rule} ({section}).", {"responder": responder})


def _self_made(issuer_name: str) -> Issued:
    purpose = "OCSPSigning"
    made = Authority.root("OCSP", issuer_name=issuer_name, ca=False, extended_key_usage=purpose, key_usage=None)
    return made.issued


def _vouched() -> Iterator[Responder]:
    told = SUB.ocsp_responder("OCSP", no_check=False, crl_urls=_POINT)
    rows: tuple[tuple[str, Standing, str, list[bytes]], ...] = (
        ("good", "may", "A CRL that does not list it vouches for it", [SUB.crl(idp=_OF_DELEGATES)]),
        ("revoked", "may not", "A CRL lists it", [SUB.crl(idp=_OF_DELEGATES, revoked=[told.serial])]),
        ("unchecked", "may not", "It names a CRL, and there is none", []),
        (
            "stale",
            "may not",
            "A stale CRL vouches for nobody",
            [SUB.crl(idp=_OF_DELEGATES, next_update=NOW - hours(1))],
        ),
        ("forged", "may not", "A forged CRL vouches for nobody", [SUB.crl(idp=_OF_DELEGATES, corrupt_signature=True)]),
        (
            "elsewhere",
            "may not",
            "A CRL of another scope does not vouch for it",
            [SUB.crl(idp=IssuingDistributionPoint(["http://crl.example/others"]))],
        ),
    )
    for name, standing, rule, given in rows:
        yield Responder(
            f"delegate-without-nocheck-{name}",
            standing,
            f"{rule} (RFC 6960 §4.2.2.2.1).",
            {"responder": told},
            crls(*given),
        )


def _configured() -> Iterator[Responder]:
    own = Authority.root("Responder", ca=False).issued
    renewed = Authority.root("Responder", ca=False, key=key("p256", 8)).issued
    gone = Authority.root("Responder", ca=False, not_after=NOW - hours(1)).issued
    signs: OcspOverrides = {"responder": own}
    rows: tuple[tuple[str, Standing, str, OcspOverrides, tuple[Issued, ...]], ...] = (
        ("known", "may", "The operator trusts it", signs, (own,)),
        ("known-by-key", "may", "The operator trusts it", signs | {"responder_id": "key"}, (own,)),
        ("known-among-others", "may", "The operator trusts several", signs, (renewed, SISTER.issued, own)),
        ("known-and-not-sent", "may", "The operator has its certificate", signs | {"certificates": ()}, (own,)),
        ("unknown", "may not", "The operator trusts nobody", signs, ()),
        ("another", "may not", "The operator trusts somebody else", signs, (SISTER.issued,)),
        ("another-key", "may not", "The operator trusts another key of its name", signs, (renewed,)),
        ("expired", "may not", "The operator's word ends with the certificate", signs, (gone,)),
        ("forged", "may not", "One bit of its signature is another", signs | {"corrupt_signature": True}, (own,)),
    )
    for name, standing, rule, how, configured in rows:
        yield Responder(f"configured-{name}", standing, f"{rule} (RFC 6960 §4.2.2.2, 1).", how, configured=configured)
