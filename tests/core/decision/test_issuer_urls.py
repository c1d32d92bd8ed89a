"""Rules for issuers say where evidence is fetched; that takes nothing away from what is needed."""

import pytest

from service.core.decision.issuer_policy import (
    deltas_of,
    points_of,
    policy_for,
    responders_of,
)
from service.core.model.name import GeneralName, GeneralNameKind
from service.core.model.policy import (
    IssuerRule,
    Policy,
    UrlRule,
    Urls,
)
from tests.core.decision.chains import (
    ALLOWED,
    ALLOWED_UNANSWERED,
    CRL,
    NONE,
    OCSP,
    REVOKED,
    UNAVAILABLE,
    certificate,
    chain,
    summary,
)
from tests.core.decision.issuer_rules import (
    BY_SUB,
    ELSEWHERE,
    LEAF,
    LEAF_ALONE,
    RULE,
    SUB,
    under,
)
from tests.core.decision.shell import CRL_URL, OCSP_URL, Outcome, Shelf, ask


def urls(*found: tuple[GeneralName, ...]) -> list[str]:
    """URLs of distribution points."""
    return [name.value.decode() for names in found for name in names if name.kind is GeneralNameKind.URI]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Urls(), [CRL_URL]),
        (Urls((ELSEWHERE,)), [ELSEWHERE, CRL_URL]),
        (Urls((ELSEWHERE,), UrlRule.REPLACE), [ELSEWHERE]),
        (Urls((), UrlRule.REPLACE), []),
    ],
)
def test_urls_of_crls(given: Urls, expected: list[str]) -> None:
    """Besides what the certificate declares, or instead of it."""
    policy = policy_for(SUB, under(IssuerRule(BY_SUB, crl_urls=given)))
    assert expected == urls(*(point.names for point in points_of(LEAF, policy)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Urls(), (OCSP_URL,)),
        (Urls((ELSEWHERE,)), (ELSEWHERE, OCSP_URL)),
        (Urls((ELSEWHERE, OCSP_URL)), (ELSEWHERE, OCSP_URL)),
        (Urls((ELSEWHERE,), UrlRule.REPLACE), (ELSEWHERE,)),
        (Urls((), UrlRule.REPLACE), ()),
    ],
)
def test_urls_of_responders(given: Urls, expected: tuple[str, ...]) -> None:
    """Besides what the certificate declares, each once, or instead of it."""
    declaring = certificate(chain(leaf=OCSP).leaf)
    policy = policy_for(SUB, under(IssuerRule(BY_SUB, ocsp_urls=given)))
    assert expected == responders_of(declaring, policy)


def asking(rule: IssuerRule, *, declares: bool, answered: bool) -> Outcome:
    """The question about a leaf whose issuer has a rule, where sources answer or do not."""
    chained = chain(leaf=CRL if declares else NONE)
    origin = Shelf((chained.sub.crl(),)) if answered else Shelf()
    policy = under(rule, general=Policy(revocation_scope=LEAF_ALONE))
    return ask(chained.leaf, chained.store, origin=origin, policy=policy)


def test_a_source_that_the_operator_adds_is_asked_and_makes_an_answer_needed() -> None:
    """A certificate that declares nothing is then one that has a source."""
    rule = IssuerRule(BY_SUB, crl_urls=Urls((ELSEWHERE,)))
    assert ALLOWED_UNANSWERED == summary(asking(RULE, declares=False, answered=False).verdict)
    assert UNAVAILABLE == summary(asking(rule, declares=False, answered=False).verdict)
    assert ALLOWED == summary(asking(rule, declares=False, answered=True).verdict)


def test_a_responder_that_the_operator_adds() -> None:
    """The same for OCSP."""
    chained = chain()
    policy = under(IssuerRule(BY_SUB, ocsp_urls=Urls((OCSP_URL,))), general=Policy(revocation_scope=LEAF_ALONE))
    origin = Shelf(ocsp=(chained.sub.ocsp(chained.leaf),))
    assert UNAVAILABLE == summary(ask(chained.leaf, chained.store, policy=policy).verdict)
    assert ALLOWED == summary(ask(chained.leaf, chained.store, origin=origin, policy=policy).verdict)


def test_sources_that_the_operator_takes_away_do_not_take_away_the_need() -> None:
    """Nothing is fetched, and what the certificate declares still asks for an answer."""
    rule = IssuerRule(BY_SUB, crl_urls=Urls((), UrlRule.REPLACE))
    found = asking(rule, declares=True, answered=True)
    assert (UNAVAILABLE, frozenset()) == (summary(found.verdict), found.fetched)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (Urls(), [ELSEWHERE]),
        (Urls((CRL_URL,)), [ELSEWHERE]),
        (Urls((CRL_URL,), UrlRule.REPLACE), []),
        (Urls((), UrlRule.REPLACE), []),
    ],
)
def test_urls_of_deltas(given: Urls, expected: list[str]) -> None:
    """A certificate's freshestCRL is a URL that it names, and is replaced with the others."""
    named = certificate(chain(leaf={"freshest_crl_urls": ELSEWHERE}).leaf)
    policy = policy_for(SUB, under(IssuerRule(BY_SUB, crl_urls=given)))
    assert expected == urls(*(point.names for point in deltas_of(named, policy)))


@pytest.mark.parametrize("named_by", ["certificate", "complete CRL", "both"])
@pytest.mark.parametrize("replaces", [UrlRule.REPLACE, UrlRule.ADD])
def test_whose_deltas_are_fetched(named_by: str, replaces: UrlRule) -> None:
    """What the certificate names is replaced; what a complete CRL names was signed by its issuer, and is fetched."""
    chained = chain(leaf={**CRL, "freshest_crl_urls": ELSEWHERE if named_by != "complete CRL" else None})
    base = chained.sub.crl(number=1, freshest_crl_urls=ELSEWHERE if named_by != "certificate" else None)
    delta = chained.sub.crl(number=2, delta_base=1, revoked=[chained.leaf.serial])
    rule = IssuerRule(BY_SUB, crl_urls=Urls((), replaces))
    policy = under(rule, general=Policy(revocation_scope=LEAF_ALONE))
    found = ask(chained.leaf, chained.store, held=Shelf((base,)), origin=Shelf((delta,)), policy=policy)
    are_fetched = replaces is UrlRule.ADD or named_by != "certificate"
    asked = any("leaf crl freshest" in wanted for wanted in found.rounds)
    assert (REVOKED if are_fetched else ALLOWED, are_fetched) == (summary(found.verdict), asked)
