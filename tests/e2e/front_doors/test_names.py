"""A client's name comes through every door as it is: each subject of `subjects`, by each way that there is.

What `POST /v1/validate` says is the measure. Whoever decodes `X-Revet-Subject`, or the authorizer's context, has the
same text; nothing in a name makes a second header, another request, or anybody else of its owner.
"""

import importlib.util
import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

import httpx
import pytest

from service.application.fronts import Front
from tests.api.client_cert import proxies
from tests.e2e.front_doors.stages import ALB_HEADER, CERTIFICATE_HEADERS, WRITERS, Stage, running_stage
from tests.e2e.front_doors.subjects import SUBJECTS, client, teletex_name
from tests.e2e.running import ROOT as CHECKOUT
from tests.e2e.running import Service
from tests.pki import Issued
from tests.sidecar.application import Arrived
from tests.sidecar.material import ROOT, TOKEN, VALIDITY

NO_SUBJECT: Final = "-"
"""What stands in headers for the name without attributes."""

PRINTABLE: Final = frozenset(string.ascii_letters + string.digits + string.punctuation + " ")

LONGEST: Final = 16 * 1024
"""Octets of the longest name that is read."""

EVERY: Final = pytest.mark.parametrize("name", list(SUBJECTS))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What all of them pass."""
    with running_stage(tmp_path_factory.mktemp("names")) as running:
        yield running


@pytest.fixture(autouse=True)
def begin_anew(stage: Stage) -> None:
    """Nothing has arrived."""
    stage.application.arrived.clear()


def validated(service: Service, issued: Issued) -> dict[str, Any]:
    """What `POST /v1/validate` says."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = httpx.post(f"{service.url}/v1/validate", json={"certificate": issued.pem}, headers=headers, timeout=10)
    assert httpx.codes.OK == answer.status_code, answer.text
    return dict(answer.json())


def read_subject(values: list[str]) -> str:
    """The text that one header's only value stands for."""
    (value,) = values
    assert PRINTABLE >= set(value)
    assert value == value.strip()
    text = unquote(value, errors="strict")
    return "" if text == NO_SUBJECT else text


def is_as_for_anybody(arrived: Arrived, plain: Arrived) -> bool:
    """Whether a request has the headers that any other has, each once, and its own line."""
    return [name for name, _ in arrived.headers] == [name for name, _ in plain.headers] and arrived.line == plain.line


# --- the service -----------------------------------------------------------------------------------------------------


@EVERY
def test_validate(stage: Stage, name: str) -> None:
    """The measure: RFC 4514, in the answer and in its path."""
    said = validated(stage.service, client(name))
    assert ("allow", SUBJECTS[name].text) == (said["decision"], said["subject"])
    assert SUBJECTS[name].text == said["path"][0]["subject"]


@EVERY
@pytest.mark.parametrize("way", list(WRITERS))
def test_authorize(stage: Stage, name: str, way: str) -> None:
    """The header of each front, as that front writes it."""
    front, write = WRITERS[way]
    issued = client(name)
    answer = stage.authorize(front, (CERTIFICATE_HEADERS[front], write(issued.der)))
    assert (200, "allow") == (answer.status_code, answer.headers["X-Revet-Decision"]), answer.text
    assert SUBJECTS[name].text == read_subject(answer.headers.get_list("X-Revet-Subject"))
    assert f"{issued.serial:x}" == answer.headers["X-Revet-Serial"]


# --- the sidecar -----------------------------------------------------------------------------------------------------


@EVERY
def test_alb_sidecar(stage: Stage, name: str) -> None:
    """Behind an Application Load Balancer: the application reads the name that the service has read."""
    stage.through_alb((ALB_HEADER, proxies.alb(client("plain").der)))
    answer = stage.through_alb((ALB_HEADER, proxies.alb(client(name).der)))
    assert (200, "the application\n") == (answer.status_code, answer.text)
    plain, arrived = stage.application.arrived
    assert is_as_for_anybody(arrived, plain)
    assert SUBJECTS[name].text == read_subject(arrived.values("X-Revet-Subject"))


@EVERY
def test_nlb_sidecar(stage: Stage, name: str) -> None:
    """Where TLS ends at the sidecar: the same."""
    stage.through_nlb(stage.pair("plain", client("plain")))
    answer = stage.through_nlb(stage.pair(name, client(name)))
    assert (200, "the application\n") == (answer.status_code, answer.text)
    plain, arrived = stage.application.arrived
    assert is_as_for_anybody(arrived, plain)
    assert SUBJECTS[name].text == read_subject(arrived.values("X-Revet-Subject"))


@pytest.fixture(scope="module")
def keeping(stage: Stage) -> Iterator[Stage]:
    """The same with a sidecar that keeps verdicts."""
    with stage.another_sidecar("nlb", {"REVET_SIDECAR_CACHE_S": "60"}) as sidecar:
        yield replace(stage, nlb=sidecar)


