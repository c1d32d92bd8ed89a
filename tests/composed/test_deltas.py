"""Delta CRLs: fetched where the certificate or its CRL says that they are, held, and combined with their base."""

from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import pytest

from tests.adapters.http.servers import serve
from tests.application.chain import STRANGER, SUB
from tests.composed.world import GOOD, REVOKED, Publishing, composed, revocation, summary
from tests.pki import NOW, THIS_UPDATE, CrlOverrides, Issued, hours

pytestmark = pytest.mark.anyio

Where = Literal["the certificate", "its CRL"]

WHERE: Final[tuple[Where, ...]] = ("the certificate", "its CRL")

LATER: Final = THIS_UPDATE + hours(0.5)


class Authority(Publishing):
    """Sub, with a CRL at `/base` and, where a test puts one there, a delta at `/delta`."""

    def __init__(self, where: Where) -> None:
        """Publish nothing yet."""
        super().__init__()
        self._where = where

    def leaf(self, port: int) -> Issued:
        """A certificate that names the CRL, and the delta unless the CRL does."""
        base = f"http://ca.example:{port}"
        if self._where == "its CRL":
            return SUB.issue("leaf", crl_urls=f"{base}/base")
        return SUB.issue("leaf", crl_urls=f"{base}/base", freshest_crl_urls=f"{base}/delta")

    def publish(self, port: int, base: CrlOverrides, delta: CrlOverrides | None = None) -> None:
        """Publish a CRL with the number 5, and a newer delta on it with the number 6."""
        usual: CrlOverrides = {"number": 5}
        if self._where == "its CRL":
            usual["freshest_crl_urls"] = f"http://ca.example:{port}/delta"
        self.bodies["/base"] = SUB.crl(**(usual | base))
        if delta is not None:
            usual = {"number": 6, "delta_base": 5, "this_update": LATER}
            self.bodies["/delta"] = SUB.crl(**(usual | delta))


@pytest.mark.parametrize("where", WHERE)
async def test_a_delta_revokes(directory: Path, where: Where) -> None:
    """What was revoked since the complete CRL; the next request asks nobody."""
    authority = Authority(where)
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {}, {"revoked": {leaf.serial: "keyCompromise"}})
        answers = [await service.ask(leaf) for _ in range(2)]
    assert [REVOKED, REVOKED] == [summary(answer) for answer in answers]
    found = revocation(answers[1])
    assert (f"http://ca.example:{server.port}/delta", "host", 6) == (
        found["source"],
        found["tier"],
        found["crl_number"],
    )
    assert ["/base", "/delta"] == [received.line.split(" ")[1] for received in server.received]


@pytest.mark.parametrize("where", WHERE)
async def test_a_delta_that_says_nothing_new(directory: Path, where: Where) -> None:
    """Then the complete CRL's answer lasts no longer than the delta does."""
    authority = Authority(where)
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {}, {"next_update": NOW + timedelta(seconds=10)})
        assert GOOD == summary(await service.ask(leaf))
        assert 2 == len(server.received)
        service.clock.advance(timedelta(minutes=5))
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    assert 3 == len(server.received)  # the delta, which is out of date; the complete CRL goes on for hours


@pytest.mark.parametrize("where", WHERE)
async def test_a_delta_takes_a_hold_back(directory: Path, where: Where) -> None:
    """RemoveFromCRL; while there is no delta, the hold of the complete CRL is in force."""
    authority = Authority(where)
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {"revoked": {leaf.serial: "certificateHold"}})
        held = await service.ask(leaf)
        authority.publish(
            server.port, {"revoked": {leaf.serial: "certificateHold"}}, {"revoked": {leaf.serial: "removeFromCRL"}}
        )
        service.clock.advance(timedelta(minutes=1))
        released = [await service.ask(leaf) for _ in range(2)]
    assert [REVOKED, GOOD, GOOD] == [summary(answer) for answer in (held, *released)]


async def test_what_is_revoked_for_good_is_not_asked_about(directory: Path) -> None:
    """No delta takes back anything but a hold."""
    authority = Authority("the certificate")
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {"revoked": {leaf.serial: "keyCompromise"}}, {})
        assert REVOKED == summary(await service.ask(leaf))
    assert 1 == len(server.received)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("revoked", [False, True], ids=["good", "on hold"])
async def test_a_delta_that_cannot_be_had(directory: Path, where: Where, revoked: bool) -> None:
    """The complete CRL's answer stands, and what was wrong is told."""
    authority = Authority(where)
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {"revoked": {leaf.serial: "certificateHold"} if revoked else {}})
        answer = await service.ask(leaf)
    assert (REVOKED if revoked else GOOD) == summary(answer)
    assert f"http://ca.example:{server.port}/delta: answered with an HTTP error" in revocation(answer)["detail"]
    assert "origin" == revocation(answer)["tier"]


UNUSABLE: Final[list[tuple[str, bytes, str]]] = [
    ("forged", SUB.crl(number=6, delta_base=5, corrupt_signature=True), "its signature does not verify"),
    ("of another authority", STRANGER.crl(number=6, delta_base=5), "issued by somebody else"),
    ("garbage", b"<html>", "malformed"),
    ("of yesterday", SUB.crl(number=6, delta_base=5, next_update=NOW - hours(0.5)), "out of date"),
]


@pytest.mark.parametrize(("delta", "expected"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
async def test_a_delta_that_proves_nothing(directory: Path, delta: bytes, expected: str) -> None:
    """It takes nothing back and revokes nobody."""
    authority = Authority("the certificate")
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        authority.publish(server.port, {})
        authority.bodies["/delta"] = delta
        answer = await service.ask(leaf)
    assert GOOD == summary(answer)
    assert f"http://ca.example:{server.port}/delta: {expected}" in revocation(answer)["detail"]


async def test_a_delta_of_an_older_base(directory: Path) -> None:
    """What builds on a CRL that is newer than the one at hand cannot take anything back."""
    authority = Authority("the certificate")
    async with composed(directory) as service, serve(authority) as server:
        leaf = authority.leaf(server.port)
        hold: CrlOverrides = {"revoked": {leaf.serial: "certificateHold"}}
        authority.publish(server.port, hold, {"revoked": {leaf.serial: "removeFromCRL"}, "number": 9, "delta_base": 8})
        assert REVOKED == summary(await service.ask(leaf))
