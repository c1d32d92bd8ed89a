"""Which of the operator's rules is for which certificate of a chain, and why: for people who wrote the rules.

What it does not do: validate the chain, or look for evidence. Where no path leads to an anchor, names alone tell who
issued what, as far as certificates are at hand.
"""

from dataclasses import dataclass

from service.application.crl_urls import urls_of
from service.core.decision.issuer_policy import (
    Criterion,
    Matched,
    key_identifier,
    matching_rule,
    points_of,
    policy_for,
    responders_of,
)
from service.core.model.budget import Budget, BudgetExhaustedError
from service.core.model.certificate import Certificate
from service.core.model.policy import Exemption, Policy, RevocationScope
from service.core.model.trust_store import TrustStore
from service.core.names.comparison import canonical
from service.core.path.building import build_paths
from service.core.path.certification_path import CertificationPath

_CRITERIA = {
    Criterion.KEY: "the key of its issuer",
    Criterion.NAME: "the name of its issuer",
    Criterion.KEY_IDENTIFIER: "the key identifier of its issuer",
}


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What holds for one certificate.

    Attributes:
        issuer: Who issued it; None where that certificate is not at hand.
        rule: The rule for it, by its place in the settings; None for what holds for all.
        why: Why that rule, in words.
        policy: What holds for it.
        in_scope: Whether it is asked about where the first certificate of the chain is in question.
        crl_urls: Where CRLs about it are fetched.
        ocsp_urls: Which responders are asked.
        exemption: Why it needs no answer.
    """

    certificate: Certificate
    issuer: Certificate | None
    rule: str | None
    why: str
    policy: Policy
    in_scope: bool
    crl_urls: tuple[str, ...]
    ocsp_urls: tuple[str, ...]
    exemption: Exemption | None


def report_rules(leaf: Certificate, store: TrustStore, policy: Policy) -> tuple[RuleReport, ...]:
    """What holds for each certificate of a chain, leaf first, without the anchor.

    Args:
        leaf: Whose chain.
        store: Anchors and intermediates, those that came with the leaf included.
        policy: The operator's.
    """
    links = _links(leaf, store, policy)
    return tuple(_report(number, *link, policy) for number, link in enumerate(links))


def _links(leaf: Certificate, store: TrustStore, policy: Policy) -> list[tuple[Certificate, Certificate | None]]:
    try:
        for path in build_paths(leaf, store, policy, Budget(policy.limits)):
            if isinstance(path, CertificationPath):
                return [(certificate, path.issuer_of(number)) for number, certificate in enumerate(path.certificates)]
    except BudgetExhaustedError:
        pass
    return _named_links(leaf, store, policy.limits.path_length)


def _named_links(leaf: Certificate, store: TrustStore, limit: int) -> list[tuple[Certificate, Certificate | None]]:
    """Certificates and their issuers by name alone."""
    links: list[tuple[Certificate, Certificate | None]] = []
    certificate = leaf
    while len(links) <= limit:
        bearers = store.by_subject.get(canonical(certificate.issuer.der), ())
        issuer = next((one for one in bearers if one != certificate), None)
        links.append((certificate, issuer))
        if issuer is None or issuer in store.anchors or any(issuer == one for one, _ in links):
            break
        certificate = issuer
    return links


def _report(number: int, certificate: Certificate, issuer: Certificate | None, policy: Policy) -> RuleReport:
    matched = None if issuer is None else matching_rule(issuer, policy.issuer_rules)
    own = policy if issuer is None else policy_for(issuer, policy)
    return RuleReport(
        certificate=certificate,
        issuer=issuer,
        rule=None if matched is None else matched.rule.place,
        why=_why(certificate, issuer, matched, len(policy.issuer_rules)),
        policy=own,
        in_scope=not number or own.revocation_scope is RevocationScope.CHAIN,
        crl_urls=tuple(url for point in points_of(certificate, own) for url in urls_of(point)),
        ocsp_urls=responders_of(certificate, own),
        exemption=next((one for one in own.exemptions if one.serial_number == certificate.serial_number), None),
    )


def _why(certificate: Certificate, issuer: Certificate | None, matched: Matched | None, rules: int) -> str:
    if not rules:
        return "there are no rules for issuers"
    if issuer is None:
        return f"the certificate of its issuer, {certificate.issuer.text or 'without a name'}, is not at hand"
    if matched is not None:
        return f"the rule gives {' and '.join(_CRITERIA[one] for one in matched.criteria)}"
    name, identifier = issuer.subject.text or "without a name", key_identifier(issuer).hex()
    return f"no rule of {rules} is about its issuer, {name} (key identifier {identifier})"
