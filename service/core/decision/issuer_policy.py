"""The policy for the certificates of one issuer: the operator's rules, of which the first that matches counts.

A rule is chosen by who issued a certificate, for each certificate of a path by itself. It changes what is asked of
that certificate, and nothing about the path or about those above it.

What a certificate declares still makes an answer needed where a rule fetches from elsewhere: other URLs never turn a
deny into an allow. Names and key identifiers are what a certificate says of its issuer: whoever may certify
authorities below an anchor may give them any. A rule that gives the issuer's certificate is about its key.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from service.core.model.certificate import Certificate, DistributionPoint
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.policy import (
    EvidenceOrder,
    Exemption,
    IssuerMatch,
    IssuerRule,
    Policy,
    RevocationMode,
    RevocationScope,
    UrlRule,
)
from service.core.model.reason import ALL_REASONS
from service.core.names.comparison import canonical


class Criterion(Enum):
    """What of an issuer a rule is held against."""

    NAME = "name"
    KEY_IDENTIFIER = "key identifier"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Matched:
    """The rule for the certificates of an issuer, and why it is that.

    Attributes:
        criteria: Everything that the rule gives; all of it fits.
    """

    rule: IssuerRule
    criteria: tuple[Criterion, ...]


def policy_for(issuer: Certificate, policy: Policy) -> Policy:
    """The policy for a certificate that `issuer` issued.

    Args:
        issuer: Who issued it.
        policy: The one for all, never one that this function has returned.

    Returns:
        The very policy where there are no rules, or none matches.
    """
    if not policy.issuer_rules:
        return policy
    found = matching_rule(issuer, policy.issuer_rules)
    return policy if found is None else _under(found.rule, policy)


def matching_rule(issuer: Certificate, rules: tuple[IssuerRule, ...]) -> Matched | None:
    """The first rule about an issuer, or None."""
    for rule in rules:
        criteria = _criteria(issuer, rule.match)
        if criteria:
            return Matched(rule, criteria)
    return None


def _criteria(issuer: Certificate, match: IssuerMatch) -> tuple[Criterion, ...]:
    """Everything that a rule gives, where all of it fits; nothing otherwise."""
    fitting = []
    if match.spki is not None:
        if match.spki != issuer.public_key.spki:
            return ()
        fitting.append(Criterion.KEY)
    if match.name is not None:
        if match.name != canonical(issuer.subject.der):
            return ()
        fitting.append(Criterion.NAME)
    if match.key_identifier is not None:
        if match.key_identifier != key_identifier(issuer):
            return ()
        fitting.append(Criterion.KEY_IDENTIFIER)
    return tuple(fitting)


def key_identifier(issuer: Certificate) -> bytes:
    """The subjectKeyIdentifier; where there is none, what most authorities would have put there: SHA-1 of the key.

    RFC 5280 §4.2.1.2, method 1. It names a key and proves nothing.
    """
    declared = issuer.extensions.subject_key_identifier
    return hashlib.sha1(issuer.public_key.bits, usedforsecurity=False).digest() if declared is None else declared


def _under(rule: IssuerRule, policy: Policy) -> Policy:
    return replace(
        policy,
        revocation_mode=rule.revocation_mode or policy.revocation_mode,
        revocation_scope=rule.revocation_scope or policy.revocation_scope,
        evidence_order=rule.evidence_order or policy.evidence_order,
        grace=policy.grace if rule.grace is None else rule.grace,
        ocsp_nonce=rule.ocsp_nonce or policy.ocsp_nonce,
        crl_urls=rule.crl_urls or policy.crl_urls,
        ocsp_urls=rule.ocsp_urls or policy.ocsp_urls,
        exemptions=rule.exemptions,
        issuer_rules=(),
    )


def with_asked(
    policy: Policy,
    mode: RevocationMode | None,
    scope: RevocationScope | None,
    order: EvidenceOrder | None,
) -> Policy:
    """The policy with what one request asks instead, None where it asks nothing: it goes before every rule."""
    return replace(
        policy,
        revocation_mode=mode or policy.revocation_mode,
        revocation_scope=scope or policy.revocation_scope,
        evidence_order=order or policy.evidence_order,
        issuer_rules=tuple(
            replace(
                rule,
                revocation_mode=mode or rule.revocation_mode,
                revocation_scope=scope or rule.revocation_scope,
                evidence_order=order or rule.evidence_order,
            )
            for rule in policy.issuer_rules
        ),
    )


def points_of(certificate: Certificate, policy: Policy) -> tuple[DistributionPoint, ...]:
    """Where CRLs about a certificate are fetched from; `policy` is that for its issuer.

    Each URL of the operator is a distribution point of its own. Which of its CRLs cover the certificate is still
    decided by what the certificate and the CRLs say (RFC 5280 §6.3.3 (b)).
    """
    declared = certificate.extensions.crl_distribution_points
    urls = policy.crl_urls
    if urls.rule is UrlRule.ADD and not urls.urls:
        return declared
    added = tuple(
        DistributionPoint((GeneralName(GeneralNameKind.URI, url.encode()),), ALL_REASONS) for url in urls.urls
    )
    return added if urls.rule is UrlRule.REPLACE else (*added, *declared)


def deltas_of(certificate: Certificate, policy: Policy) -> tuple[DistributionPoint, ...]:
    """Where a certificate says that delta CRLs are (RFC 5280 §4.2.1.15); `policy` is that for its issuer.

    Nowhere where the operator's URLs replace what certificates name. What a complete CRL names is its signer's word,
    and no business of this.
    """
    return () if policy.crl_urls.rule is UrlRule.REPLACE else certificate.extensions.freshest_crl


def named_crl_urls(policy: Policy) -> frozenset[str]:
    """The URLs of CRLs that the operator's rules give: nobody needs a certificate to know them."""
    return frozenset(url for rule in policy.issuer_rules if rule.crl_urls is not None for url in rule.crl_urls.urls)


def responders_of(certificate: Certificate, policy: Policy) -> tuple[str, ...]:
    """Which OCSP responders are asked about a certificate; `policy` is that for its issuer."""
    declared = certificate.extensions.ocsp_responders
    urls = policy.ocsp_urls
    if urls.rule is UrlRule.REPLACE:
        return urls.urls
    return (*urls.urls, *(url for url in declared if url not in urls.urls)) if urls.urls else declared


def expects_source(certificate: Certificate, policy: Policy) -> bool:
    """Whether a certificate, or the operator for its issuer, names a CRL or a responder; `policy` as above."""
    extensions = certificate.extensions
    named = (
        extensions.crl_distribution_points,
        extensions.ocsp_responders,
        policy.crl_urls.urls,
        policy.ocsp_urls.urls,
    )
    return any(named)


def exemption_of(certificate: Certificate, policy: Policy, at: datetime) -> Exemption | None:
    """Why a certificate needs no answer at a moment, or None; `policy` is that for its issuer."""
    for exemption in policy.exemptions:
        if exemption.serial_number == certificate.serial_number and at <= exemption.until:
            return exemption
    return None
