"""What nobody has thought of: requests out of the document, out of broken certificates, and out of thin air."""

import asyncio
import json
from base64 import b64encode
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from service.api.openapi import openapi_document
from service.api.problems import ProblemError
from service.api.rules import ApiRules
from service.application.fronts import Front
from tests.api.asgi import sending
from tests.api.authorizing import proxy
from tests.api.conformance import Json
from tests.api.world import LEAF, SUB, VERSION, WITH_TOKENS, Caller, World, overriding
from tests.pki import pem

WORLD: Final = World()
CALLER: Final = overriding(WORLD)
PROXY: Final = proxy(WORLD)
EXAMPLES: Final = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
OPERATIONS: Final = [
    (method, path) for path, methods in openapi_document(VERSION, ApiRules())["paths"].items() for method in methods
]
PER_OPERATION: Final = settings(max_examples=40, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def schema() -> BaseSchema:
    """The document of a service whose requests may carry options."""
    return schemathesis.openapi.from_asgi(
        "/openapi.json", overriding(World(rules=ApiRules(hosts=frozenset({"testserver"})))).app
    )


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_right_requests_out_of_the_document(schema: BaseSchema, method: str, path: str) -> None:
    """No 5xx, nothing undocumented, every body as its schema says."""
    # A text is not yet a certificate: what the document allows may still be a 400.
    send_generated(schema[path][method], GenerationMode.POSITIVE, positive_data_acceptance)


def test_wrong_requests_out_of_the_document(schema: BaseSchema) -> None:
    """Whatever breaks the document's rules is refused."""
    send_generated(schema["/v1/validate"]["post"], GenerationMode.NEGATIVE)


def test_wrong_batches_out_of_the_document(schema: BaseSchema) -> None:
    """What is wrong with an item is a problem in its place, and no reason to refuse the batch."""
    send_generated(schema["/v1/validate/batch"]["post"], GenerationMode.NEGATIVE, negative_data_rejection)


def send_generated(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, *excluded: CheckFunction) -> None:
    """Send requests that are generated from an operation's schema, and check the answers in every way but these.

    Raises:
        AssertionError: a check fails.
    """

    @given(operation.as_strategy(generation_mode=mode))
    @PER_OPERATION
    def send(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(excluded_checks=list(excluded))

    send()


def answered(caller: Caller, body: Json) -> int:
    """The status, after the answer was held against the document.

    Raises:
        AssertionError: it was our fault.
    """
    WORLD.faults.clear()
    answer = asyncio.run(caller.validate(body))
    assert [] == WORLD.faults
    return answer.status_code


@st.composite
def broken(draw: st.DrawFn, der: bytes) -> bytes:
    """Octets that were a certificate before some of them were changed, taken away, or doubled."""
    octets = bytearray(der)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(octets) - 1))
        match draw(st.sampled_from(("change", "remove", "double"))):
            case "change":
                octets[start] = draw(st.integers(0, 255))
            case "remove":
                del octets[start : start + draw(st.integers(1, 8))]
            case _:
                octets[start:start] = octets[start : start + draw(st.integers(1, 64))]
    return bytes(octets) or b"\0"


@given(broken(LEAF.der), broken(SUB.der))
@settings(EXAMPLES, max_examples=300)
def test_broken_certificates_are_decisions(leaf: bytes, intermediate: bytes) -> None:
    """Leaf and intermediate alike: whatever is in them, a caller gets a verdict on it."""
    body = {"certificate": pem(leaf), "intermediates": [SUB.pem, b64encode(intermediate).decode()]}
    assert 200 == answered(CALLER, body)


@given(st.sampled_from(Front), broken(LEAF.der), broken(SUB.der))
@EXAMPLES
def test_broken_certificates_of_proxies_are_decisions(front: Front, leaf: bytes, intermediate: bytes) -> None:
    """Through each front: allowed or denied, and never our fault."""
    WORLD.faults.clear()
    answer = asyncio.run(PROXY.present(front, leaf, intermediate))
    assert [] == WORLD.faults
    assert answer.status in {200, 403}


_OCTETS: Final = st.binary(min_size=1, max_size=12).filter(lambda octets: not {0x23, 0x3F} & {*octets})


@given(st.lists(_OCTETS | st.sampled_from([b"nginx", b"envoy", b"@", b"/", b"..", b"%2F", b"default"]), max_size=6))
@EXAMPLES
def test_any_path_of_proxies(pieces: list[bytes]) -> None:
    """A front that is there or a 404; never our fault, and never another path."""
    path = b"".join(pieces).decode("latin-1")
    answer = asyncio.run(PROXY.ask(path))
    first = path.split("/")[0].removesuffix("@default")
    assert (401 if first in set(Front) else 404) == answer.status


@given(broken(SUB.crl(revoked={LEAF.serial: "keyCompromise"})), broken(SUB.ocsp(LEAF)))
@EXAMPLES
def test_broken_evidence_is_ignored(crl: bytes, response: bytes) -> None:
    """It is named, and the decision is made without it."""
    evidence = {"crls": [b64encode(crl).decode()], "ocsp_responses": [b64encode(response).decode()]}
    body = {"certificate": LEAF.pem + SUB.pem, "options": {"evidence": evidence, "revocation_mode": "require"}}
    assert 200 == answered(CALLER, body)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
_names = st.sampled_from(
    (
        "certificate",
        "intermediates",
        "trust_store",
        "options",
        "at",
        "online",
        "evidence",
        "policies",
        "max_path_length",
    )
)
_requests = st.dictionaries(_names | st.text(max_size=5), _anything | st.dictionaries(_names, _anything, max_size=4))


@given(_requests | _anything)
@EXAMPLES
def test_any_json_is_answered(value: Any) -> None:  # noqa: ANN401 - any JSON
    """A 400 nearly always, and never our fault; NaN and unpaired surrogates are among it."""
    WORLD.faults.clear()
    for path in ("/v1/validate", "/v1/validate/batch"):
        answer = asyncio.run(CALLER.post(json.dumps(value).encode(), path))
        assert [] == WORLD.faults
        assert answer.status_code in {200, 400, 404, 413}


@given(st.binary(max_size=64))
@EXAMPLES
def test_any_authorization_is_a_token_or_none(value: bytes) -> None:
    """Octets that no token has are a 401 too."""
    with pytest.raises(ProblemError) as refused:
        WITH_TOKENS.access.authenticate(sending((b"authorization", b"Bearer " + value)))
    assert 401 == refused.value.problem.status
