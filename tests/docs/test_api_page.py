"""The tables of `docs/api.md` name every path, field, option, metric and limit that there is, and nothing else."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from service.adapters.lmdb.role import Role
from service.adapters.lmdb.store import Store
from service.api.admission import MAX_BATCHES_IN_FLIGHT, MAX_IN_FLIGHT
from service.api.answers import Answer, Cache, PathAnswer, RevocationAnswer
from service.api.authorize_answer import MAX_AGE_S
from service.api.batch import CONCURRENT_ITEMS
from service.api.body_room import LARGEST_BODIES
from service.api.client_cert.header import MAX_CERTIFICATES, MAX_VALUE_OCTETS
from service.api.decision_schemas import DecisionAnswer
from service.api.event_streams import LONGEST_S
from service.api.json_text import MAX_CONTAINERS, MAX_MEMBERS
from service.api.openapi import openapi_document
from service.api.operator_schemas import CrlAnswer
from service.api.reply import DATA_HEADERS
from service.api.rules import MAX_ITEMS, ApiRules
from service.api.schemas import MAX_LISTED, MAX_OID_LENGTH, Options, ValidateRequest
from service.application.cache_counting import COUNTED
from service.application.crl_urls import MAX_DISTRIBUTION_POINTS, MAX_URLS
from service.application.inline_evidence import MAX_CRLS, MAX_OCSP_RESPONSES
from service.application.observer import Ingested
from service.application.ocsp_client import MAX_RESPONDERS, MAX_RESPONSE_BYTES
from service.application.operating.crl_listing import CrlStatus
from service.bootstrap.directories import STORE_DIRECTORY
from service.bootstrap.limits import MANAGEMENT_CONNECTIONS
from service.bootstrap.worker import open_worker_apps
from service.core.crl.issuer import MAX_SIGNERS
from service.core.crl.scope import MAX_CRL_ISSUERS
from service.core.model.budget import Limits
from service.core.model.evidence_tier import Tier
from service.core.model.verdict import Decision, Method, RevocationStatus, Status
from service.core.path.building import MAX_RSA_BITS
from service.processes.http_protocol import MAX_HEAD_OCTETS
from service.settings import Settings
from tests.adapters.tls.materials import server_pair
from tests.api.world import VERSION, World
from tests.application.holding import hold_crl
from tests.docs.pages import Row, page, table, word, words
from tests.pki import Authority

pytestmark = pytest.mark.anyio

PAGE: Final = "api.md"
AUTHORIZE: Final = "/v1/authorize/{front}"
ROOT: Final = Authority.root("Root")
SETTINGS: Final = Settings.model_fields
LIMITS: Final = Limits()


def names(mark: str, column: str) -> list[str]:
    """The first column of a table."""
    return [word(row[column]) for row in table(PAGE, mark)]


# --- paths and fields ------------------------------------------------------------------------------------------------


def test_every_path_is_there() -> None:
    """With its method, as the service documents itself."""
    paths = openapi_document(VERSION, ApiRules())["paths"]
    served = sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)
    assert served == sorted(names("endpoints", "method and path"))


def test_the_paths_are_those_of_the_routes() -> None:
    """What is not documented is not served; what proxies ask is no route, since any path may follow."""
    served = {AUTHORIZE, *_routes()}
    assert served == {name.split()[1] for name in names("endpoints", "method and path")}


def _routes() -> set[str]:
    return {path for route in World().app().routes if isinstance(path := getattr(route, "path", None), str)}


@pytest.mark.parametrize(
    ("mark", "schema"),
    [
        ("request", ValidateRequest),
        ("answer", Answer),
        ("path", PathAnswer),
        ("revocation", RevocationAnswer),
        ("crls", CrlAnswer),
        ("decisions", DecisionAnswer),
    ],
)
def test_every_field_is_there(mark: str, schema: type[BaseModel]) -> None:
    """In the order in which it is written."""
    assert list(schema.model_fields) == names(mark, "field")


@pytest.mark.parametrize(
    ("mark", "field", "values"),
    [
        ("answer", "decision", Decision),
        ("answer", "status", Status),
        ("revocation", "status", RevocationStatus),
        ("revocation", "method", Method),
    ],
)
def test_every_value_is_there(mark: str, field: str, values: type[StrEnum]) -> None:
    """Of the fields with a few of them."""
    (row,) = (row for row in table(PAGE, mark) if row["field"] == f"`{field}`")
    assert sorted(values) == sorted(words(row["values"]))


def test_every_tier_is_there() -> None:
    """And null, where there is no evidence."""
    (row,) = (row for row in table(PAGE, "revocation") if row["field"] == "`tier`")
    assert sorted([*Tier, "null"]) == sorted(words(row["values"]))
    (cache,) = (row for row in table(PAGE, "answer") if row["field"] == "`cache`")
    assert list(Cache) == words(cache["values"])


def test_every_status_of_a_crl_is_there() -> None:
    """In the order of the code."""
    assert list(CrlStatus) == names("crl-statuses", "status")


# --- options ---------------------------------------------------------------------------------------------------------


def leaves(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every option by its path, with what the schema says of it."""
    for name, described in schema["properties"].items():
        reference = described.get("$ref", "").rpartition("/")[2]
        resolved = {**definitions.get(reference, {}), **described}
        if "properties" in resolved:
            yield from leaves(resolved, definitions, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", resolved


OPTIONS_SCHEMA: Final[dict[str, Any]] = Options.model_json_schema()
OPTIONS: Final = dict(leaves(OPTIONS_SCHEMA, OPTIONS_SCHEMA["$defs"]))
OPTION_ROWS: Final[dict[str, Row]] = {word(row["option"]): row for row in table(PAGE, "options")}


def test_every_option_is_there() -> None:
    """In the order of the schema."""
    assert list(OPTIONS) == names("options", "option")


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_option_values(option: str) -> None:
    """The words and numbers that are allowed, null where it is, and the default where the schema has one."""
    described, row = OPTIONS[option], OPTION_ROWS[option]
    items = described.get("items", {})
    several = {**items, **OPTIONS_SCHEMA["$defs"].get(items.get("$ref", "").rpartition("/")[2], {})}
    allowed = described.get("enum") or several.get("enum")
    if allowed is not None:
        assert allowed == words(row["values"])
    if described.get("type") == "boolean":
        assert ["true", "false"] == words(row["values"])
    if "default" in described:
        assert f"`{json.dumps(described['default'])}`" == row["default"]
    for one in described.get("anyOf", ()):
        if one["type"] == "integer":
            assert f"`null`, {one['minimum']} to {one['maximum']}" == row["values"]


def test_null_where_the_table_says_so() -> None:
    """And nowhere else."""
    nullable = {option for option, one in OPTIONS.items() if {"type": "null"} in one.get("anyOf", ())}
    assert nullable == {option for option, row in OPTION_ROWS.items() if "null" in words(row["values"])}


# --- limits and headers ----------------------------------------------------------------------------------------------


def test_limits() -> None:
    """Each number is the code's."""
    assert {
        "request line and headers, bytes read before they are whole": MAX_HEAD_OCTETS,
        "seconds from the first octet of a request to the end of its headers": SETTINGS["head_timeout_s"].default,
        "connections of one worker": SETTINGS["max_connections"].default,
        "streams of events of one worker": SETTINGS["max_event_streams"].default,
        "seconds that a stream of events lasts": LONGEST_S,
        "connections of the management port, in one worker": MANAGEMENT_CONNECTIONS,
        "bodies of the largest batch that may have come in part, in one worker": LARGEST_BODIES,
        "body of a request, bytes": SETTINGS["max_request_bytes"].default,
        "body of a batch, bytes": SETTINGS["max_batch_bytes"].default,
        "items of a batch": MAX_ITEMS,
        "items of one batch at once": CONCURRENT_ITEMS,
        "certificates besides the leaf": SETTINGS["max_intermediates"].default,
        "elements of any list": MAX_LISTED,
        "members of a JSON object": MAX_MEMBERS,
        "objects and lists of one body": MAX_CONTAINERS,
        "characters of an object identifier": MAX_OID_LENGTH,
        "requests under way in one worker": MAX_IN_FLIGHT,
        "batches under way in one worker": MAX_BATCHES_IN_FLIGHT,
        "header of a proxy with a certificate, bytes": MAX_VALUE_OCTETS,
        "certificates in one such header": MAX_CERTIFICATES,
        "seconds for which a proxy may ask to keep an answer": MAX_AGE_S,
        "signatures verified for one decision": LIMITS.signatures,
        "certificates looked at for one decision": LIMITS.steps,
        "complete paths tried for one decision": LIMITS.paths,
        "rounds of gathering evidence": LIMITS.rounds,
        "intermediates between leaf and anchor": LIMITS.path_length,
        "bits of an RSA key": MAX_RSA_BITS,
        "CRLs in the evidence of a request": MAX_CRLS,
        "OCSP responses in the evidence of a request": MAX_OCSP_RESPONSES,
        "CRL issuers whose CRLs are looked for for one certificate": MAX_CRL_ISSUERS,
        "keys besides the issuer's that one CRL is tried under": MAX_SIGNERS,
        "distribution points fetched for one certificate": MAX_DISTRIBUTION_POINTS,
        "URLs tried of one distribution point": MAX_URLS,
        "OCSP responders asked about one certificate": MAX_RESPONDERS,
        "bytes of an OCSP response": MAX_RESPONSE_BYTES,
        "bytes of a CRL": SETTINGS["max_crl_bytes"].default,
    } == {row["what"]: int(words(row["limit"])[0]) for row in table(PAGE, "limits")}


def test_headers_of_every_answer() -> None:
    """With their values."""
    rows = {word(row["header"]).lower(): row for row in table(PAGE, "headers") if row["of"] == "answers"}
    for name, value in DATA_HEADERS:
        assert value.decode() == words(rows[name.decode()]["meaning"])[0]


# --- metrics and readiness -------------------------------------------------------------------------------------------


def hold_a_crl(data_dir: Path) -> None:
    """Put a CRL into the store of a service that does not run."""
    with Store.open(data_dir / STORE_DIRECTORY, Role.INGESTER) as store:
        hold_crl(store, ROOT.crl(number=7, revoked=[1]), ROOT, "http://ca.example/crl")


async def get(app: FastAPI, path: str) -> httpx.Response:
    """An answer of an application."""
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path)


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[FastAPI]:
    """A worker as the service composes it, with a CRL in its store and without an ingesting process."""
    (tmp_path / "trusted.pem").write_text(ROOT.pem)
    (tmp_path / "data").mkdir(mode=0o700)
    hold_a_crl(tmp_path / "data")
    pair = server_pair("server")
    (tmp_path / "tls.crt").write_bytes(pair.certificate)
    (tmp_path / "tls.key").write_bytes(pair.key)
    settings = Settings(
        data_dir=tmp_path / "data",
        trust_store=str(tmp_path / "trusted.pem"),
        tls_cert=tmp_path / "tls.crt",
        tls_key=tmp_path / "tls.key",
    )
    async with open_worker_apps(settings, tmp_path / "nobody") as apps:
        yield apps.main


