"""Proxies at a worker as the service composes it: the fronts and the headers are those of the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.api.client_cert.header import HeaderNames
from service.application.fronts import Front
from service.bootstrap.directories import hold_data_directory
from service.bootstrap.worker import open_worker_apps
from service.settings import Settings
from tests.api.asgi import exchange, nothing, scope_of
from tests.api.authorizing import HEADERS, Proxy, handed_over
from tests.pki import NOW, Authority, bundle, days

pytestmark = pytest.mark.anyio

FOR_LONG: Final = NOW + days(20_000)
"""The clock of a worker is the real one."""

ROOT: Final = Authority.root("Root", not_after=FOR_LONG)
SUB: Final = ROOT.subordinate("Sub", not_after=FOR_LONG)
LEAF: Final = SUB.issue("leaf", not_after=FOR_LONG)


@asynccontextmanager
async def worker(directory: Path, **more: object) -> AsyncIterator[Proxy]:
    """A proxy that asks a worker with these settings."""
    (directory / "trusted.pem").write_text(bundle([ROOT, SUB]))
    (directory / "data").mkdir(mode=0o700)
    given = {"data_dir": directory / "data", "trust_store": str(directory / "trusted.pem"), **more}
    settings = Settings.model_validate(given)
    with hold_data_directory(settings):
        async with open_worker_apps(settings, directory / "nobody") as apps:
            yield Proxy(apps.main)


async def test_the_settings_are_what_counts(tmp_path: Path) -> None:
    """The header that was named, in any case of letters, for the front that was named."""
    given = {"authorize_fronts": "nginx", "authorize_header_nginx": "X-Our-CERT"}
    value = handed_over(Front.NGINX, LEAF.der)[0][1]
    async with worker(tmp_path, **given) as asked:
        answers = [
            await asked.ask("nginx", [(b"x-our-cert", value)]),
            await asked.ask("nginx", [(HEADERS[Front.NGINX], value)]),
            await asked.ask("alb-verify", [(HEADERS[Front.ALB_VERIFY], value)]),
        ]
    assert [b"ok", b"no_certificate", b"bad_request"] == [_code(answer.headers) for answer in answers]


async def test_a_trust_store_that_was_added_a_moment_ago(tmp_path: Path) -> None:
    """It is looked for once more before it is unknown."""
    stores = tmp_path / "stores"
    stores.mkdir()
    async with worker(tmp_path, trust_store_dir=stores) as asked:
        before = await asked.ask("nginx@partners", handed_over(Front.NGINX, LEAF.der))
        (stores / "partners.pem").write_text(bundle([ROOT, SUB]))
        after = await asked.ask("nginx@partners", handed_over(Front.NGINX, LEAF.der))
    assert [404, 200] == [before.status, after.status]


async def test_what_is_counted(tmp_path: Path) -> None:
    """Every answer by front and code; fronts that nobody has asked through are there with zero."""
    async with worker(tmp_path) as asked:
        await asked.present(Front.NGINX, LEAF.der)
        for path in ("nginx", "nginx", "elsewhere"):
            await asked.ask(path)
        page = (await exchange(asked.app, scope_of("/metrics", method="GET"), nothing)).body.decode()
    counted = {
        (sample.labels["front"], sample.labels["code"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "revet_authorize_answers_total"
    }
    assert {(front.value, "ok") for front in Front} <= set(counted)
    assert {("nginx", "ok"): 1, ("nginx", "no_certificate"): 2, ("(unknown)", "bad_request"): 1} == {
        labels: value for labels, value in counted.items() if value
    }


@pytest.mark.parametrize("front", Front)
def test_the_default_names_are_the_same_everywhere(front: Front) -> None:
    """In the settings and where headers are read."""
    field = f"authorize_header_{front.value.replace('-', '_')}"
    defaults = {name: str(one.default).lower().encode() for name, one in Settings.model_fields.items()}
    expected = [defaults[field]] + ([defaults[f"{field}_chain"]] if front is Front.RFC9440 else [])
    assert (expected, HEADERS[front]) == (list(HeaderNames().of(front)), expected[0])


def _code(headers: dict[bytes, bytes]) -> bytes:
    return headers[b"x-revet-code"]
