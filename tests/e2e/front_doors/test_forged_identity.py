"""A client that says itself who it is, through API Gateway: the backend gets what Revet says, or that nobody says it.

| kind of API | set up by |
| --- | --- |
| REST | `deploy/aws/openapi/rest.yaml` |
| HTTP | what `docs/api-gateway.md` has for one |
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from service.demo.gateway.integration import Proxy
from service.demo.gateway.model import AnswerForm, Api, AuthorizerSettings, Kind
from tests.docs.pages import blocks, page
from tests.e2e.front_doors.devices import Maker
from tests.e2e.front_doors.doors import Door, Shown, opened
from tests.e2e.front_doors.network import Backend, self_signed_backend
from tests.e2e.front_doors.openapi import authorizer_of, request_parameters_of, resources_of, template
from tests.e2e.published import publishing
from tests.e2e.running import running_service

NAMES: Final = ("decision", "code", "subject", "serial", "fingerprint", "decision-id", "valid-until")
FORGED: Final = tuple(
    argument for name in NAMES for argument in ("-H", f"X-REVET-{name}: forged", "-H", f"x-revet-{name}: forged")
)
NOWHERE: Final = "http://127.0.0.1:9"
"""Where nobody answers."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """How an API is configured."""

    api: Api
    settings: AuthorizerSettings
    parameters: Mapping[str, str]


def rest() -> SetUp:
    """As the template has it."""
    return SetUp(resources_of(template()), authorizer_of(template()), request_parameters_of(template()))


def http() -> SetUp:
    """As the page has it."""
    (parameters,) = (json.loads(one) for one in blocks(page("api-gateway.md"), "json") if "overwrite:header." in one)
    bound = ("$context.identity.clientCert.clientCertPem",)
    return SetUp(Api(Kind.HTTP, stage="$default"), AuthorizerSettings(bound, 60, AnswerForm.SIMPLE), parameters)


each = pytest.mark.parametrize("set_up", [rest(), http()], ids=["REST", "HTTP"])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends what a test has started."""
    with ExitStack() as made:
        yield made


@pytest.fixture
def backend(tmp_path: Path, stack: ExitStack) -> Backend:
    """The user's application."""
    return stack.enter_context(self_signed_backend(tmp_path))


def told(door: Door, shown: Shown) -> dict[str, list[str]]:
    """What the backend is told of a client that forges all."""
    answer = door.curl(shown, *FORGED)
    assert 200 == answer.status
    found: dict[str, list[str]] = json.loads(answer.body)
    return found


def through(backend: Backend, set_up: SetUp) -> Proxy:
    """The integration that leads to it."""
    return Proxy.pinning(f"https://{backend.address}", backend.certificate).mapping(set_up.parameters)


@each
def test_the_backend_is_told_by_revet(tmp_path: Path, stack: ExitStack, backend: Backend, set_up: SetUp) -> None:
    """Each header once, and as Revet says it; for the answer that API Gateway keeps as well."""
    maker = Maker.of("Maker of vehicles", stack.enter_context(publishing()))
    truck = maker.device("truck-1", tmp_path)
    maker.publish()
    store = tmp_path / "trust.pem"
    store.write_text(maker.authority.pem)
    revet = stack.enter_context(running_service(tmp_path, store))
    door = stack.enter_context(
        opened(
            *(tmp_path, store.read_bytes(), {"REVET_URL": revet.url}),
            api=set_up.api,
            settings=set_up.settings,
            integration=through(backend, set_up),
        )
    )

    first, kept = told(door, truck), told(door, truck)

    assert first == kept
    assert ["ok"] == door.codes(), "it was asked about once"
    assert {f"x-revet-{name}" for name in NAMES} == set(first)
    assert [1] * len(NAMES) == [len(values) for values in first.values()]
    assert [["allow"], ["ok"], ["CN=truck-1"], [f"{maker.serials['truck-1']:x}"]] == [
        first[f"x-revet-{name}"] for name in NAMES[:4]
    ]
    assert not [values for values in first.values() if "forged" in values]


@each
def test_the_backend_is_told_that_nobody_has_said_it(
    tmp_path: Path, stack: ExitStack, backend: Backend, set_up: SetUp
) -> None:
    """In fail mode `open`, while nobody answers, a client still does not say who it is."""
    maker = Maker.of("Maker of vehicles", stack.enter_context(publishing()))
    truck = maker.device("truck-1", tmp_path)
    door = stack.enter_context(
        opened(
            *(tmp_path, maker.authority.pem.encode(), {"REVET_URL": NOWHERE, "REVET_FAIL_MODE": "open"}),
            api=set_up.api,
            settings=set_up.settings,
            integration=through(backend, set_up),
        )
    )

    expected = {f"x-revet-{name}": ["-"] for name in NAMES}
    assert expected | {"x-revet-decision": ["allow"], "x-revet-code": ["unavailable"]} == told(door, truck)
