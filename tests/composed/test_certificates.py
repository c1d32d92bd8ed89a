"""Requests that are hostile themselves: what is no certificate, too many of them, and keys that nobody works with."""

from base64 import b64encode
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from service.application.crl_urls import MAX_DISTRIBUTION_POINTS, MAX_URLS
from service.application.ocsp_client import MAX_RESPONDERS
from service.core.model.budget import Limits
from service.core.model.policy import EvidenceOrder
from tests.adapters.http.servers import always, head, serve
from tests.application.chain import ROOT, STRANGER, SUB
from tests.composed.world import GOOD, UNAVAILABLE, UNTRUSTED, Publishing, composed, summary
from tests.pki import (
    Authority,
    CertificateOverrides,
    DistributionPoint,
    Extension,
    IssuingDistributionPoint,
    bundle,
    key,
    oids,
    pem,
    public_key,
)

pytestmark = pytest.mark.anyio

MALFORMED: Final = ("deny", "invalid", "malformed")
UNSUPPORTED: Final = ("deny", "invalid", "unsupported")
EXHAUSTED: Final = ("deny", "unknown", "budget_exhausted")

LEAF: Final = SUB.issue("leaf")
NAMED: Final[CertificateOverrides] = {"crl_urls": "http://ca.example/crl", "ocsp_urls": "http://ca.example/ocsp"}

# --- no certificate --------------------------------------------------------------------------------------------------

EXTENSIONS: Final = [
    oids.BASIC_CONSTRAINTS,
    oids.KEY_USAGE,
    oids.EXTENDED_KEY_USAGE,
    oids.SUBJECT_ALT_NAME,
    oids.CRL_DISTRIBUTION_POINTS,
    oids.AUTHORITY_INFO_ACCESS,
    oids.CERTIFICATE_POLICIES,
    oids.AUTHORITY_KEY_IDENTIFIER,
    oids.SUBJECT_KEY_IDENTIFIER,
]
PLAIN: Final[CertificateOverrides] = {
    "ca": None,
    "key_usage": None,
    "extended_key_usage": None,
    "subject_key_identifier": None,
    "authority_key_identifier": None,
}
"""Without extensions of its own, so that the broken one is not there twice."""


@pytest.mark.parametrize("value", [b"", b"\x30", b"garbage", b"\x30\x80" * 500], ids=["empty", "cut", "text", "nested"])
@pytest.mark.parametrize("oid", EXTENSIONS)
async def test_an_extension_that_does_not_decode(directory: Path, oid: str, value: bytes) -> None:
    """Critical or not, the certificate cannot be read, and says nothing that could be fetched."""
    async with composed(directory) as service:
        leaf = SUB.issue("leaf", **(PLAIN | {"extensions": [Extension(oid, value)]}))
        answer = await service.ask(leaf)
    assert MALFORMED == summary(answer)
    assert (None, None, []) == (answer["subject"], answer["serial_number"], answer["path"])
    assert [] == service.names.asked


async def test_an_extension_that_stands_there_twice(directory: Path) -> None:
    """Which of the two would count is nobody's guess."""
    twice = Extension(oids.CRL_DISTRIBUTION_POINTS, b"\x30\x00")
    async with composed(directory) as service:
        answer = await service.ask(SUB.issue("leaf", extensions=[twice, twice]))
    assert MALFORMED == summary(answer)


@pytest.mark.parametrize(
    "text",
    [
        pem(b"\x30\x2e\x02\x01\x00", "PRIVATE KEY"),
        pem(LEAF.der[:-1]),
        pem(LEAF.der + b"\x00"),
        pem(SUB.crl()),
        b64encode(LEAF.der[:100]).decode(),
        b64encode(b"\x30\x80" * 100_000).decode(),
    ],
    ids=["a key", "truncated", "followed by something", "a CRL", "a part", "nested"],
)
async def test_what_is_no_certificate(directory: Path, text: str) -> None:
    """A decision that a caller can deny on."""
    async with composed(directory) as service:
        answer = await service.ask_text(text)
    assert MALFORMED == summary(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"certificate": ""}, 400),
        ({"certificate": "not PEM"}, 400),
        ({"certificate": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}, 400),
        ({"certificate": bundle([LEAF, *[SUB] * 199])}, 400),
        ({"certificate": LEAF.pem, "intermediates": [SUB.pem] * 200}, 400),
        ({"certificate": LEAF.pem, "trust_store": "../../etc/passwd"}, 404),
        ({"certificate": LEAF.pem * 2000}, 413),
    ],
    ids=["empty", "no PEM", "armour", "200 in PEM", "200 beside", "store", "too large"],
)
async def test_what_nobody_can_understand(directory: Path, body: dict[str, object], status: int) -> None:
    """A problem of the caller's, never ours."""
    async with composed(directory) as service:
        response = await service.caller.validate(body)
    assert (status, "application/problem+json") == (response.status_code, response.headers["content-type"])


# --- too many --------------------------------------------------------------------------------------------------------


async def test_so_many_sources(directory: Path) -> None:
    """Of two hundred distribution points and two hundred responders a few are asked, each once."""
    async with composed(directory) as service, serve(always(head(404, "Content-Length: 0"))) as server:
        base = f"http://ca.example:{server.port}"
        crls = [f"{base}/crl/{number}" for number in range(200)]
        responders = [f"{base}/ocsp/{number}" for number in range(200)]
        answer = await service.ask(SUB.issue("leaf", crl_urls=crls, ocsp_urls=responders))
    assert UNAVAILABLE == summary(answer)
    asked = [received.line.split("/")[1] for received in server.received]
    assert (MAX_DISTRIBUTION_POINTS, MAX_RESPONDERS) == (asked.count("crl"), asked.count("ocsp"))
    assert 2000 > len(answer["detail"])


