"""Decisions are kept by every worker and found through every worker, over a restart too."""

import ssl
from base64 import b64encode
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from typer.testing import CliRunner

from service.cli.app import app
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, CertificateOverrides
from tests.pki.clock import now, validity_of_now

ROOT: Final = Authority.root("Root", **validity_of_now())
STRANGER: Final = Authority.root("Stranger", **validity_of_now())
GOOD: Final = ROOT.issue("good", **validity_of_now())
PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For connections without TLS: httpx would read every CA of the machine for each of them."""

EACH: Final = 50
"""Denials of each kind."""


@pytest.fixture
def trust_store(tmp_path: Path) -> Path:
    """One root."""
    path = tmp_path / "trust.pem"
    path.write_text(ROOT.pem)
    return path


def prepared(service: Service, revoked: list[int]) -> None:
    """Have a CRL held, and both workers answer: each has decided about a good certificate once."""
    crl = ROOT.crl(
        number=1,
        revoked=revoked,
        this_update=now() - timedelta(minutes=1),
        next_update=now() + timedelta(days=1),
    )
    answer = httpx.put(f"{service.url}/v1/crls/uploads/root.crl", content=crl, timeout=60)
    assert 200 == answer.status_code, answer.text
    decided: list[str] = []

    def both_have() -> bool:
        decided.append(service.validate(GOOD.pem)["cache"])
        return decided.count("miss") == 2

    until(both_have, "both workers have answered")


def denials() -> tuple[dict[str, list[str]], list[int]]:
    """Certificates by the code that they are denied with, no two alike, and the serial numbers that are revoked."""
    past: CertificateOverrides = {"not_before": now() - timedelta(days=3), "not_after": now() - timedelta(days=1)}
    revoked = [ROOT.issue(f"revoked {number}", **validity_of_now()) for number in range(EACH)]
    certificates = {
        "revoked": [one.pem for one in revoked],
        "untrusted": [STRANGER.issue(f"stranger {number}", **validity_of_now()).pem for number in range(EACH)],
        "expired": [ROOT.issue(f"expired {number}", **past).pem for number in range(EACH)],
        "malformed": [b64encode(b"\x30\x03" + number.to_bytes(4, "big")).decode() for number in range(EACH)],
    }
    return certificates, [one.serial for one in revoked]


def asked(service: Service, certificates: dict[str, list[str]]) -> dict[str, str]:
    """The code of each denial by its id: one of each kind in turn, each on a connection of its own."""
    with httpx.Client(base_url=service.url, headers={"connection": "close"}, timeout=10) as client:
        turns = zip(*certificates.values(), strict=True)
        answers = [client.post("/v1/validate", json={"certificate": one}).json() for turn in turns for one in turn]
    return {answer["decision_id"]: answer["code"] for answer in answers}


def listed(service: Service, **query: object) -> list[dict[str, Any]]:
    """Every decision, page by page, the newest first."""
    found: list[dict[str, Any]] = []
    before: dict[str, str] = {}
    while True:
        page = get(service, "/v1/decisions", **{"limit": 500, **query, **before})
        found += page["decisions"]
        if page["next"] is None:
            return found
        before = {"before": page["next"]}


def get(service: Service, path: str, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - any query
    """The document of an answer."""
    with httpx.Client(verify=PLAIN, base_url=service.url, timeout=10) as client:
        answer = client.get(path, params=query)
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


def test_denials_of_two_workers(tmp_path: Path, trust_store: Path) -> None:
    """Each is found once, by its id and by its code; a restart loses none, not the very last one either.

    After another restart allows are kept as well; and where nothing is to be kept, what was is gone.
    """
    certificates, revoked = denials()
    with running_service(tmp_path, trust_store) as service:
        prepared(service, revoked)
        answered = asked(service, certificates)
        assert dict.fromkeys(certificates, EACH) == Counter(answered.values())
        until(lambda: len(listed(service)) >= len(answered), "all of them are there")
        for limit in (70, 100, 500):  # whichever worker is asked
            assert sorted(answered, reverse=True) == [one["decision_id"] for one in listed(service, limit=limit)]
        for code in certificates:
            expected = {name for name, its in answered.items() if its == code}
            assert expected == {one["decision_id"] for one in listed(service, code=code)}
        assert [] == listed(service, code="blocked") == listed(service, decision="allow")
        with httpx.Client(base_url=service.url, headers={"connection": "close"}, timeout=10) as client:
            for name, code in answered.items():
                one = client.get(f"/v1/decisions/{name}").json()
                assert (name, "deny", code, "api") == (one["decision_id"], one["decision"], one["code"], one["front"])
                assert one["case"]["version"] >= 1
        shown = CliRunner().invoke(app, ["decisions", "--code", "revoked", "--limit", "5", "--url", service.url])
        assert (0, 5) == (shown.exit_code, sum("CN=revoked" in line for line in shown.output.splitlines()))
        last = service.validate(STRANGER.pem)["decision_id"]
    with running_service(tmp_path, trust_store, {"REVET_DECISIONS_KEEP_ALLOWS": "true"}) as service:
        assert {last, *answered} == {one["decision_id"] for one in listed(service)}
        allowed = service.validate(GOOD.pem)["decision_id"]
        until(lambda: [allowed] == [one["decision_id"] for one in listed(service, code="ok")], "it is kept as well")
    with running_service(tmp_path, trust_store, {"REVET_DECISIONS_KEEP_S": "0"}) as service:
        denied = service.validate(STRANGER.pem)["decision_id"]
        for path in ("/v1/decisions", f"/v1/decisions/{denied}"):
            answer = httpx.get(f"{service.url}{path}", timeout=10)
            assert (503, True) == (answer.status_code, "REVET_DECISIONS_KEEP_S is 0" in answer.json()["detail"])
    assert [] == [*(tmp_path / "data" / "decisions").glob("*.db*")]


def test_a_flood_of_one_certificate(tmp_path: Path, trust_store: Path) -> None:
    """Is counted on the first decision of each worker, and leaves what was there."""
    with running_service(tmp_path, trust_store) as service, httpx.Client(base_url=service.url, timeout=10) as client:
        other = service.validate("AAAA")["decision_id"]
        body = {"certificate": STRANGER.pem}
        for _ in range(2_000):
            client.post("/v1/validate", json=body)

        def counted() -> int:
            return sum(1 + one["left_out"] for one in listed(service, code="untrusted"))

        until(lambda: counted() >= 2_000, "all of them are counted")
        assert 2_000 == counted()
        assert len(listed(service)) < 500
        assert other == get(service, f"/v1/decisions/{other}")["decision_id"]


def test_a_directory_that_cannot_be_used(tmp_path: Path, trust_store: Path) -> None:
    """Keeps no service from starting and no verdict from being given; why is said."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "decisions").write_text("a file in its place")
    with running_service(tmp_path, trust_store) as service:
        assert "untrusted" == service.validate(STRANGER.pem)["code"]
        answer = httpx.get(f"{service.url}/v1/decisions", timeout=10)
        assert (503, "urn:revet:problem:decisions-unavailable") == (answer.status_code, answer.json()["type"])