@EVERY
def test_kept_verdicts(keeping: Stage, name: str) -> None:
    """What the sidecar has kept says the same as what it was told."""
    pair = keeping.pair(name, client(name))
    told = [keeping.through_nlb(pair).status_code for _ in range(3)]
    assert [200] * 3 == told
    seen = [read_subject(one.values("X-Revet-Subject")) for one in keeping.application.arrived]
    assert [SUBJECTS[name].text] * 3 == seen


# --- the authorizer --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authorizer(stage: Stage) -> Iterator[Any]:
    """The Lambda authorizer, loaded from its file as Lambda does it, talking to the service."""
    path = CHECKOUT / "authorizer" / "lambda_function.py"
    specification = importlib.util.spec_from_file_location("authorizer_of_names", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    environment = {"REVET_URL": stage.service.url, "REVET_TOKEN": TOKEN, "REVET_TIMEOUT_MS": "8000"}
    made = module.Authorizer(environment)
    yield made
    made.revet.connection.close()


def rest_event(pem: str) -> Mapping[str, object]:
    """What API Gateway calls the authorizer of a REST API with, as far as names are concerned."""
    shown = {"clientCertPem": pem, "serialNumber": "0a:1b"}
    arn = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/GET/"
    return {"type": "REQUEST", "methodArn": arn, "requestContext": {"identity": {"clientCert": shown}}}


def http_event(pem: str) -> Mapping[str, object]:
    """The same for an HTTP API."""
    shown = {"clientCertPem": pem, "serialNumber": "0a:1b"}
    arn = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/$default/GET/"
    context = {"authentication": {"clientCert": shown}}
    return {"version": "2.0", "type": "REQUEST", "routeArn": arn, "requestContext": context}


@EVERY
def test_authorizer(authorizer: Any, name: str) -> None:  # noqa: ANN401 - as above
    """Both payload formats: the context is encoded as headers are, and says the same."""
    pem = client(name).pem
    policy, simple = authorizer.authorize(rest_event(pem)), authorizer.authorize(http_event(pem))
    assert "Allow" == policy["policyDocument"]["Statement"][0]["Effect"]
    assert simple["isAuthorized"]
    for answer in (policy, simple):
        assert all(isinstance(value, str) for value in answer["context"].values())
        assert SUBJECTS[name].text == read_subject([answer["context"]["subject"]])


# --- how long a name may be ------------------------------------------------------------------------------------------


def name_of(octets: int, character: bytes = b"x") -> bytes:
    """A name of so many octets, a TeletexString of one character."""
    around = len(teletex_name(character * octets)) - octets
    return teletex_name(character * (octets - around))


@pytest.mark.parametrize("character", ["x", "\xfc"])
def test_the_longest_name(stage: Stage, character: str) -> None:
    """It is read; in a header it is six times as long, where it is Latin-1."""
    issued = ROOT.issue(name_of(LONGEST, character.encode("latin-1")), **VALIDITY)
    text = validated(stage.service, issued)["subject"]
    assert text.startswith("CN=" + character * 16_000)
    for way in ("nginx", "envoy", "rfc9440"):
        front, write = WRITERS[way]
        answer = stage.authorize(front, (CERTIFICATE_HEADERS[front], write(issued.der)))
        assert text == read_subject(answer.headers.get_list("X-Revet-Subject"))


def test_the_longest_name_through_the_sidecar(stage: Stage) -> None:
    """As long as the application takes headers of such a length: of Latin-1 it would have 96 KiB."""
    issued = ROOT.issue(name_of(LONGEST), **VALIDITY)
    text = validated(stage.service, issued)["subject"]
    pair = stage.pair("longest", issued)
    for answer in (stage.through_alb((ALB_HEADER, proxies.alb(issued.der))), stage.through_nlb(pair)):
        assert (200, "the application\n") == (answer.status_code, answer.text)
        assert text == read_subject(stage.application.last.values("X-Revet-Subject"))


def test_a_name_that_is_too_long(stage: Stage) -> None:
    """It is refused by name, at every door, and nothing arrives."""
    issued = ROOT.issue(name_of(LONGEST + 1), **VALIDITY)
    said = validated(stage.service, issued)
    assert ("deny", "malformed", None) == (said["decision"], said["code"], said["subject"])
    for answer in (
        stage.authorize(Front.NGINX, (CERTIFICATE_HEADERS[Front.NGINX], proxies.nginx(issued.der))),
        stage.through_alb((ALB_HEADER, proxies.alb(issued.der))),
        stage.through_nlb(stage.pair("too-long", issued)),
    ):
        assert (403, "malformed") == (answer.status_code, answer.json()["code"])
    assert [] == stage.application.arrived
