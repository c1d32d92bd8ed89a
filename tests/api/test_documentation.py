"""`/openapi.json` and `/docs`: complete, true, and readable without a network."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any, Final

import pytest

from service.api import examples
from service.api.authentication import ClientCertificates, grant_access
from service.api.client_cert.header import HeaderNames
from service.api.openapi import openapi_document
from service.api.rules import ApiRules, OperationsPort
from service.application.fronts import Front
from tests.api.conformance import Json, check_schema
from tests.api.world import ADMIN, CALLER, VERSION, WITH_CLIENT_CA, WITH_TOKENS, World, calling

pytestmark = pytest.mark.anyio

AUTHORIZE: Final = "/v1/authorize/{front}"
DOCUMENT: Final = openapi_document(VERSION, ApiRules())


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Path, method and description of everything served."""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def references(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    """Every `$ref` in a document."""
    match value:
        case dict():
            found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return found.union(*map(references, value.values()))
        case list():
            return set().union(*map(references, value))
        case _:
            return set()


async def test_the_document_is_served() -> None:
    """As JSON, with the version of the service."""
    answer = await calling(World()).get("/openapi.json")
    assert (200, DOCUMENT) == (answer.status_code, answer.json())
    assert ("3.1.0", VERSION) == (DOCUMENT["openapi"], DOCUMENT["info"]["version"])


async def test_everything_that_is_documented_is_served() -> None:
    """Each path with its method, and with no other; what a client has to send besides is its own matter."""
    caller = calling(World())
    for path, method, operation in operations(DOCUMENT):
        answer = await caller.send(method.upper(), path)
        assert str(answer.status_code) in operation["responses"], path
        other = await caller.send("PATCH", path)
        assert (answer.status_code if path == AUTHORIZE else 405) == other.status_code


async def test_everything_that_is_served_is_documented() -> None:
    """Every route of the application is in the document; what proxies ask is no route, since any path may follow."""
    served = {getattr(route, "path", None) for route in World().app().routes}
    assert set(DOCUMENT["paths"]) == served | {AUTHORIZE}


def test_every_reference_leads_somewhere() -> None:
    """And every schema is used."""
    names = {reference.rpartition("/")[2] for reference in references(DOCUMENT)}
    assert set(DOCUMENT["components"]["schemas"]) == names


def test_every_field_is_described() -> None:
    """By its own words or by those of its type."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert "description" in schema, name
        for field, described in schema.get("properties", {}).items():
            if name in {"Answer", "ValidateRequest", "Options", "PolicyOptions", "InlineEvidence", "RevocationAnswer"}:
                assert "description" in described or "$ref" in described, f"{name}.{field}"


def test_absent_is_not_null() -> None:
    """Only two options may be null, and none has null for a default."""
    schemas = DOCUMENT["components"]["schemas"]
    nullable = set()
    for name in ("ValidateRequest", "BatchRequest", "Options", "PolicyOptions", "InlineEvidence"):
        for field, described in schemas[name]["properties"].items():
            assert described.get("default", ...) is not None
            if {"type": "null"} in described.get("anyOf", ()):
                nullable.add(field)
    assert {"max_evidence_age_s", "max_path_length"} == nullable


def test_every_example_is_what_its_schema_says() -> None:
    """Those of requests and those of answers."""
    count = 0
    for path, _, operation in operations(DOCUMENT):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in (*bodies, *operation["responses"].values()):
            for media in body.get("content", {}).values():
                for example in media.get("examples", {}).values():
                    count += 1
                    check_schema(DOCUMENT, media["schema"]["$ref"].rpartition("/")[2], example["value"])
        assert path
    assert count == 33


@pytest.mark.parametrize(
    "wrong",
    [
        {**examples.ALLOW, "more": 1},
        {**examples.ALLOW, "decision": "maybe"},
        {**examples.ALLOW, "serial_number": "AB"},
        {**examples.ALLOW, "checked_at": "yesterday"},
        {key: value for key, value in examples.ALLOW.items() if key != "cache"},
    ],
)
def test_the_schema_of_answers_is_strict(wrong: Json) -> None:
    """Otherwise no test of an answer against it would mean anything."""
    with pytest.raises(AssertionError):
        check_schema(DOCUMENT, "Answer", wrong)


@pytest.mark.parametrize(
    ("rules", "security", "has_401"),
    [
        (ApiRules(), [], False),
        (WITH_TOKENS, [{"token": []}], True),
        (WITH_CLIENT_CA, [{"clientCertificate": []}], False),
        (
            ApiRules(access=grant_access([], [ADMIN], ClientCertificates.REQUIRED)),
            [{"token": []}, {"clientCertificate": []}],
            True,
        ),
        (ApiRules(access=grant_access([CALLER], [], ClientCertificates.REQUIRED)), [{"token": []}], True),
    ],
)
def test_credentials_are_documented_as_they_are_asked_for(rules: ApiRules, security: list[Json], has_401: bool) -> None:
    """The document is that of this deployment."""
    document = openapi_document(VERSION, rules)
    operation = document["paths"]["/v1/validate"]["post"]
    assert (security, has_401) == (operation["security"], "401" in operation["responses"])
    proxies = document["paths"][AUTHORIZE]["get"]["security"]
    assert [{"proxyToken": []} if way == {"token": []} else way for way in security] == proxies
    assert {name for way in (*security, *proxies) for name in way} == set(document["components"]["securitySchemes"])


def test_proxies_are_told_what_the_operator_has_set() -> None:
    """The fronts that are served, and what the headers are called."""
    rules = ApiRules(fronts=frozenset({Front.NGINX}), header_names=HeaderNames(nginx=b"x-our-cert"))
    parameters = openapi_document(VERSION, rules)["paths"][AUTHORIZE]["get"]["parameters"]
    front = next(one for one in parameters if one["in"] == "path")
    assert ("nginx", "nginx@partners") == tuple(one["value"] for one in front["examples"].values())
    assert re.fullmatch(front["schema"]["pattern"], "nginx@partners")
    assert re.fullmatch(front["schema"]["pattern"], "envoy") is None
    assert "x-our-cert" in {one["name"] for one in parameters}


def test_limits_are_the_operators() -> None:
    """What is documented is what is checked."""
    schemas = openapi_document(VERSION, ApiRules(max_intermediates=7, max_items=9))["components"]["schemas"]
    assert 7 == schemas["ValidateRequest"]["properties"]["intermediates"]["maxItems"]
    assert 9 == schemas["BatchRequest"]["properties"]["items"]["maxItems"]


def test_operations_on_a_port_of_their_own_are_not_documented() -> None:
    """The document is that of the main port."""
    paths = openapi_document(VERSION, ApiRules(operations=OperationsPort.MANAGEMENT))["paths"]
    assert {"/readyz", "/metrics"}.isdisjoint(paths)
    assert {"/v1/validate", "/v1/validate/batch", "/v1/blocks", "/healthz", "/openapi.json", "/docs"} <= set(paths)


class _Page(HTMLParser):
    """Reads a page: what it loads, what it holds, and whether every element ends."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "action", "style"} and value]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It ends."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """What it holds."""
        self.text += data


async def test_the_page_needs_no_network_and_no_script() -> None:
    """Its policy allows nothing but the one style sheet that is in it, by its digest."""
    answer = await calling(World()).get("/docs")
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "a decision too: <code>deny</code>, <code>malformed</code>." in answer.text
    page = _Page()
    page.feed(answer.text)
    page.close()
    assert ([], ["openapi.json"]) == (page.open, page.links)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    own = f"default-src 'none'; style-src 'sha256-{digest}'"
    assert f"{own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" == policy


async def test_the_page_shows_every_operation_and_field() -> None:
    """By path and by name, with the examples."""
    page = _Page()
    page.feed((await calling(World(rules=WITH_TOKENS)).get("/docs")).text)
    for expected in (
        *DOCUMENT["paths"],
        "options.policies.initial_policy_set",
        "path[].revocation.this_update",
        "results[].path[].subject",
        "hard-fail, soft-fail, require, off",
        "integer or null",
        "A caller's or an administrator's token.",
        examples.ALLOW["fingerprint_sha256"],
    ):
        assert expected in page.text, expected
