"""Answers that are kept: for one certificate, for as long as the service says, and no other answers than decisions."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.running import Service, until
from tests.sidecar.application import Application
from tests.sidecar.curl import Answer, curl
from tests.sidecar.material import ROOT, TOKEN, VALIDITY, Pair, write
from tests.sidecar.running import Sidecar, running_sidecar
from tests.sidecar.stand_in import ALLOW, StandIn, answer, deny

KEEP = ("X-Accel-Expires", "60")
numbers = iter(range(1000))


@pytest.fixture(scope="module")
def sidecar(
    tmp_path_factory: pytest.TempPathFactory, stand_in: StandIn, application: Application, tls: dict[str, str]
) -> Iterator[Sidecar]:
    """A sidecar that may keep answers for a minute."""
    environment = {
        **tls,
        "REVET_URL": stand_in.url,
        "REVET_TOKEN": TOKEN,
        "REVET_SIDECAR_UPSTREAM": application.url,
        "REVET_SIDECAR_CACHE_S": "60",
    }
    with running_sidecar(tmp_path_factory.mktemp("log"), "nlb", environment) as running:
        yield running


@pytest.fixture
def client(tmp_path: Path) -> Pair:
    """A client that nobody has seen."""
    return write(tmp_path, "client", ROOT.issue(f"client {next(numbers)}", **VALIDITY))


@pytest.mark.parametrize(
    "says", [answer(200, *ALLOW, ("X-Revet-Subject", "CN=x"), KEEP), deny(403, "revoked", KEEP)], ids=["allow", "deny"]
)
def test_a_decision_is_kept(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, client: Pair, says: bytes
) -> None:
    """The service is asked once, and told for how long; later requests are answered and passed on the same."""
    stand_in.says = says
    answers = [curl(sidecar, authority=authority, client=client, path=f"/{number}") for number in range(3)]
    assert ([answers[0].told] * 3 if answers[0].status != 200 else [200] * 3) == [
        one.told if one.status != 200 else 200 for one in answers
    ]
    assert (1, ["60"]) == (len(stand_in.asked), stand_in.values("X-Revet-Max-Age"))
    assert ["MISS", "HIT", "HIT"] == [entry["revet_cache"] for entry in sidecar.requests()[-3:]]
    for arrived in application.arrived:
        assert (["CN=x"], ["D1"]) == (arrived.values("X-Revet-Subject"), arrived.values("X-Revet-Decision-Id"))


@pytest.mark.parametrize(
    "says",
    [
        answer(200, *ALLOW),
        answer(200, *ALLOW, ("X-Accel-Expires", "0")),
        answer(200, *ALLOW, ("Cache-Control", "max-age=60"), ("Expires", "Fri, 01 Jan 2100 00:00:00 GMT")),
        deny(403, "revoked", ("Cache-Control", "max-age=60")),
        deny(503, "unavailable", KEEP),
        deny(400, "bad_request", KEEP),
        deny(404, "bad_request", KEEP),
        deny(200, "ok", KEEP),
        answer(200, ("X-Revet-Decision", "ALLOW"), KEEP),
        answer(403, *ALLOW, KEEP),
        answer(200, KEEP),
        answer(500, KEEP),
    ],
)
def test_what_is_not_kept(sidecar: Sidecar, stand_in: StandIn, authority: Path, client: Pair, says: bytes) -> None:
    """What the service has not said how long to keep, and whatever is no decision."""
    stand_in.says = says
    for _ in range(2):
        curl(sidecar, authority=authority, client=client)
    assert 2 == len(stand_in.asked)


def test_another_certificate(sidecar: Sidecar, stand_in: StandIn, authority: Path, tmp_path: Path) -> None:
    """The same subject and the same key: another certificate all the same."""
    stand_in.says = answer(200, *ALLOW, KEEP)
    one, other = (ROOT.issue("twin", not_after=VALIDITY["not_after"], serial=serial) for serial in (1001, 1002))
    assert 200 == curl(sidecar, authority=authority, client=write(tmp_path, "one", one)).status
    stand_in.says = deny(403, "revoked", KEEP)
    assert 403 == curl(sidecar, authority=authority, client=write(tmp_path, "other", other)).status
    assert 2 == len(stand_in.asked)


def test_it_is_over_when_the_service_says(sidecar: Sidecar, stand_in: StandIn, authority: Path, client: Pair) -> None:
    """A second, here; and no stale answer is given where the service has gone."""
    stand_in.says = answer(200, *ALLOW, ("X-Accel-Expires", "1"))
    assert 200 == curl(sidecar, authority=authority, client=client).status
    stand_in.says = answer(500)
    until(lambda: curl(sidecar, authority=authority, client=client).status == 503, "it is over")


def test_an_answer_that_comes_late(sidecar: Sidecar, stand_in: StandIn, authority: Path, client: Pair) -> None:
    """It is used and not kept: nginx would count from its arrival, and the service has counted from before."""
    stand_in.says, stand_in.after_s = answer(200, *ALLOW, KEEP), 1.1
    assert 200 == curl(sidecar, authority=authority, client=client).status
    stand_in.after_s = 0
    assert [200, 200] == [curl(sidecar, authority=authority, client=client).status for _ in range(2)]
    assert 2 == len(stand_in.asked)


def test_a_certificate_that_is_too_long_to_keep(
    sidecar: Sidecar, stand_in: StandIn, application: Application, authority: Path, tmp_path: Path
) -> None:
    """It is asked about each time."""
    stand_in.says = answer(200, *ALLOW, ("X-Revet-Subject", "CN=" + "x" * 40_000), KEEP)
    names = [f"DNS:{number}.a-rather-long-name-for-a-client.example.com" for number in range(250)]
    client = write(tmp_path, "long", ROOT.issue("long", not_after=VALIDITY["not_after"], san=names))
    for _ in range(2):
        assert 200 == curl(sidecar, authority=authority, client=client).status
        assert 40_003 == len(application.last.values("X-Revet-Subject")[0])
    assert 2 == len(stand_in.asked)


def test_where_it_is_kept(sidecar: Sidecar, stand_in: StandIn, authority: Path, client: Pair) -> None:
    """The certificate, which is public, is in the file, for nobody else to read; the token is not."""
    stand_in.says = answer(200, *ALLOW, KEEP)
    curl(sidecar, authority=authority, client=client)
    files = [one for one in (sidecar.run_dir / "nginx" / "cache").rglob("*") if one.is_file()]
    assert files
    assert {0o600} == {one.stat().st_mode & 0o777 for one in files}
    assert any(b"BEGIN%20CERTIFICATE" in one.read_bytes() for one in files)
    assert not any(TOKEN.encode() in one.read_bytes() for one in files)


def test_a_block_and_a_kept_answer(
    tmp_path: Path, service: Service, application: Application, tls: dict[str, str], authority: Path
) -> None:
    """With the real service: a block is in force after as many seconds as the sidecar has asked to keep answers."""
    environment = {**tls, "REVET_URL": service.url, "REVET_TOKEN": TOKEN, "REVET_SIDECAR_UPSTREAM": application.url}
    leaf = ROOT.issue("kept", **VALIDITY)
    client = write(tmp_path, "client", leaf)
    body = {"issuer": "CN=Root", "serial_number": f"{leaf.serial:x}", "reason": "stolen"}
    headers = {"authorization": f"Bearer {TOKEN}-of-an-administrator"}
    with running_sidecar(tmp_path, "nlb", {**environment, "REVET_SIDECAR_CACHE_S": "2"}) as sidecar:

        def told() -> Answer:
            return curl(sidecar, authority=authority, client=client)

        begun = time.monotonic()
        assert 200 == told().status
        assert 201 == httpx.post(f"{service.url}/v1/blocks", json=body, headers=headers, timeout=10).status_code
        until(lambda: told().status == 403, "the block is in force")
        assert 20 > time.monotonic() - begun
        assert (403, "deny", "blocked") == told().told
        assert "HIT" in {entry["revet_cache"] for entry in sidecar.requests()}
