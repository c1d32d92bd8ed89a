"""No certificate makes the service fetch before it chains to an anchor: no name is asked for, nothing connected to."""

from pathlib import Path
from typing import Final, Unpack

import pytest

from tests.adapters.http.servers import serve
from tests.application.chain import NAMESAKE, ROOT, STRANGER, SUB
from tests.composed.world import GOOD, UNAVAILABLE, Publishing, composed, summary
from tests.pki import NOW, Authority, CertificateOverrides, Issued, days, key

pytestmark = pytest.mark.anyio

EVERYTHING: Final[CertificateOverrides] = {
    "crl_urls": "http://ca.example/crl",
    "freshest_crl_urls": "http://ca.example/delta",
    "ocsp_urls": "http://ca.example/ocsp",
    "ca_issuers": "http://ca.example/issuer",
}
"""Every URL that a certificate can name."""


def leaf_of(issuer: Authority, **overrides: Unpack[CertificateOverrides]) -> Issued:
    """A certificate that names every URL, and has something wrong with it."""
    return issuer.issue("leaf", **(EVERYTHING | overrides))


def below(issuer: Authority, subject: str, **overrides: Unpack[CertificateOverrides]) -> Authority:
    """An authority of the same kind."""
    return issuer.subordinate(subject, **(EVERYTHING | overrides))


FOREIGN: Final = below(STRANGER, "Foreign")
NO_AUTHORITY: Final = below(SUB, "No authority", ca=False)
EXPIRED: Final = below(ROOT, "Expired", not_after=NOW - days(1))

UNCHAINED: Final[list[tuple[str, tuple[Issued | Authority, ...]]]] = [
    ("a stranger's", (leaf_of(STRANGER),)),
    ("a stranger's, with the whole chain", (leaf_of(FOREIGN), FOREIGN, STRANGER)),
    ("self-signed", (Authority.root("leaf", **EVERYTHING),)),
    ("a namesake's", (leaf_of(NAMESAKE), NAMESAKE)),
    ("forged", (leaf_of(SUB, corrupt_signature=True),)),
    ("expired", (leaf_of(SUB, not_after=NOW - days(1)),)),
    ("not yet valid", (leaf_of(SUB, not_before=NOW + days(1)),)),
    ("for servers", (leaf_of(SUB, extended_key_usage="serverAuth"),)),
    ("weak", (leaf_of(SUB, key=key("rsa1024")),)),
    ("below no authority", (leaf_of(NO_AUTHORITY), NO_AUTHORITY)),
    ("below an expired authority", (leaf_of(EXPIRED), EXPIRED)),
    ("without its issuer", (leaf_of(ROOT.subordinate("Absent")),)),
]


@pytest.mark.parametrize("chain", [chain for _, chain in UNCHAINED], ids=[name for name, _ in UNCHAINED])
async def test_nothing_is_fetched(directory: Path, chain: tuple[Issued | Authority, ...]) -> None:
    """Denied without asking anybody."""
    async with composed(directory) as service:
        answer = await service.ask(*chain)
    assert ("deny", "invalid") == (answer["decision"], answer["status"])
    assert ([], []) == (service.names.asked, service.connector.asked)


async def test_what_lies_beside_the_chain_is_not_fetched(directory: Path) -> None:
    """Certificates that came with the request and are no part of a valid path name nothing."""
    async with composed(directory) as service, serve(Publishing({"/crl": SUB.crl()})) as server:
        leaf = SUB.issue("leaf", crl_urls=f"http://ca.example:{server.port}/crl")
        twin = STRANGER.subordinate("Sub", key=key("p256", 2), crl_urls="http://inside.example/")
        answer = await service.ask(leaf, twin, FOREIGN, STRANGER)
    assert (GOOD, ["ca.example"], 1) == (summary(answer), service.names.asked, len(server.received))


async def test_issuers_are_never_fetched(directory: Path) -> None:
    """Neither where one is missing nor where the chain is whole; its CRL is, and where deltas of that are."""
    async with composed(directory) as service, serve(Publishing({"/crl": SUB.crl()})) as server:
        base = f"http://ca.example:{server.port}"
        named: CertificateOverrides = {
            "crl_urls": f"{base}/crl",
            "ca_issuers": f"{base}/issuer",
            "freshest_crl_urls": f"{base}/delta",
        }
        absent = ROOT.subordinate("Absent")
        answers = [await service.ask(issuer.issue("leaf", **named)) for issuer in (absent, SUB)]
    assert ["deny", "allow"] == [answer["decision"] for answer in answers]
    assert ["GET /crl HTTP/1.1", "GET /delta HTTP/1.1"] == [received.line for received in server.received]


async def test_a_stranger_as_delegate(directory: Path) -> None:
    """What a responder sends along is fetched for only where the issuer itself has signed it."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        url = f"http://ca.example:{server.port}/ocsp"
        leaf = SUB.issue("leaf", ocsp_urls=url)
        inside = "http://inside.example/crl"
        stranger = STRANGER.ocsp_responder("OCSP", no_check=False, crl_urls=inside)
        namesake = NAMESAKE.ocsp_responder("OCSP", no_check=False, crl_urls=inside)
        answers = []
        for delegate in (stranger, namesake):
            publishing.bodies["/ocsp"] = SUB.ocsp(leaf, responder=delegate)
            answers.append(await service.ask(leaf))
    assert [UNAVAILABLE, UNAVAILABLE] == [summary(answer) for answer in answers]
    assert {"ca.example"} == set(service.names.asked)
