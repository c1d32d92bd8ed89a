"""No certificate makes the service fetch before it chains to an anchor: no name is asked for, nothing connected to."""

from pathlib import Path
from typing import Final

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

FOREIGN: Final = STRANGER.subordinate("Foreign", **EVERYTHING)
NO_AUTHORITY: Final = SUB.subordinate("No authority", ca=False, **EVERYTHING)
EXPIRED: Final = ROOT.subordinate("Expired", not_after=NOW - days(1), **EVERYTHING)

UNCHAINED: Final[list[tuple[str, tuple[Issued | Authority, ...]]]] = [
    ("a stranger's", (STRANGER.issue("leaf", **EVERYTHING),)),
    ("a stranger's, with the whole chain", (FOREIGN.issue("leaf", **EVERYTHING), FOREIGN, STRANGER)),
    ("self-signed", (Authority.root("leaf", **EVERYTHING),)),
    ("a namesake's", (NAMESAKE.issue("leaf", **EVERYTHING), NAMESAKE)),
    ("forged", (SUB.issue("leaf", corrupt_signature=True, **EVERYTHING),)),
    ("expired", (SUB.issue("leaf", not_after=NOW - days(1), **EVERYTHING),)),
    ("not yet valid", (SUB.issue("leaf", not_before=NOW + days(1), **EVERYTHING),)),
    ("for servers", (SUB.issue("leaf", extended_key_usage="serverAuth", **EVERYTHING),)),
    ("weak", (SUB.issue("leaf", key=key("rsa1024"), **EVERYTHING),)),
    ("below no authority", (NO_AUTHORITY.issue("leaf", **EVERYTHING), NO_AUTHORITY)),
    ("below an expired authority", (EXPIRED.issue("leaf", **EVERYTHING), EXPIRED)),
    ("without its issuer", (ROOT.subordinate("Absent").issue("leaf", **EVERYTHING),)),
]


@pytest.mark.parametrize("chain", [chain for _, chain in UNCHAINED], ids=[name for name, _ in UNCHAINED])
async def test_nothing_is_fetched(tmp_path: Path, chain: tuple[Issued | Authority, ...]) -> None:
    """Denied without asking anybody."""
    async with composed(tmp_path) as service:
        answer = await service.ask(*chain)
    assert ("deny", "invalid") == (answer["decision"], answer["status"])
    assert ([], []) == (service.names.asked, service.connector.asked)


async def test_what_lies_beside_the_chain_is_not_fetched(tmp_path: Path) -> None:
    """Certificates that came with the request and are no part of a valid path name nothing."""
    async with composed(tmp_path) as service, serve(Publishing({"/crl": SUB.crl()})) as server:
        leaf = SUB.issue("leaf", crl_urls=f"http://ca.example:{server.port}/crl")
        twin = STRANGER.subordinate("Sub", key=key("p256", 2), **{**EVERYTHING, "crl_urls": "http://inside.example/"})
        answer = await service.ask(leaf, twin, FOREIGN, STRANGER)
    assert (GOOD, ["ca.example"], 1) == (summary(answer), service.names.asked, len(server.received))


async def test_issuers_are_never_fetched(tmp_path: Path) -> None:
    """Neither where one is missing nor where the chain is whole; nor are deltas."""
    async with composed(tmp_path) as service, serve(Publishing({"/crl": SUB.crl()})) as server:
        base = f"http://ca.example:{server.port}"
        named: CertificateOverrides = {"ca_issuers": f"{base}/issuer", "freshest_crl_urls": f"{base}/delta"}
        answers = [
            await service.ask(ROOT.subordinate("Absent").issue("leaf", **named)),
            await service.ask(SUB.issue("leaf", crl_urls=f"{base}/crl", **named)),
        ]
    assert ["deny", "allow"] == [answer["decision"] for answer in answers]
    assert ["GET /crl HTTP/1.1"] == [received.line for received in server.received]


async def test_a_stranger_as_delegate(tmp_path: Path) -> None:
    """What a responder sends along is fetched for only where the issuer itself has signed it."""
    async with composed(tmp_path) as service, serve(publishing := Publishing()) as server:
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
