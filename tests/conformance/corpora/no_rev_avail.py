"""noRevAvail (RFC 9608): a certificate about which there will never be an answer, and where that is not believed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from service.core.model.failure import Code
from service.core.model.policy import RevocationMode
from service.core.model.verdict import RevocationStatus
from tests.conformance.case import NOTHING, REQUIRING, UNANSWERED, Case, Corpus, refused
from tests.conformance.corpora.making import ABOUT_SUB, ROOT, SOUND, SUB, SUB_UNANSWERED, case, crls, ocsp
from tests.pki import CertificateOverrides, Extension, der, oids

_SKIPPED: Final = replace(UNANSWERED, path=(RevocationStatus.NOT_CHECKED, RevocationStatus.GOOD))
_INVALID: Final = refused(Code.CONSTRAINT_VIOLATION)
_CRITICAL: Final = Extension(oids.NO_REV_AVAIL, der.null(), critical=True)


def no_rev_avail() -> Corpus:
    """Alone, in every mode, and beside what contradicts it."""
    made = (*_alone(), *_contradicted(), *_authorities())
    return Corpus(
        "noRevAvail", "a short-lived certificate needs no answer, and nobody else is let off by saying so", made
    )


def _alone() -> Iterator[Case]:
    leaf = SUB.issue("leaf", no_rev_avail=True)
    for mode in (RevocationMode.REQUIRE, RevocationMode.HARD_FAIL, RevocationMode.SOFT_FAIL):
        policy = replace(REQUIRING, revocation_mode=mode)
        rule = "A certificate with noRevAvail needs no answer (RFC 9608 §4)."
        yield case(f"alone-{mode}", rule, (leaf, SUB), ABOUT_SUB, _SKIPPED, policy=policy)
    rule = "Where the issuer has a CRL all the same, none of it is needed (RFC 9608 §4)."
    yield case("beside-a-crl", rule, (leaf, SUB), ABOUT_SUB + crls(SUB.crl()), _SKIPPED)
    rule = "Its issuer is asked about as any other (RFC 9608 §4)."
    yield case("and-its-issuer", rule, (leaf, SUB), NOTHING, replace(SUB_UNANSWERED, path=None))


def _contradicted() -> Iterator[Case]:
    url = "http://ca.example/"
    declared: tuple[tuple[str, CertificateOverrides], ...] = (
        ("crl", {"crl_urls": url}),
        ("ocsp", {"ocsp_urls": url}),
        ("freshest-crl", {"freshest_crl_urls": url}),
    )
    for name, how in declared:
        leaf = SUB.issue("leaf", **(how | {"no_rev_avail": True}))
        rule = "A certificate with noRevAvail and a place to ask is invalid (RFC 9608 §3)."
        good = crls(SUB.crl()) + ocsp(SUB.ocsp(leaf))
        yield case(f"beside-a-declared-{name}", rule, (leaf, SUB), ABOUT_SUB, _INVALID)
        yield case(f"beside-a-declared-{name}-good", rule, (leaf, SUB), ABOUT_SUB + good, _INVALID)
    leaf = SUB.issue("leaf", extensions=[_CRITICAL])
    yield case("critical", "noRevAvail MUST NOT be critical (RFC 9608 §2).", (leaf, SUB), ABOUT_SUB, _INVALID)
    leaf = SUB.issue("leaf", extensions=[replace(_CRITICAL, critical=False, value=der.TRUE)])
    rule = "The value of noRevAvail is NULL (RFC 9608 §2)."
    yield case("with-another-value", rule, (leaf, SUB), ABOUT_SUB, refused(Code.MALFORMED))
    leaf = SUB.issue("leaf", ca=None, no_rev_avail=True)
    rule = "Without basicConstraints it is no authority (RFC 9608 §3)."
    yield case("without-basic-constraints", rule, (leaf, SUB), ABOUT_SUB, _SKIPPED)


def _authorities() -> Iterator[Case]:
    sub = ROOT.subordinate("Sub", no_rev_avail=True)
    leaf = sub.issue("leaf")
    rule = "An authority's certificate with noRevAvail is invalid (RFC 9608 §3)."
    for name, about in (("without-an-answer", NOTHING), ("with-a-good-one", ABOUT_SUB)):
        yield case(f"authority-{name}", rule, (leaf, sub), about + crls(sub.crl()), _INVALID)
    plain = ROOT.subordinate("Sub")
    for name, about, expected in (("without", NOTHING, SUB_UNANSWERED), ("with", ABOUT_SUB, SOUND)):
        rule = "An authority's certificate needs an answer."
        yield case(f"authority-{name}", rule, (plain.issue("leaf"), plain), about + crls(plain.crl()), expected)
