"""CRLs of the test PKI as the core receives them: what is known of the list, and one entry of it.

Rules: a finding is made the way that a host makes one: the CRL is read, its signature is tried under the keys of some
authorities, and one serial number is looked up among its rows.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final, Unpack

from service.core.crl.entries import entry_key, rows
from service.core.crl.issuer import check_issuer, is_issuers_own, may_sign_crls
from service.core.crl.judging import AuthenticCrl, age, judge_crls
from service.core.der.certificate import read_certificate
from service.core.der.crl import read_crl
from service.core.der.crl_entry import unpack
from service.core.der.signature import SignatureResult, verify
from service.core.freshness.window import LAST_MOMENT
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.crl import CrlFinding, CrlMeta
from service.core.model.evidence_tier import Tier
from service.core.model.judgement import Judgement
from service.core.model.policy import Policy
from service.core.names.comparison import canonical
from tests.pki import NOW, Authority, CrlOverrides, Issued

DEFAULT: Final = Policy()
URL: Final = "http://crl.example/sub.crl"

ROOT: Final = Authority.root("Root")
SUB: Final = ROOT.subordinate("Sub")
LEAF: Final = SUB.issue("leaf", crl_urls=URL)
STRANGER: Final = Authority.root("Stranger")


def read(link: Issued | Authority) -> Certificate:
    """A certificate as the core reads it."""
    return read_certificate(link.der)


def meta(issuer: Authority = SUB, **overrides: Unpack[CrlOverrides]) -> CrlMeta:
    """What is known of a CRL."""
    return read_crl(issuer.crl(**overrides)).meta


def look_up(
    crl: bytes,
    about: Issued | Authority = LEAF,
    tried: tuple[Authority, ...] = (SUB, ROOT),
    source: str = URL,
    tier: Tier = Tier.HOST,
) -> CrlFinding:
    """One CRL asked about one certificate; its signature is verified under the keys of those that are `tried`."""
    document = read_crl(crl)
    keys = (read(authority).public_key for authority in tried)
    signer = next((key.spki for key in keys if verify(document.signature, key) is SignatureResult.VALID), None)
    key = entry_key(canonical(document.meta.issuer.der), read(about))
    entry = next((unpack(record) for listed, record in rows(document) if listed == key), None)
    return CrlFinding(document.meta, entry, signer, source, tier)


def finding(**overrides: Unpack[CrlOverrides]) -> CrlFinding:
    """What a CRL of `SUB` says of `LEAF`."""
    return look_up(SUB.crl(**overrides))


def judged(
    *findings: CrlFinding, about: Issued = LEAF, issuer: Authority = SUB, policy: Policy = DEFAULT, at: datetime = NOW
) -> Judgement:
    """What CRLs together say of a certificate, those of them that its issuer itself signed."""
    certificate, signer = read(about), read(issuer)
    crls: list[AuthenticCrl] = []
    attempts: list[Attempt] = []
    for one in sorted(findings, key=age):
        problem = check_issuer(one, certificate, policy)
        if problem is None and not (is_issuers_own(one, signer) and may_sign_crls(signer)):
            problem = Problem.UNAUTHORIZED_SIGNER
        if problem is None:
            crls.append(AuthenticCrl(one, LAST_MOMENT))
        else:
            attempts.append(Attempt(one.source, problem))
    judgement = judge_crls(crls, certificate, policy, at)
    return replace(judgement, attempts=(*attempts, *judgement.attempts))
