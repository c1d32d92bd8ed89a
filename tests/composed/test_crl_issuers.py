"""CRLs that not the issuer of the certificate signed with its one key: a renewed key, and another CRL issuer."""

from pathlib import Path
from typing import Final

import pytest

from service.core.model.policy import RevocationScope
from tests.adapters.http.servers import serve
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB
from tests.composed.world import GOOD, REVOKED, UNAVAILABLE, Publishing, composed, revocation, summary
from tests.pki import (
    Authority,
    DistributionPoint,
    Entry,
    Issued,
    IssuingDistributionPoint,
    key,
)

pytestmark = pytest.mark.anyio

RENEWED: Final = ROOT.subordinate("Sub", key=key("p384", 3))
LISTS: Final = ROOT.subordinate("Lists")
FOREIGN_LISTS: Final = STRANGER.subordinate("Lists")
NO_LISTS: Final = ROOT.subordinate("Lists", key_usage={"keyCertSign"})


def naming_lists(url: str) -> Issued:
    """A certificate of Sub's whose CRLs Lists signs."""
    return SUB.issue("leaf", crl_urls=[DistributionPoint([url], crl_issuer="Lists")])


def indirect(signer: Authority, url: str, *revoked: Entry) -> bytes:
    """A CRL that may list certificates of others."""
    return signer.crl(idp=IssuingDistributionPoint([url], indirect=True), revoked=revoked)


@pytest.mark.parametrize("revoked", [False, True], ids=["good", "revoked"])
async def test_a_renewed_key(directory: Path, revoked: bool) -> None:
    """What it signs is stored at the first request, and used; the next one asks nobody."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = SUB.issue("leaf", crl_urls=(url := f"http://ca.example:{server.port}/crl"))
        publishing.bodies["/crl"] = RENEWED.crl(revoked=[leaf.serial] if revoked else [])
        answers = [await service.ask(leaf, RENEWED) for _ in range(2)]
    expected = REVOKED if revoked else GOOD
    assert [expected, expected] == [summary(answer) for answer in answers]
    assert [(url, "origin"), (url, "host")] == [
        (revocation(answer)["source"], revocation(answer)["tier"]) for answer in answers
    ]
    assert 1 == len(server.received)


async def test_a_renewed_key_that_nobody_certifies(directory: Path) -> None:
    """A certificate that anybody made for the name and a key of his own gives no authority, held or not."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = SUB.issue("leaf", crl_urls=f"http://ca.example:{server.port}/crl")
        publishing.bodies["/crl"] = NAMESAKE.crl()
        answers = [await service.ask(leaf, NAMESAKE), await service.ask(leaf), await service.ask(leaf, NAMESAKE)]
    assert [UNAVAILABLE] * 3 == [summary(answer) for answer in answers]


async def test_a_revoked_key(directory: Path) -> None:
    """The CRLs of a key whose certificate is revoked are no evidence; Root's say that it is."""
    async with (
        composed(directory, revocation_scope=RevocationScope.CHAIN) as service,
        serve(publishing := Publishing()) as server,
    ):
        base = f"http://ca.example:{server.port}"
        renewed = ROOT.subordinate("Sub", key=key("p384", 3), crl_urls=f"{base}/root")
        leaf = SUB.issue("leaf", crl_urls=f"{base}/sub")
        publishing.bodies |= {"/sub": renewed.crl(), "/root": ROOT.crl(revoked=[renewed.serial])}
        answer = await service.ask(leaf, renewed)
    assert UNAVAILABLE == summary(answer)
    assert f"{base}/sub: the certificate of its signer is revoked" in answer["detail"]


