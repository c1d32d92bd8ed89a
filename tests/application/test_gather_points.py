"""Which of the distribution points that a certificate declares are fetched, and what is said of the others."""

from typing import Final

import pytest
from cryptography import x509

from service.adapters.lmdb.store import Store
from service.adapters.nonces import RandomNonces
from service.application.crl_urls import MAX_DISTRIBUTION_POINTS, MAX_URLS, fetchable_points, skipped_points
from service.application.gather import Gatherer, GatherRequest, Sources
from service.application.inline_evidence import InlineEvidence
from service.application.observer import NullObserver
from service.application.ocsp_client import OcspClient, OcspRules
from service.core.model.attempt import Attempt, Problem
from service.core.model.certificate import Certificate
from service.core.model.certificate import DistributionPoint as Point
from service.core.model.evidence import Evidence
from service.core.model.policy import Policy
from tests.application.chain import CRL_URL, crls_wanted, leaf
from tests.application.fakes import ScriptedFetcher, ScriptedOrigin
from tests.application.manual_clock import ManualClock
from tests.pki import DistributionPoint

LDAP: Final = "ldap://ldap.example/cn=Sub?certificateRevocationList"
ELSEWHERE: Final = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Directory")]))


def points_of(certificate: Certificate) -> tuple[Point, ...]:
    """The distribution points that a certificate declares."""
    return certificate.extensions.crl_distribution_points


def urls(count: int) -> list[str]:
    """So many URLs."""
    return [f"http://crl.example/{number}.crl" for number in range(count)]


async def fetched(
    store: Store, certificate: Certificate, sources: Sources = Sources.ALL
) -> tuple[list[str], list[str]]:
    """The first URL of each order for a certificate, and the sources of all attempts."""
    fetcher, clock = ScriptedFetcher(), ManualClock()
    client = OcspClient(ScriptedOrigin(), store, clock, NullObserver(), OcspRules(Policy(), 1.0), RandomNonces())
    wanted = crls_wanted(certificate)
    gatherer = Gatherer(store, store, fetcher, client, clock)
    evidence = await gatherer.gather([wanted], Evidence(), GatherRequest(InlineEvidence(), sources, 10.0))
    attempts = [attempt.source for attempt in evidence.crls[wanted].attempts]
    return [order.urls[0] for order in fetcher.orders], attempts


def test_one_url() -> None:
    """The usual certificate."""
    certificate = leaf(crl_urls=CRL_URL)
    assert ((CRL_URL,),) == fetchable_points(points_of(certificate))
    assert () == skipped_points(points_of(certificate))


def test_nothing_declared() -> None:
    """There is nothing to fetch and nothing to say."""
    assert ((), ()) == (fetchable_points(points_of(leaf())), skipped_points(points_of(leaf())))


def test_several_urls_of_one_point() -> None:
    """They are one order: they lead to the same CRL."""
    certificate = leaf(crl_urls=[DistributionPoint(urls(2))])
    assert (tuple(urls(2)),) == fetchable_points(points_of(certificate))


def test_several_points() -> None:
    """Each may be a CRL of its own."""
    assert tuple((url,) for url in urls(2)) == fetchable_points(points_of(leaf(crl_urls=urls(2))))


def test_a_point_that_is_declared_twice() -> None:
    """For different reasons, most often: it is fetched once."""
    points = [DistributionPoint([CRL_URL], reasons={reason}) for reason in ("keyCompromise", "superseded")]
    assert ((CRL_URL,),) == fetchable_points(points_of(leaf(crl_urls=points)))


@pytest.mark.parametrize("url", ["http://a.example/", "HTTP://a.example/", "https://a.example/", "Https://a.example/"])
def test_http_in_any_case(url: str) -> None:
    """Schemes are compared without case (RFC 3986 §3.1)."""
    points = points_of(leaf(crl_urls=url))
    assert (((url,),), ()) == (fetchable_points(points), skipped_points(points))


@pytest.mark.parametrize("url", [LDAP, "ftp://a.example/", "file:///etc/passwd", "httpx://a.example/", ""])
def test_any_other_scheme_is_skipped_by_name(url: str) -> None:
    """Nobody fetches it, and the answer says so."""
    certificate = leaf(crl_urls=url)
    assert () == fetchable_points(points_of(certificate))
    assert (Attempt(url, Problem.UNSUPPORTED_SCHEME),) == skipped_points(points_of(certificate))


def test_ldap_beside_http() -> None:
    """Microsoft's certificates have both in one point: the one is named, the other fetched."""
    certificate = leaf(crl_urls=[DistributionPoint([LDAP, CRL_URL])])
    assert ((CRL_URL,),) == fetchable_points(points_of(certificate))
    assert (Attempt(LDAP, Problem.UNSUPPORTED_SCHEME),) == skipped_points(points_of(certificate))


def test_a_point_of_another_crl_issuer() -> None:
    """It is fetched like any other: who signs what is there makes no difference to where it is."""
    certificate = leaf(crl_urls=[DistributionPoint([CRL_URL], crl_issuer="Another"), LDAP])
    assert ((CRL_URL,),) == fetchable_points(points_of(certificate))
    assert (Attempt(LDAP, Problem.UNSUPPORTED_SCHEME),) == skipped_points(points_of(certificate))


def test_a_point_of_another_crl_issuer_without_a_url() -> None:
    """It says who signs and not where: there is nothing else to call it by."""
    points = points_of(leaf(crl_urls=[DistributionPoint(crl_issuer="Another")]))
    assert (Attempt("distribution point", Problem.UNSUPPORTED, "no URL"),) == skipped_points(points)
    assert () == fetchable_points(points)


def test_a_point_without_a_url() -> None:
    """An entry of a directory that nobody says how to reach: the answer does not claim that nothing is declared."""
    certificate = leaf(crl_urls=[DistributionPoint([ELSEWHERE])])
    assert () == fetchable_points(points_of(certificate))
    assert (Attempt("distribution point", Problem.UNSUPPORTED, "no URL"),) == skipped_points(points_of(certificate))


@pytest.mark.anyio
@pytest.mark.parametrize("sources", list(Sources))
async def test_what_is_skipped_is_an_attempt_wherever_evidence_comes_from(store: Store, sources: Sources) -> None:
    """It was declared, and nobody will ever fetch it."""
    assert ([], [LDAP]) == await fetched(store, leaf(crl_urls=LDAP), sources)


@pytest.mark.anyio
async def test_no_certificate_makes_us_fetch_without_end(store: Store) -> None:
    """Points behind the limit are not ordered, and neither are URLs of one point."""
    ordered, _ = await fetched(store, leaf(crl_urls=urls(MAX_DISTRIBUTION_POINTS + 1)))
    assert urls(MAX_DISTRIBUTION_POINTS) == ordered


@pytest.mark.anyio
async def test_no_point_makes_us_fetch_without_end(store: Store) -> None:
    """URLs behind the limit are not tried."""
    fetcher, clock = ScriptedFetcher(), ManualClock()
    client = OcspClient(ScriptedOrigin(), store, clock, NullObserver(), OcspRules(Policy(), 1.0), RandomNonces())
    certificate = leaf(crl_urls=[DistributionPoint(urls(MAX_URLS + 1))])
    wanted = crls_wanted(certificate)
    request = GatherRequest(InlineEvidence(), Sources.ALL, 10.0)
    await Gatherer(store, store, fetcher, client, clock).gather([wanted], Evidence(), request)
    assert [tuple(urls(MAX_URLS))] == [order.urls for order in fetcher.orders]
