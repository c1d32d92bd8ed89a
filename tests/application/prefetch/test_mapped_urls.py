"""URLs of certificates that lead to a place of the operator's."""

from pathlib import Path

import pytest

from service.core.model.attempt import Problem
from tests.application.chain import leaf, order
from tests.application.prefetch.world import HOUR, Setup, VersionedOrigin, crl, place, world
from tests.application.world import ALLOWED, REVOKED
from tests.pki import IssuingDistributionPoint

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("sub_known")]


async def test_a_mapped_url_is_fetched_from_its_place(store_directory: Path, crls: Path) -> None:
    """A certificate's http URL leads to a directory, in orders and refreshes, and nobody asks the URL itself.

    The CRL of a partition bears the certificate's URL as its critical scope, as AWS Private CA writes it.
    """
    url = "http://crl.private/crl/0001.crl"
    certificate = leaf(crl_urls=[url])
    place(crls, "0001.crl", partition(1, url))
    with world(store_directory, Setup(url_map=(("http://crl.private/crl/", f"{crls}/"),))) as service:
        await service.loops.begin()
        assert ALLOWED == await service.ask(certificate)
        place(crls, "0001.crl", partition(2, url, certificate.serial_number))
        await service.go(HOUR)
        assert REVOKED == await service.ask(certificate)
        assert [] == service.origin.requests


def partition(number: int, url: str, *revoked: int) -> bytes:
    """A CRL of one partition."""
    return crl(number, idp=IssuingDistributionPoint([url]), revoked=list(revoked))


async def test_a_mapped_url_has_no_other_place(store_directory: Path, crls: Path) -> None:
    """What is not there is nowhere, and a URL that leads out of the directory leads nowhere."""
    (store_directory / "secret.crl").write_bytes(crl(1))
    prefix = "http://crl.private/"
    origin = VersionedOrigin({prefix: crl(1)})
    with world(store_directory, Setup(url_map=((prefix, f"{crls}/"),)), origin) as service:
        problems = [
            (await service.prefetcher.fetch(order(f"{prefix}{rest}")))[0].problem
            for rest in ("absent.crl", "../secret.crl", "%2e%2e/secret.crl", "..%2Fsecret.crl", "a?b", "%00")
        ]
        assert [Problem.UNREACHABLE, *[Problem.EGRESS_REFUSED] * 5] == problems
        assert ([], set()) == (origin.requests, service.numbers)


async def test_files_that_are_absent_open_no_breaker(store_directory: Path, crls: Path) -> None:
    """One file says nothing about another."""
    prefix = "http://crl.private/"
    with world(store_directory, Setup(url_map=((prefix, f"{crls}/"),))) as service:
        for number in range(5):
            await service.prefetcher.fetch(order(f"{prefix}{number}.crl"))
        place(crls, "sub.crl", crl(1))
        assert () == await service.prefetcher.fetch(order(f"{prefix}sub.crl"))