@pytest.mark.parametrize("revoked", [False, True], ids=["good", "revoked"])
async def test_another_crl_issuer(directory: Path, revoked: bool) -> None:
    """It lists the certificates of the authority that names it, and is held under its own name and key."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = naming_lists(url := f"http://ca.example:{server.port}/crl")
        listed = [Entry(leaf.serial + 1), Entry(leaf.serial, "superseded", certificate_issuer="Sub")]
        publishing.bodies["/crl"] = indirect(LISTS, url, *(listed if revoked else []))
        answers = [await service.ask(leaf, LISTS) for _ in range(2)]
        assert [LISTS.issued.spki] == [held.signer_spki for held in service.store.held()]
    expected = REVOKED if revoked else GOOD
    assert [expected, expected] == [summary(answer) for answer in answers]
    assert ["superseded" if revoked else None] * 2 == [revocation(answer)["reason"] for answer in answers]
    assert 1 == len(server.received)


async def test_an_entry_that_is_there_twice(directory: Path) -> None:
    """A CRL that lists somebody twice makes nobody good, held and inline alike; whom it lists is revoked."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        url = f"http://ca.example:{server.port}/crl"
        listed, other = (SUB.issue(name, crl_urls=url) for name in ("listed", "other"))
        publishing.bodies["/crl"] = SUB.crl(revoked=[listed.serial, 7, 7])
        answers = [await service.ask(one) for one in (other, listed)]
    assert [UNAVAILABLE, REVOKED] == [summary(answer) for answer in answers]
    assert "an entry that is there twice" in answers[0]["detail"]


async def test_the_same_serial_number_of_others(directory: Path) -> None:
    """In an indirect CRL a serial number says nothing without whose it is."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = naming_lists(url := f"http://ca.example:{server.port}/crl")
        others = [Entry(leaf.serial), Entry(leaf.serial, certificate_issuer="Root")]
        publishing.bodies["/crl"] = indirect(LISTS, url, *others)
        assert GOOD == summary(await service.ask(leaf, LISTS))


@pytest.mark.parametrize(
    ("signer", "expected"),
    [
        (FOREIGN_LISTS, "issued by somebody else (CN=Lists)"),
        (NO_LISTS, "issued by somebody else (CN=Lists)"),
        (STRANGER, "issued by somebody else (CN=Stranger)"),
    ],
    ids=["below another anchor", "without cRLSign", "another name"],
)
async def test_a_crl_issuer_without_authority(directory: Path, signer: Authority, expected: str) -> None:
    """Neither the name alone nor the key alone is enough."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = naming_lists(url := f"http://ca.example:{server.port}/crl")
        publishing.bodies["/crl"] = indirect(signer, url)
        answers = [await service.ask(leaf, signer) for _ in range(2)]
    assert [UNAVAILABLE, UNAVAILABLE] == [summary(answer) for answer in answers]
    assert f"{url}: {expected}" in answers[0]["detail"]


async def test_a_crl_of_another_issuer_that_lists_only_its_own(directory: Path) -> None:
    """Whoever signs for others has to say so: the CRL must be an indirect one."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = naming_lists(url := f"http://ca.example:{server.port}/crl")
        publishing.bodies["/crl"] = LISTS.crl(idp=IssuingDistributionPoint([url]))
        answer = await service.ask(leaf, LISTS)
    assert UNAVAILABLE == summary(answer)
    assert f"{url}: does not cover this certificate" in answer["detail"]


@pytest.mark.parametrize(("crl_issuer", "good"), [("Sub", GOOD), (None, UNAVAILABLE)], ids=["expected", "unexpected"])
async def test_an_indirect_crl_of_the_issuer_itself(
    directory: Path, crl_issuer: str | None, good: tuple[str, str, str]
) -> None:
    """Its entries without an issuer are its own; it makes nothing good where the certificate does not expect it."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        urls = [f"http://ca.example:{server.port}/{name}" for name in ("good", "revoked")]
        leaves = [SUB.issue("leaf", crl_urls=[DistributionPoint([url], crl_issuer=crl_issuer)]) for url in urls]
        publishing.bodies |= {
            "/good": indirect(SUB, urls[0]),
            "/revoked": indirect(SUB, urls[1], Entry(leaves[1].serial)),
        }
        answers = [await service.ask(leaf) for leaf in leaves]
    assert [good, REVOKED] == [summary(answer) for answer in answers]
