"""`revet block add`, `list`, `remove`: what a running service denies at once."""

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from service.application.submission import SubmissionError, read_submission
from service.cli.json_output import print_json
from service.cli.options import (
    DEFAULT_URL,
    EXIT_LOCAL,
    TOKEN_VARIABLE,
    JsonOption,
    fail,
    output,
)
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError, as_text, call_service
from service.core.model.certificate import Certificate
from service.core.model.failure import Malformed

PATH = "/v1/blocks"

MAX_INTERMEDIATES = 100
"""Certificates beside the first of a file; they are not blocked, and a chain has no more of them."""

Document = Mapping[str, Any]

_BLOCK_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What stands in a path as it is."""


class By(StrEnum):
    """What of a certificate is blocked."""

    FINGERPRINT = "fingerprint"
    """This certificate alone."""
    SPKI = "spki"
    """Every certificate of its key."""
    ISSUER_SERIAL = "issuer-serial"
    """Its issuer's name and its serial number."""


block_app = typer.Typer(help="What a running service denies at once.", no_args_is_help=True)

ServiceOption = Annotated[str, typer.Option("--url", help="Where the service is.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for people: answers about what is blocked say it.")]
UntilOption = Annotated[
    str | None, typer.Option("--until", help="From when on not any more (RFC 3339); for good where absent.")
]
CertificateArgument = Annotated[
    Path | None, typer.Argument(help="PEM or DER file; of several certificates the first is blocked.")
]
ByOption = Annotated[By | None, typer.Option("--by", help="What of the certificate is blocked; default fingerprint.")]
FingerprintOption = Annotated[str | None, typer.Option("--fingerprint", help="SHA-256 of a certificate, hex.")]
SpkiOption = Annotated[str | None, typer.Option("--spki", help="SHA-256 of a SubjectPublicKeyInfo, hex.")]
IssuerOption = Annotated[str | None, typer.Option("--issuer", help="RFC 4514, as `revet explain` prints it.")]
SerialOption = Annotated[str | None, typer.Option("--serial", help="Hex, colons allowed; never decimal.")]


@block_app.callback()
def block() -> None:
    """What a running service denies at once. REVET_TOKEN holds an administrator's token where it asks for one."""


@block_app.command("add")
def add_block(  # noqa: PLR0913 - options, each by its name
    *,
    certificate: CertificateArgument = None,
    reason: ReasonOption,
    by: ByOption = None,
    fingerprint: FingerprintOption = None,
    spki: SpkiOption = None,
    issuer: IssuerOption = None,
    serial: SerialOption = None,
    until: UntilOption = None,
    url: ServiceOption = DEFAULT_URL,
    as_json: JsonOption = False,
) -> None:
    """Deny a certificate, a key, or issuer and serial number, on every worker of the service at once.

    In force when this returns; exit code 3 where it is on one host of a fleet alone. Answers that callers hold already
    are not reached before their `valid_until`.
    """
    named = {"fingerprint_sha256": fingerprint, "spki_sha256": spki, "issuer": issuer, "serial_number": serial}
    match = {field: value for field, value in named.items() if value is not None}
    if (certificate is None) == (not match):
        raise fail("give a certificate, or one of --fingerprint, --spki, and --issuer with --serial")
    if certificate is None and by is not None:
        raise fail("--by says what of a certificate is blocked: give one")
    if certificate is not None:
        match = _match(_read(certificate), by or By.FINGERPRINT)
    body = {**match, "reason": reason, **({} if until is None else {"until": until})}
    try:
        answer = _ask("POST", url, PATH, body)
    except AskError as error:
        if not isinstance(added := error.problem.get("block"), dict):
            raise fail(error.reason) from error
        _show(added, as_json=as_json)
        raise fail(error.reason, EXIT_LOCAL) from error
    _show(answer, as_json=as_json)


@block_app.command("list")
def list_blocks(*, url: ServiceOption = DEFAULT_URL, as_json: JsonOption = False) -> None:
    """Show every block, those included whose time is over."""
    try:
        answer = _ask("GET", url, PATH)
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(answer)
    elif answer["blocks"]:
        output.print(_table(answer["blocks"]))
    else:
        output.print("Nothing is blocked.")


@block_app.command("remove")
def remove_block(
    block_id: Annotated[str, typer.Argument(metavar="ID", help="As `revet block list` prints it.")],
    *,
    url: ServiceOption = DEFAULT_URL,
    as_json: JsonOption = False,
) -> None:
    """Remove a block; exit code 3 where it is gone from one host of a fleet alone."""
    if not _BLOCK_ID.fullmatch(block_id):
        raise fail(f"{block_id!r} is no id of a block")
    try:
        _ask("DELETE", url, f"{PATH}/{block_id}")
    except AskError as error:
        if error.problem.get("local") is not True:
            raise fail(error.reason) from error
        if as_json:
            print_json({"removed": block_id, "local": True})
        raise fail(error.reason, EXIT_LOCAL) from error
    if as_json:
        print_json({"removed": block_id, "local": False})
    else:
        output.print(f"Removed {block_id}.")


def _ask(method: str, url: str, path: str, body: Document | None = None) -> Document:
    return call_service(method, url, path, body, os.environ.get(TOKEN_VARIABLE))


def _show(answer: Document, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        output.print(_table([answer]))


def _read(path: Path) -> Certificate:
    try:
        submission = read_submission(as_text(path.read_bytes()), (), MAX_INTERMEDIATES)
    except OSError as error:
        raise fail(f"{path}: {error.strerror}") from error
    except SubmissionError as error:
        raise fail(f"{path}: {error.reason}") from error
    if isinstance(submission.leaf, Malformed):
        raise fail(f"{path}: {submission.leaf.reason}")
    return submission.leaf


def _match(certificate: Certificate, by: By) -> dict[str, str]:
    match by:
        case By.FINGERPRINT:
            return {"fingerprint_sha256": certificate.fingerprint.hex()}
        case By.SPKI:
            return {"spki_sha256": sha256(certificate.public_key.spki).hexdigest()}
        case By.ISSUER_SERIAL:
            return {"issuer": certificate.issuer.text, "serial_number": f"{certificate.serial_number:x}"}


def _table(blocks: list[Document]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("id", "what", "reason", "since", "by", "until"):
        table.add_column(column, overflow="fold")
    for one in map(visible_answer, blocks):
        until = Text(one["until"] or "removed")
        if not one["in_force"]:
            until.append(" (over)", style="dim")
        cells = (_what(one), one["reason"], one["created_at"], one["created_by"])
        table.add_row(Text(one["id"]), *map(Text, cells), until)
    return table


def _what(block: Document) -> str:
    if block["fingerprint_sha256"] is not None:
        return f"certificate {block['fingerprint_sha256']}"
    if block["spki_sha256"] is not None:
        return f"key {block['spki_sha256']}"
    return f"serial {block['serial_number']} of {block['issuer']}"
