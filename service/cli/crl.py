"""`revet crl show`."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from service.application.origin import OriginError, OriginRequest, UrlTrust
from service.application.pem import MARK, PemError, read_pem
from service.bootstrap import open_origin
from service.cli.options import ConfigOption, fail, output, read_settings
from service.cli.rendering import visible
from service.core.der.certificate_extensions import text_of
from service.core.der.crl import CrlDocument, read_crl
from service.core.der.signature import algorithm_name
from service.core.model.crl import IssuingDistributionPoint
from service.core.model.malformed import MalformedError
from service.core.model.name import GeneralNameKind

crl_app = typer.Typer(help="CRLs.", no_args_is_help=True)


@crl_app.callback()
def crl() -> None:
    """CRLs."""


@crl_app.command("show")
def show_crl(
    source: Annotated[str, typer.Argument(help="A file, or an http or https URL.")], config: ConfigOption = None
) -> None:
    """Show what a CRL says of itself. Its signature is not checked: that takes its issuer's key."""
    data = _fetch(source, config) if source.lower().startswith(("http://", "https://")) else _read(Path(source))
    try:
        document = read_crl(read_pem(data)[0].der if data.startswith(MARK) else data)
    except (MalformedError, PemError) as error:
        raise fail(f"{source}: {error.reason}") from error
    output.print(_table(document))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error


def _fetch(url: str, config: Path | None) -> bytes:
    settings = read_settings(config)

    async def fetch() -> bytes:
        async with open_origin(settings) as origin:
            request = OriginRequest(url, UrlTrust.OPERATOR, settings.max_crl_bytes, settings.fetch_timeout_s)
            return (await origin.fetch(request)).body

    try:
        return asyncio.run(fetch())
    except OriginError as error:
        raise fail(f"{url}: {error}") from error


def _table(document: CrlDocument) -> Table:
    meta = document.meta
    table = Table(show_header=False, box=None)
    for label, value in (
        ("issuer", meta.issuer.text),
        ("thisUpdate", _moment(meta.this_update)),
        ("nextUpdate", _moment(meta.next_update)),
        ("CRL number", "absent" if meta.crl_number is None else str(meta.crl_number)),
        ("delta on", "" if meta.base_crl_number is None else str(meta.base_crl_number)),
        ("scope", _scope(meta.issuing_distribution_point)),
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


def _scope(point: IssuingDistributionPoint | None) -> str:
    if point is None:
        return "complete for its issuer"
    words = [text_of(name) for name in point.names if name.kind is GeneralNameKind.URI]
    words += ["user certificates only"] * point.only_contains_user_certs
    words += ["CA certificates only"] * point.only_contains_ca_certs
    words += ["attribute certificates only"] * point.only_contains_attribute_certs
    words += ["some reasons only"] * (point.only_some_reasons is not None)
    words += ["indirect"] * point.indirect_crl
    return ", ".join(words)
