"""`revet crl show`, and where the other commands about CRLs hang."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from service.application.crl_parts import without_armour
from service.application.operating.crl_listing import scope_words
from service.application.origin import OriginError, OriginRequest, UrlTrust
from service.application.pem import PemError
from service.bootstrap.outside import open_origin
from service.cli.crl_list import list_crls
from service.cli.crl_progress import Told, joined, progress
from service.cli.crl_reset import reset_crls
from service.cli.json_output import print_json
from service.cli.options import ConfigOption, JsonOption, fail, output, read_settings
from service.cli.rendering import visible
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.signature import algorithm_name
from service.core.model.malformed import MalformedError

COMPLETE: Final = "complete for its issuer"
"""The scope of a CRL that leaves nothing out."""

crl_app = typer.Typer(help="CRLs.", no_args_is_help=True)


@crl_app.callback()
def crl() -> None:
    """CRLs."""


crl_app.command("list")(list_crls)
crl_app.command("reset")(reset_crls)


@crl_app.command("show")
def show_crl(
    source: Annotated[str, typer.Argument(help="A file, or an http or https URL.")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what a CRL says of itself. Its signature is not checked: that takes its issuer's key."""
    is_url = source.lower().startswith(("http://", "https://"))
    try:
        with progress() as told:
            document = _walked(_fetch(source, config, told) if is_url else _read(Path(source)), told)
    except (MalformedError, PemError) as error:
        raise fail(f"{source}: {error.reason}") from error
    if as_json:
        print_json(_document(document))
    else:
        output.print(_table(document))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error


def _fetch(url: str, config: Path | None, told: Told) -> bytes:
    settings = read_settings(config)

    async def fetch() -> bytes:
        async with open_origin(settings) as origin:
            request = OriginRequest(url, UrlTrust.OPERATOR, settings.max_crl_bytes, settings.fetch_timeout_s)
            async with origin.stream(request) as answer:
                return await joined(answer.chunks, told, answer.octets)

    try:
        return asyncio.run(fetch())
    except OriginError as error:
        raise fail(f"{url}: {error}") from error


def _walked(data: bytes, told: Told) -> CrlDocument:
    """Read a CRL, and every entry of it.

    Raises:
        MalformedError: it is none.
        PemError: likewise.
    """
    told("reading", len(data), None)
    return read_crl(without_armour(memoryview(data)))


def _document(document: CrlDocument) -> Mapping[str, object]:
    """Names are those of `GET /v1/crls`."""
    meta = document.meta
    return {
        "issuer": meta.issuer.text,
        "this_update": _moment(meta.this_update),
        "next_update": None if meta.next_update is None else _moment(meta.next_update),
        "crl_number": meta.crl_number,
        "base_crl_number": meta.base_crl_number,
        "scope": scope_words(meta.issuing_distribution_point),
        "signature": algorithm_name(meta.algorithm),
        "entries": meta.entries,
        "size": meta.size,
        "sha256": meta.digest.hex(),
        "unsupported": list(meta.unsupported),
    }


def _table(document: CrlDocument) -> Table:
    meta = document.meta
    table = Table(show_header=False, box=None)
    for label, value in (
        ("issuer", meta.issuer.text),
        ("thisUpdate", _moment(meta.this_update)),
        ("nextUpdate", _moment(meta.next_update)),
        ("CRL number", "absent" if meta.crl_number is None else str(meta.crl_number)),
        ("delta on", "" if meta.base_crl_number is None else str(meta.base_crl_number)),
        ("scope", ", ".join(scope_words(meta.issuing_distribution_point)) or COMPLETE),
        ("signature", algorithm_name(meta.algorithm)),
        ("entries", f"{meta.entries:,}"),
        ("size", f"{meta.size:,} bytes"),
        ("SHA-256", meta.digest.hex()),
        ("not supported", ", ".join(meta.unsupported)),
    ):
        if value:
            table.add_row(label, visible(value))
    return table


def _moment(moment: datetime | None) -> str:
    return "absent" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