async def test_metrics(worker: FastAPI) -> None:
    """Every metric that a worker shows, with its type and labels, and no other.

    `_created` is only there where one process counts for itself, as here.
    """
    parsed = text_string_to_metric_families((await get(worker, "/metrics")).text)
    families = [one for one in parsed if not one.name.endswith("_created")]
    shown = {
        f"{one.name}_total" if one.type == "counter" else one.name: (
            one.type,
            {label for sample in one.samples for label in sample.labels} - {"le"},
        )
        for one in families
    }
    rows = table(PAGE, "metrics")
    assert len(rows) == len(shown)
    assert shown == {word(row["metric"]): (row["type"], set(words(row["labels"]))) for row in rows}
    assert all(row["meaning"] for row in rows)


def test_caches() -> None:
    """Every pair of tier and kind that counts."""
    shown = {(word(row["tier"]), word(row["kind"])) for row in table(PAGE, "caches")}
    assert {(one.tier.value, one.kind.value) for one in COUNTED} == shown


def test_outcomes_of_crls() -> None:
    """Those that are no problem."""
    (row,) = (row for row in table(PAGE, "metrics") if row["metric"] == "`revet_crl_ingested_total`")
    assert list(Ingested) == words(row["meaning"])


async def test_checks(worker: FastAPI) -> None:
    """Those that a worker runs, and the answer that one without an ingesting process gives."""
    answer = await get(worker, "/readyz")
    assert list(answer.json()["checks"]) == names("checks", "check")
    assert 503 == answer.status_code
    assert answer.text in "".join(page(PAGE).split()).replace("itdoesnotanswer", "it does not answer")
