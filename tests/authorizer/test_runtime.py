"""The archive under AWS's own runtime client, in front of a service that runs: cold and warm, as Lambda runs it."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.authorizer.events import SERIAL, STAGE, http_1, http_2, rest, token
from tests.authorizer.runtime_api import running_function
from tests.authorizer.servers import hang, serving
from tests.authorizer.test_archive import packed
from tests.e2e.running import running_service
from tests.e2e.test_tls import write
from tests.pki import Authority, CertificateOverrides, days
from tests.pki.clock import now, validity_of_now

if sys.platform != "linux":
    pytest.skip("AWS's runtime client is built for Linux alone", allow_module_level=True)

TOKEN: Final = "authorizer-token-000000"


@dataclass(frozen=True, slots=True)
class Stage:
    """A service, and what is needed to ask it.

    Attributes:
        good: PEM of a client that is let in.
        revoked: PEM of one that is not.
    """

    url: str
    archive: Path
    good: str
    revoked: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """HTTPS with a private authority, whose certificate is in the archive."""
    place, validity = tmp_path_factory.mktemp("runtime"), validity_of_now()
    ca = Authority.root("Clients", **validity)
    good, revoked = ca.issue("client", **validity), ca.issue("stolen", **validity)
    server: CertificateOverrides = {**validity, "san": ["IP:127.0.0.1"], "extended_key_usage": ["serverAuth"]}
    write(place, "ca", ca.issued)
    write(place, "server", ca.issue("server", **server))
    (place / "crls").mkdir()
    (place / "crls" / "ca.crl").write_bytes(
        ca.crl(revoked={revoked.serial: "keyCompromise"}, this_update=now(), next_update=now() + days(1))
    )
    settings = {
        "REVET_TLS_CERT": str(place / "server.pem"),
        "REVET_TLS_KEY": str(place / "server.key"),
        "REVET_CRL_SOURCES": str(place / "crls"),
        "REVET_API_TOKENS": TOKEN,
        "REVET_WORKERS": "1",
    }
    archive = packed(place / "authorizer.zip", place / "ca.pem")
    with running_service(place, place / "ca.pem", settings, management=True) as service:
        yield Stage(service.url.replace("http:", "https:"), archive, good.pem, revoked.pem)


def environment(stage: Stage, **more: str) -> dict[str, str]:
    """Settings that are right."""
    return {
        "REVET_URL": stage.url,
        "REVET_CA_BUNDLE": "ca.pem",
        "REVET_TOKEN": TOKEN,
        "REVET_TIMEOUT_MS": "10000",
        **more,
    }


def effect(document: Any) -> str:  # noqa: ANN401 - JSON
    """Of its one statement."""
    (statement,) = document["policyDocument"]["Statement"]
    return str(statement["Effect"])


def log(place: Path) -> list[dict[str, Any]]:
    """What the function has printed."""
    lines = place.with_suffix(".log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_cold_and_warm(stage: Stage, tmp_path: Path) -> None:
    """Every format of event, one function, one connection."""
    place = tmp_path / "task"
    events = [
        rest(stage.good),
        rest(stage.revoked),
        http_1(stage.good),
        http_2(stage.good),
        http_2(stage.revoked),
        token(),
    ]
    with running_function(stage.archive, place, environment(stage)) as runtime:
        outcomes = [runtime.invoke(event) for event in events]
    assert {"response"} == {outcome.kind for outcome in outcomes}
    good, revoked, good_1, good_2, revoked_2, nobody = (outcome.document for outcome in outcomes)
    assert ["Allow", "Deny", "Allow", "Deny"] == [effect(one) for one in (good, revoked, good_1, nobody)]
    assert [True, False] == [one["isAuthorized"] for one in (good_2, revoked_2)]
    assert (SERIAL, f"{STAGE}/*") == (good["principalId"], good["policyDocument"]["Statement"][0]["Resource"])
    codes = ["ok", "revoked", "ok", "ok", "revoked", "no_certificate"]
    assert codes == [outcome.document["context"]["code"] for outcome in outcomes]
    lines = log(place)
    assert ["new", "reused", "reused", "reused", "reused", None] == [line.get("connection") for line in lines]
    assert [f"request-{number}" for number in range(1, 7)] == [line["request_id"] for line in lines]
    assert codes == [line["code"] for line in lines]


def test_the_answer_names_the_client(stage: Stage, tmp_path: Path) -> None:
    """With what the service says of the certificate."""
    with running_function(stage.archive, tmp_path / "task", environment(stage)) as runtime:
        context = runtime.invoke(rest(stage.good)).document["context"]
    assert {"decision", "code", "subject", "serial_number", "fingerprint_sha256", "decision_id", "valid_until"} == set(
        context
    )
    assert "CN=client" == context["subject"]


@pytest.mark.parametrize("mode", ["closed", "open", "error"])
def test_a_service_that_hangs(stage: Stage, tmp_path: Path, mode: str) -> None:
    """Three modes, three outcomes; the function lives on."""
    with serving(hang) as server:
        settings = {"REVET_URL": server.url, "REVET_TIMEOUT_MS": "100", "REVET_FAIL_MODE": mode}
        with running_function(stage.archive, tmp_path / "task", settings) as runtime:
            first, second = (runtime.invoke(rest(stage.good)) for _ in range(2))
    assert first.kind == second.kind
    if mode == "error":
        message = "Revet has not decided: no answer in time"
        assert ("error", "NoDecisionError", message) == (
            first.kind,
            first.document["errorType"],
            first.document["errorMessage"],
        )
    else:
        assert ("response", {"closed": "Deny", "open": "Allow"}[mode]) == (first.kind, effect(first.document))


@pytest.mark.parametrize("wrong", [{"REVET_FAIL_MODE": "opne"}, {"REVET_URL": ""}, {"REVET_CA_BUNDLE": "none.pem"}])
def test_settings_that_cannot_be_right(stage: Stage, tmp_path: Path, wrong: dict[str, str]) -> None:
    """An error for each event, and no failed start, which Lambda would try again and again."""
    with running_function(stage.archive, tmp_path / "task", environment(stage, **wrong)) as runtime:
        outcomes = [runtime.invoke(rest(stage.good)) for _ in range(2)]
    assert [("error", "SettingsError")] * 2 == [(one.kind, one.document["errorType"]) for one in outcomes]


def test_a_token_that_is_wrong(stage: Stage, tmp_path: Path) -> None:
    """The service says 401, and no mode opens for that."""
    settings = environment(stage, REVET_TOKEN="another-token-000000", REVET_FAIL_MODE="open")
    with running_function(stage.archive, tmp_path / "task", settings) as runtime:
        document = runtime.invoke(rest(stage.good)).document
    assert ("Deny", "unavailable") == (effect(document), document["context"]["code"])


def test_a_trust_store_that_is_not_there(stage: Stage, tmp_path: Path) -> None:
    """The service says 404, which is nobody's allow either."""
    settings = environment(stage, REVET_TRUST_STORE="partners", REVET_FAIL_MODE="open")
    with running_function(stage.archive, tmp_path / "task", settings) as runtime:
        document = runtime.invoke(rest(stage.good)).document
    assert ("Deny", "unavailable") == (effect(document), document["context"]["code"])
