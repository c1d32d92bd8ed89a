"""Which rule is for which certificate, and why, in words."""

from dataclasses import replace
from typing import Final

from service.application.issuer_report import RuleReport, report_rules
from service.core.decision.issuer_policy import key_identifier
from service.core.model.budget import Limits
from service.core.model.policy import (
    Exemption,
    IssuerMatch,
    IssuerRule,
    Policy,
    RevocationMode,
    RevocationScope,
    UrlRule,
    Urls,
)
from service.core.model.trust_store import TrustStore
from service.core.names.rfc4514 import canonical_of_text
from tests.core.decision.chains import BOTH, certificate, chain
from tests.core.decision.shell import CRL_URL, OCSP_URL, trusting
from tests.pki import NOW, Authority

CHAIN: Final = chain(leaf=BOTH)
LEAF: Final = certificate(CHAIN.leaf)
SUB: Final = certificate(CHAIN.sub)
EXEMPTION: Final = Exemption(LEAF.serial_number, NOW, "known")
BY_SUB: Final = IssuerRule(
    IssuerMatch(canonical_of_text("CN=Sub"), key_identifier(SUB)),
    place="issuer[1]",
    revocation_mode=RevocationMode.SOFT_FAIL,
    crl_urls=Urls(("http://a/",)),
    ocsp_urls=Urls(("http://b/",), UrlRule.REPLACE),
    exemptions=(EXEMPTION,),
)
BY_ROOT: Final = IssuerRule(
    IssuerMatch(spki=certificate(CHAIN.root).public_key.spki),
    place="issuer[2]",
    revocation_scope=RevocationScope.LEAF,
)


def reports(*rules: IssuerRule, store: TrustStore = CHAIN.store, limits: Limits | None = None) -> list[RuleReport]:
    """What holds for the chain of the leaf."""
    return list(report_rules(LEAF, store, Policy(issuer_rules=rules, limits=limits or Limits())))


def test_each_certificate_has_the_rule_of_its_issuer() -> None:
    """With what it comes to."""
    leaf, sub = reports(BY_SUB, BY_ROOT)
    assert (LEAF, SUB, "issuer[1]") == (leaf.certificate, leaf.issuer, leaf.rule)
    assert "the rule gives the name of its issuer and the key identifier of its issuer" == leaf.why
    assert (("http://a/", CRL_URL), ("http://b/",), EXEMPTION) == (leaf.crl_urls, leaf.ocsp_urls, leaf.exemption)
    assert (RevocationMode.SOFT_FAIL, True) == (leaf.policy.revocation_mode, leaf.in_scope)
    assert ("issuer[2]", "the rule gives the key of its issuer") == (sub.rule, sub.why)
    assert (False, RevocationMode.HARD_FAIL, (), None) == (
        sub.in_scope,
        sub.policy.revocation_mode,
        sub.crl_urls,
        sub.exemption,
    )


def test_without_rules() -> None:
    """What holds for all."""
    found = reports()
    assert [(None, "there are no rules for issuers")] * 2 == [(one.rule, one.why) for one in found]
    assert ((CRL_URL,), (OCSP_URL,)) == (found[0].crl_urls, found[0].ocsp_urls)


def test_a_rule_about_somebody_else() -> None:
    """What the rule would have had to give."""
    leaf, sub = reports(BY_ROOT)
    expected = f"no rule of 1 is about its issuer, CN=Sub (key identifier {key_identifier(SUB).hex()})"
    assert ((None, expected), "issuer[2]") == ((leaf.rule, leaf.why), sub.rule)


def test_a_chain_without_an_anchor() -> None:
    """As far as names lead; then nobody knows."""
    (leaf,) = reports(BY_SUB, store=trusting(Authority.root("Other")))
    assert (None, None, "the certificate of its issuer, CN=Sub, is not at hand") == (leaf.issuer, leaf.rule, leaf.why)
    leaf, sub = reports(BY_SUB, store=trusting(Authority.root("Other"), CHAIN.sub))
    assert ("issuer[1]", None) == (leaf.rule, sub.issuer)


def test_a_chain_that_is_too_expensive() -> None:
    """Names tell as much as is wanted here."""
    leaf, sub = reports(BY_SUB, BY_ROOT, limits=replace(Limits(), signatures=0))
    assert ("issuer[1]", "issuer[2]") == (leaf.rule, sub.rule)


def test_names_that_lead_back() -> None:
    """Each is told of once."""
    one = Authority.root("One")
    other = one.subordinate("Other")
    loop = other.subordinate("One", key=one.key)
    store = trusting(Authority.root("Root"), other, loop)
    found = report_rules(certificate(other), store, Policy())
    assert [certificate(other), certificate(loop)] == [each.certificate for each in found]
