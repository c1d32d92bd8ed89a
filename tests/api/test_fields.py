"""Each field of a request: its type, its bounds, and what is said of a wrong one."""

from datetime import timedelta
from typing import Final

import pytest

from service.api.schemas import MAX_EVIDENCE_AGE
from tests.api.conformance import Json
from tests.api.world import LEAF, SUB, World, overriding

pytestmark = pytest.mark.anyio

STRINGS: Final = ("certificate", "trust_store", "options.at")
LISTS: Final = (
    "intermediates",
    "options.evidence.crls",
    "options.evidence.ocsp_responses",
    "options.weak_algorithms",
    "options.policies.initial_policy_set",
)
BOOLEANS: Final = (
    "options.online",
    "options.partial_chain",
    "options.policies.require_explicit_policy",
    "options.policies.inhibit_policy_mapping",
    "options.policies.inhibit_any_policy",
)
ENUMS: Final = ("options.revocation_mode", "options.revocation_scope", "options.evidence_order", "options.key_purpose")
NUMBERS: Final = ("options.max_evidence_age_s", "options.max_path_length")
OBJECTS: Final = ("options", "options.evidence", "options.policies")

NO_VALUE: Final[tuple[tuple[tuple[str, ...], tuple[object, ...]], ...]] = (
    (STRINGS, (None, 1, True, [], {}, 1.5)),
    (LISTS, (None, "x", 1, True, {}, [1], [None], [["x"]], [{}])),
    (BOOLEANS, (None, "true", 1, 0, [], {})),
    (ENUMS, (None, "x", "", 1, True, [], {}, "OFF")),
    (NUMBERS, ("1", -1, True, False, 1.0, 1.5, [], {}, 10**30, 1e30)),
    (OBJECTS, (None, "x", 1, True, [], [{}])),
)
"""For each kind of field, values that are none of it."""


def request(path: str, value: object) -> Json:
    """A request that is right but for one field."""
    body: Json = {"certificate": LEAF.pem + SUB.pem}
    *parents, name = path.split(".")
    inner = body
    for parent in parents:
        inner = inner.setdefault(parent, {})
    inner[name] = value
    return body


def field_of(path: str, value: object) -> str:
    """How a problem names the field: the element of a list where that is at fault."""
    return f"{path}[0]" if isinstance(value, list) and value and path in LISTS else path


@pytest.mark.parametrize(
    ("path", "value"), [(path, value) for paths, values in NO_VALUE for path in paths for value in values]
)
async def test_a_wrong_type_is_a_400_that_names_the_field(path: str, value: object) -> None:
    """No type is taken for another, and null only where it is allowed."""
    world = World()
    answer = await overriding(world).validate(request(path, value))
    assert 400 == answer.status_code
    assert [field_of(path, value)] == [error["field"] for error in answer.json()["errors"]]
    assert [] == world.faults


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("certificat", "x"),
        ("options.mode", "off"),
        ("options.evidence.crl", []),
        ("options.policies.anyPolicy", True),
        ("Certificate", "x"),
    ],
)
async def test_an_unknown_field_is_a_400_that_names_it(path: str, value: object) -> None:
    """A field that is spelt wrong would otherwise be one that is not there."""
    answer = await overriding().validate(request(path, value))
    assert (400, [{"field": path, "detail": "unknown field"}]) == (answer.status_code, answer.json()["errors"])


async def test_a_missing_certificate_is_named() -> None:
    """It is the one field that must be there."""
    answer = await overriding().validate({})
    assert (400, [{"field": "certificate", "detail": "Field required"}]) == (
        answer.status_code,
        answer.json()["errors"],
    )


async def test_a_field_of_any_name_is_named_in_print() -> None:
    """A name out of the request is shortened, and what is not printable ASCII is escaped."""
    answer = await overriding().validate({"certificate": "x", "é\r\n'" + "a" * 1_000: 1})
    assert "\\xe9\\r\\n'aaa" == answer.json()["errors"][0]["field"][:12]
    assert 100 > len(answer.json()["errors"][0]["field"])


async def test_a_problem_names_a_few_fields() -> None:
    """Sixty wrong fields make no page."""
    answer = await overriding().validate({f"field{number}": 1 for number in range(60)})
    assert (400, 8) == (answer.status_code, len(answer.json()["errors"]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("options.max_evidence_age_s", 0),
        ("options.max_evidence_age_s", int(MAX_EVIDENCE_AGE.total_seconds())),
        ("options.max_evidence_age_s", None),
        ("options.max_path_length", 0),
        ("options.max_path_length", 64),
        ("options.max_path_length", None),
        ("options.policies.initial_policy_set", []),
        ("options.policies.initial_policy_set", ["2.5.29.32.0"]),
        ("options.weak_algorithms", ["sha1", "md5", "rsa1024", "rsa512", "dsa", "p192", "sha1"]),
        ("intermediates", []),
        ("options.evidence.crls", []),
    ],
)
async def test_a_value_at_the_edge_is_taken(path: str, value: object) -> None:
    """The bounds belong to what is allowed."""
    assert 200 == (await overriding().validate(request(path, value))).status_code


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("options.max_evidence_age_s", int(MAX_EVIDENCE_AGE.total_seconds()) + 1, "options.max_evidence_age_s"),
        ("options.max_path_length", 65, "options.max_path_length"),
        ("options.weak_algorithms", ["sha1", "sha256"], "options.weak_algorithms[1]"),
        ("options.weak_algorithms", ["sha1"] * 1_001, "options.weak_algorithms"),
        ("options.policies.initial_policy_set", ["1.2", "2"], "options.policies.initial_policy_set[1]"),
        ("options.policies.initial_policy_set", ["3.1"], "options.policies.initial_policy_set[0]"),
        ("options.policies.initial_policy_set", ["1.02"], "options.policies.initial_policy_set[0]"),
        ("options.policies.initial_policy_set", ["1.2\n"], "options.policies.initial_policy_set[0]"),
        ("options.policies.initial_policy_set", ["1." + "1" * 300], "options.policies.initial_policy_set[0]"),
        ("intermediates", ["x"] * 1_001, "intermediates"),
    ],
)
async def test_a_value_beyond_the_edge_is_not(path: str, value: object, field: str) -> None:
    """One more is a 400."""
    answer = await overriding().validate(request(path, value))
    assert (400, [field]) == (answer.status_code, [error["field"] for error in answer.json()["errors"]])


def test_the_longest_age_is_a_hundred_years() -> None:
    """As the contract of `max_evidence_age_s` has it."""
    assert timedelta(days=100 * 365.25) == MAX_EVIDENCE_AGE
