"""The good path: what authorities publish is fetched once, verified, held, and answers."""

import gzip
from pathlib import Path
from typing import Final

import pytest

from service.core.model.policy import RevocationScope
from tests.adapters.http.servers import by_path, ok, redirect, serve
from tests.adapters.http.world import PUBLIC
from tests.application.chain import ROOT, SUB
from tests.composed.world import (
    GOOD,
    METHODS,
    REVOKED,
    UNAVAILABLE,
    Method,
    Publishing,
    Table,
    composed,
    declaring,
    leaf_naming,
    revocation,
    summary,
)
from tests.pki import Issued, IssuingDistributionPoint, pem

pytestmark = pytest.mark.anyio

DELEGATE: Final = SUB.ocsp_responder("OCSP")


def evidence(method: Method, leaf: Issued, *, revoked: bool = False) -> bytes:
    """What Sub publishes about a certificate."""
    if method == "crl":
        return SUB.crl(revoked={leaf.serial: "keyCompromise"} if revoked else {}, number=7)
    return SUB.ocsp(leaf, status="revoked" if revoked else "good", reason="keyCompromise")


@pytest.mark.parametrize("method", METHODS)
async def test_good(directory: Path, method: Method) -> None:
    """It is fetched from the source that the certificate names, and the answer says so."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming(method, url := f"http://ca.example:{server.port}/source")
        publishing.bodies["/source"] = evidence(method, leaf)
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    found = revocation(answer)
    assert ("good", method, url, "origin") == (found["status"], found["method"], found["source"], found["tier"])
    assert (["ca.example"], [PUBLIC]) == (service.names.asked, service.connector.asked)


@pytest.mark.parametrize("method", METHODS)
async def test_revoked(directory: Path, method: Method) -> None:
    """With the reason and the date."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming(method, f"http://ca.example:{server.port}/source")
        publishing.bodies["/source"] = evidence(method, leaf, revoked=True)
        answer = await service.ask(leaf)
    assert REVOKED == summary(answer)
    assert ("keyCompromise", "2025-12-31T00:00:00Z") == (revocation(answer)["reason"], revocation(answer)["revoked_at"])


@pytest.mark.parametrize("method", METHODS)
async def test_held(directory: Path, method: Method) -> None:
    """The next request asks nobody."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming(method, f"http://ca.example:{server.port}/source")
        publishing.bodies["/source"] = evidence(method, leaf)
        answers = [await service.ask(leaf) for _ in range(3)]
    assert [GOOD, GOOD, GOOD] == [summary(answer) for answer in answers]
    near = "memory" if method == "ocsp" else "host"
    assert ["origin", "host", near] == [revocation(answer)["tier"] for answer in answers]
    assert 1 == len(server.received)


@pytest.mark.parametrize("method", METHODS)
async def test_an_intermediate_is_asked_about(directory: Path, method: Method) -> None:
    """Its own source, under its own issuer's key; a revoked one denies."""
    async with (
        composed(directory, revocation_scope=RevocationScope.CHAIN) as service,
        serve(publishing := Publishing()) as server,
    ):
        issuing = ROOT.subordinate("Issuing", **declaring(method, f"http://ca.example:{server.port}/root"))
        crl, answer = ROOT.crl(revoked=[issuing.serial]), ROOT.ocsp(issuing.issued, status="revoked")
        publishing.bodies["/root"] = crl if method == "crl" else answer
        found = await service.ask(issuing.issue("leaf"), issuing)
    assert REVOKED == summary(found)
    assert ["not_checked", "revoked"] == [one["revocation"]["status"] for one in found["path"]]


@pytest.mark.parametrize(
    ("text", "headers"),
    [(pem(SUB.crl(), "X509 CRL").encode(), ()), (gzip.compress(SUB.crl(), mtime=0), ("Content-Encoding: gzip",))],
    ids=["PEM", "gzip"],
)
async def test_other_forms_of_a_crl(directory: Path, text: bytes, headers: tuple[str, ...]) -> None:
    """As some publish it."""
    async with composed(directory) as service, serve(Publishing({"/sub.crl": text}, headers)) as server:
        answer = await service.ask(leaf_naming("crl", f"http://ca.example:{server.port}/sub.crl"))
    assert GOOD == summary(answer)


async def test_a_redirect(directory: Path) -> None:
    """To another public host: followed, and its name is resolved and checked like the first."""
    names: Table = {"www.example": [(PUBLIC,)]}
    async with composed(directory, names) as service, serve(by_path({"/sub.crl": ok(SUB.crl())})) as other:
        elsewhere = redirect(f"http://www.example:{other.port}/sub.crl")
        async with serve(by_path({"/crl": elsewhere})) as server:
            answer = await service.ask(leaf_naming("crl", f"http://ca.example:{server.port}/crl"))
    assert GOOD == summary(answer)
    assert ["ca.example", "www.example"] == service.names.asked


async def test_a_delegate(directory: Path) -> None:
    """One with id-pkix-ocsp-nocheck is asked about nowhere."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        leaf = leaf_naming("ocsp", f"http://ca.example:{server.port}/ocsp")
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf, responder=DELEGATE)
        answer = await service.ask(leaf)
    assert (GOOD, 1) == (summary(answer), len(server.received))


@pytest.mark.parametrize(("revoked", "expected"), [(False, GOOD), (True, UNAVAILABLE)], ids=["good", "revoked"])
async def test_a_delegate_that_declares_a_crl(directory: Path, revoked: bool, expected: tuple[str, str, str]) -> None:
    """It is fetched too; what a revoked delegate says counts for nothing, today or from the store."""
    async with composed(directory) as service, serve(publishing := Publishing()) as server:
        base = f"http://ca.example:{server.port}"
        delegate = SUB.ocsp_responder("OCSP", no_check=False, crl_urls=f"{base}/delegates")
        leaf = leaf_naming("ocsp", f"{base}/ocsp")
        partition = IssuingDistributionPoint([f"{base}/delegates"])
        publishing.bodies["/delegates"] = SUB.crl(revoked=[delegate.serial] if revoked else [], idp=partition)
        publishing.bodies["/ocsp"] = SUB.ocsp(leaf, responder=delegate)
        answers = [await service.ask(leaf) for _ in range(2)]
    assert [expected, expected] == [summary(answer) for answer in answers]
    asked = [received.line.split("/")[1].split(" ")[0] for received in server.received]
    assert ["ocsp", "delegates"] == asked[:2]
    if revoked:
        assert "the certificate of its signer is revoked" in answers[0]["detail"]