async def test_so_many_urls_of_one_distribution_point(directory: Path) -> None:
    """Likewise."""
    async with composed(directory) as service, serve(always(head(404, "Content-Length: 0"))) as server:
        point = DistributionPoint([f"http://ca.example:{server.port}/{number}" for number in range(200)])
        answer = await service.ask(SUB.issue("leaf", crl_urls=[point]))
    assert (UNAVAILABLE, MAX_URLS) == (summary(answer), len(server.received))


async def test_so_many_partitions(directory: Path) -> None:
    """What a certificate has fetched fills the store no further than its sources are asked."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        base = f"http://ca.example:{server.port}"
        for number in range(20):
            elsewhere = IssuingDistributionPoint([f"http://ca.example/{number}"])
            publishing.bodies[f"/{number}.crl"] = SUB.crl(idp=elsewhere)
        answer = await service.ask(SUB.issue("leaf", crl_urls=[f"{base}{path}" for path in publishing.bodies]))
    assert (UNAVAILABLE, MAX_DISTRIBUTION_POINTS) == (summary(answer), len(server.received))


async def test_a_circle_of_cross_certificates(directory: Path) -> None:
    """A ring that never meets an anchor ends, and none of its URLs is asked for."""
    ring = [Authority.root(f"Ring {number}") for number in range(8)]
    crossed = [one.cross_sign(other, **NAMED) for one, other in pairwise([*ring, ring[0]])]
    async with composed(directory) as service:
        answer = await service.ask(ring[0].issue("leaf", **NAMED), *crossed)
    assert UNTRUSTED == summary(answer)
    assert ([], []) == (service.names.asked, service.connector.asked)


async def test_a_mesh_of_cross_certificates(directory: Path) -> None:
    """Everybody has certified everybody: the search ends with its budget."""
    mesh = [Authority.root(f"Mesh {number}") for number in range(10)]
    crossed = [one.cross_sign(other, **NAMED) for one in mesh for other in mesh if one is not other]
    async with composed(directory) as service:
        answer = await service.ask(mesh[0].issue("leaf", **NAMED), *crossed)
    assert EXHAUSTED == summary(answer)
    assert [] == service.names.asked


async def test_a_hundred_namesakes(directory: Path) -> None:
    """So many keys that bear an issuer's name: each costs a signature, on each way to it, and there are not so many."""
    namesakes = [STRANGER.subordinate("Absent", **(NAMED | {"key": key("p256", number)})) for number in range(98)]
    below = ROOT.subordinate("Absent").subordinate("Below")
    async with composed(directory) as service:
        answer = await service.ask(below.issue("leaf", **NAMED), below, below.reissue(path_length=1), *namesakes)
    assert EXHAUSTED == summary(answer)
    assert [] == service.names.asked


async def test_so_many_paths(directory: Path) -> None:
    """An authority with twenty certificates of one key: for each path the question is new, and the rounds are few."""
    twins = [ROOT.subordinate("Sub", subject_key_identifier=bytes([number])) for number in range(20)]
    async with (
        composed(directory, evidence_order=EvidenceOrder.BOTH) as service,
        serve(always(head(404, "Content-Length: 0"))) as server,
    ):
        base = f"http://ca.example:{server.port}"
        answer = await service.ask(SUB.issue("leaf", crl_urls=f"{base}/crl", ocsp_urls=f"{base}/ocsp"), *twins)
    assert EXHAUSTED == summary(answer)
    assert Limits().rounds >= len(server.received)


# --- keys ------------------------------------------------------------------------------------------------------------

GIANT: Final = public_key("rsa16384")


async def test_a_leaf_with_an_rsa_key_of_16384_bits(directory: Path) -> None:
    """Refused by name, before anything is asked."""
    async with composed(directory) as service:
        answer = await service.ask(SUB.issue("leaf", **(NAMED | {"public_key": GIANT})))
    assert UNSUPPORTED == summary(answer)
    assert "RSA key of more than 8192 bits" in answer["detail"]
    assert [] == service.names.asked


async def test_an_intermediate_with_an_rsa_key_of_16384_bits(directory: Path) -> None:
    """Nothing is verified under it."""
    giant = ROOT.subordinate("Giant", **(NAMED | {"key": key("rsa2048"), "public_key": GIANT}))
    async with composed(directory) as service:
        answer = await service.ask(giant.issue("leaf", **NAMED), giant)
    assert UNSUPPORTED == summary(answer)
    assert "RSA key of more than 8192 bits" in answer["detail"]
    assert [] == service.names.asked


async def test_a_delegate_with_an_rsa_key_of_16384_bits(directory: Path) -> None:
    """A responder's is not worked with either."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = SUB.issue("leaf", ocsp_urls=f"http://ca.example:{server.port}/ocsp")
        delegate = SUB.ocsp_responder("OCSP", key=key("rsa2048"), public_key=GIANT)
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf, responder=delegate)
        answer = await service.ask(leaf)
    assert UNAVAILABLE == summary(answer)
    assert "signed with a weak algorithm or key" in answer["detail"]


async def test_what_is_ignored_is_named(directory: Path) -> None:
    """An intermediate that cannot be read does not spoil the others."""
    async with composed(directory) as service, serve(Publishing({"/crl": SUB.crl()})) as server:
        leaf = SUB.issue("leaf", crl_urls=f"http://ca.example:{server.port}/crl")
        answer = await service.ask_text(leaf.pem, "no PEM", pem(SUB.der[:-1]), SUB.pem)
    assert GOOD == summary(answer)
    assert "Ignored: " in answer["detail"]
