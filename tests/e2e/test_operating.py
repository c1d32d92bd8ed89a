"""What operators do on a bad day, with real processes: refresh, upload, purge, reset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from service.cli.app import app
from tests.e2e.openssl_ca import OpensslCa, openssl_ca
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority, Issued, pem
from tests.pki.clock import now, validity_of_now

ROOT = Authority.root("Root", **validity_of_now())
LEAF = ROOT.issue("leaf", **validity_of_now())


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who operates a service."""

    service: Service

    def send(self, method: str, path: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - any argument of httpx
        """Any request."""
        return httpx.request(method, f"{self.service.url}{path}", timeout=70, **body)

    def upload(self, crl: bytes, name: str = "root.crl") -> httpx.Response:
        """Upload a CRL."""
        return self.send("PUT", f"/v1/crls/uploads/{name}", content=crl)

    def codes(self, certificate: Issued = LEAF) -> set[str]:
        """What the workers say of a certificate, asked often enough that each of the two is."""
        return {self.service.validate(certificate.pem)["code"] for _ in range(16)}

    def listed(self) -> Mapping[str | None, Any]:
        """The listing, by source."""
        answer = self.send("GET", "/v1/crls")
        assert 200 == answer.status_code
        return {line["source"]: line for line in answer.json()["crls"]}

    def run(self, *arguments: str) -> str:
        """A command of the operator's; 0 is taken for granted."""
        result = CliRunner().invoke(app, [*arguments, "--url", self.service.url])
        assert 0 == result.exit_code, result.output
        return result.output


def crl(number: int, *revoked: Issued, age_s: float = 60.0, issuer: Authority = ROOT) -> bytes:
    """A CRL that is good for a day."""
    this_update = now() - timedelta(seconds=age_s)
    listed = [one.serial for one in revoked]
    return issuer.crl(number=number, revoked=listed, this_update=this_update, next_update=now() + timedelta(days=1))


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """Of a service that trusts one root and holds nothing."""
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(ROOT.pem)
    with running_service(tmp_path, trust_store) as service:
        yield Operator(service)


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[OpensslCa]:
    """A CA that publishes its CRLs."""
    with openssl_ca(tmp_path / "ca") as made:
        yield made


@pytest.mark.parametrize("way", ["api", "command"])
def test_after_a_refresh_what_was_revoked_is_denied_at_once(ca: OpensslCa, tmp_path: Path, way: str) -> None:
    """By every worker, although the CRL that was held is good for another ten minutes."""
    with running_service(tmp_path, ca.certificate, {"REVET_CLOCK_SKEW_S": "0"}) as service:
        operator, certificate = Operator(service), ca.issue("client", "by_crl")
        ca.publish_crl(600)
        assert "allow" == service.validate(certificate)["decision"]
        (source,) = operator.listed()
        assert source is not None
        ca.revoke("client")
        ca.publish_crl(600)
        assert "allow" == service.validate(certificate)["decision"]
        if way == "command":
            assert f"{source}  refreshed\n" == operator.run("refresh", source, "--wait")
        else:
            answer = operator.send("POST", "/v1/refresh", json={"source": source}, params={"wait": "true"})
            assert (200, [source], []) == (answer.status_code, answer.json()["started"], answer.json()["running"])
        assert {"revoked"} == {service.validate(certificate)["code"] for _ in range(16)}
        assert ("fresh", "learned", 2) == tuple(
            operator.listed()[source][one] for one in ("status", "kind", "crl_number")
        )


def test_an_upload_is_in_force_with_its_answer(operator: Operator) -> None:
    """DER or PEM; what is no CRL changes nothing; what is removed stays held."""
    assert {"ok"} == operator.codes()
    first = crl(1, LEAF)
    answer = operator.upload(first)
    assert (200, "held", 1) == (answer.status_code, answer.json()["outcome"], answer.json()["crls"][0]["crl_number"])
    assert {"revoked"} == operator.codes()
    garbage = operator.upload(b"garbage")
    assert (422, "urn:revet:problem:crl-refused") == (garbage.status_code, garbage.json()["type"])
    (listed,) = operator.send("GET", "/v1/crls/uploads").json()["uploads"]
    assert ("root.crl", len(first)) == (listed["name"], listed["size"])
    assert 200 == operator.upload(pem(crl(2), "X509 CRL").encode()).status_code
    assert {"ok"} == operator.codes()
    assert 204 == operator.send("DELETE", "/v1/crls/uploads/root.crl").status_code
    until(lambda: None in operator.listed(), "the source is forgotten")
    assert 2 == operator.listed()[None]["crl_number"]


def test_an_upload_of_an_unknown_issuer_waits(operator: Operator) -> None:
    """It is kept as it came, and says so."""
    answer = operator.upload(crl(1, issuer=Authority.root("Stranger", **validity_of_now())))
    assert (200, "pending", "wrong_issuer") == (
        answer.status_code,
        answer.json()["outcome"],
        answer.json()["problem"],
    )
    assert ["pending"] == [line["status"] for line in operator.listed().values()]


def test_a_rebuilt_authority(operator: Operator) -> None:
    """Its lower number is refused until somebody says that it was rebuilt; nothing older ever comes back."""
    assert 200 == operator.upload(crl(10, LEAF, age_s=120)).status_code
    refused = operator.upload(crl(1))
    assert (422, True) == (refused.status_code, "rolled_back" in refused.json()["detail"])
    assert {"revoked"} == operator.codes()
    reset = operator.run("crl", "reset", "--issuer", "CN=Root")
    assert "CN=Root, held: crl 10" in reset
    assert {"revoked"} == operator.codes()
    older = operator.upload(crl(9, age_s=600))
    assert (422, True) == (older.status_code, "rolled_back" in older.json()["detail"])
    assert {"revoked"} == operator.codes()
    assert 200 == operator.upload(crl(1)).status_code
    assert {"ok"} == operator.codes()
    assert 422 == operator.upload(crl(0)).status_code


def test_purged_verdicts_are_decided_anew(operator: Operator) -> None:
    """By every worker, and nothing that is held is lost."""
    operator.upload(crl(1, LEAF))
    until(lambda: {"hit"} == {operator.service.validate(LEAF.pem)["cache"] for _ in range(16)}, "every worker has it")
    before = operator.send("GET", "/v1/stats").json()
    purged = operator.send("POST", "/v1/cache/purge", json={})
    assert (200, before["host"]["generation"] + 1) == (purged.status_code, purged.json()["generation"])
    assert {"miss"} == {operator.service.validate(LEAF.pem)["cache"]}
    assert {"revoked"} == operator.codes()


def test_figures_are_those_of_all_workers(operator: Operator) -> None:
    """Decisions are counted together, whichever worker is asked."""
    operator.upload(crl(1, LEAF))
    operator.codes()
    stats = [operator.send("GET", "/v1/stats").json() for _ in range(8)]
    assert [{"decision": "deny", "code": "revoked", "count": 16, "fronts": {"api": 16}}] == stats[0]["decisions"]
    assert all(one["decisions"] == stats[0]["decisions"] for one in stats)
    assert (1, True) == (stats[0]["host"]["crls"]["held"], stats[0]["host"]["prefetcher"]["alive"])
    assert "1 held, 1 entries" in operator.run("stats")
    assert "CN=Root" in operator.run("crl", "list")
