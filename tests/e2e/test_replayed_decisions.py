"""A denial of a running service is explained later by its id: replayed, it comes to the same verdict."""

import json
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app
from tests.e2e.running import Service, running_service, until
from tests.pki import Authority
from tests.pki.clock import now, validity_of_now

ROOT: Final = Authority.root("Root", **validity_of_now())
SUB: Final = ROOT.subordinate("Sub", **validity_of_now())
REVOKED: Final = SUB.issue("revoked", **validity_of_now())
STRANGER: Final = Authority.root("Stranger", **validity_of_now()).issue("stranger", **validity_of_now())
MALFORMED: Final = b64encode(b"\x30\x03\x02\x01\x05").decode()

pytestmark = pytest.mark.slow


def explained(*arguments: str) -> Result:
    """`revet explain` with these."""
    return CliRunner().invoke(app, ["explain", *arguments])


def hold_crl(service: Service) -> None:
    """Have the CRL held that lists the certificate."""
    crl = SUB.crl(
        number=7,
        revoked={REVOKED.serial: "keyCompromise"},
        this_update=now() - timedelta(minutes=1),
        next_update=now() + timedelta(days=1),
    )
    answer = httpx.put(f"{service.url}/v1/crls/uploads/sub.crl", content=crl, timeout=60)
    assert httpx.codes.OK == answer.status_code, answer.text


def kept(service: Service, decision_id: str) -> dict[str, Any]:
    """The decision, once it can be found."""
    url = f"{service.url}/v1/decisions/{decision_id}"
    until(lambda: httpx.get(url, timeout=10).status_code == httpx.codes.OK, f"{decision_id} is kept")
    return dict(httpx.get(url, timeout=10).json())


def test_denials_are_replayed(tmp_path: Path) -> None:
    """Of each kind, and one that was given again; what was changed in a saved one shows."""
    trust_store = tmp_path / "trust.pem"
    trust_store.write_text(ROOT.pem + SUB.pem)
    with running_service(tmp_path, trust_store, {"REVET_WORKERS": "1"}) as service:
        hold_crl(service)
        certificates = {"revoked": REVOKED.pem, "untrusted": STRANGER.pem, "malformed": MALFORMED}
        answers = [service.validate(certificates[code]) for code in (*certificates, "revoked")]
        assert [*certificates, "revoked"] == [answer["code"] for answer in answers]
        assert "hit" == answers[-1]["cache"]
        document: dict[str, Any] = {}
        for answer in answers:
            document = kept(service, answer["decision_id"])
            result = explained("--decision", answer["decision_id"], "--url", service.url, "--json")
            replayed = json.loads(result.stdout)
            assert (0, True) == (result.exit_code, replayed["agrees"]), result.output
            assert answer["detail"] == document["detail"] == replayed["replayed"]["detail"]
            assert answer["path"] == replayed["answer"]["path"]
        assert answers[0]["decision_id"] == document["repeats"]
        assert 2 == explained("--decision", "nobody", "--url", service.url).exit_code
    file = tmp_path / "decision.json"
    file.write_text(json.dumps(document))
    tree = explained("--decision-file", str(file))
    assert (0, True) == (tree.exit_code, "crl 7 from " in tree.output)
    for gathered in document["case"]["case"]["evidence"]["crls"]:
        for finding in gathered["found"]["findings"]:
            finding["entry"] = None
    file.write_text(json.dumps(document))
    assert 1 == explained("--decision-file", str(file)).exit_code
