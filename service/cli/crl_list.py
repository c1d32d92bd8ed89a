"""`revet crl list`: what a service holds, and how fresh it is."""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.text import Text

from service.application.operating.crl_listing import CrlStatus
from service.cli.crl_progress import entries_in_words
from service.cli.json_output import print_json
from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, JsonOption, fail, output
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError

_STYLES: Final[Mapping[str, str]] = {
    CrlStatus.FRESH: "green",
    CrlStatus.DUE: "cyan",
    CrlStatus.STALE: "yellow",
    CrlStatus.PENDING: "yellow",
    CrlStatus.ENDED: "bold red",
    CrlStatus.FAILED: "bold red",
    CrlStatus.NEVER: "dim",
}

_WORST_FIRST: Final = (
    CrlStatus.ENDED,
    CrlStatus.FAILED,
    CrlStatus.STALE,
    CrlStatus.PENDING,
    CrlStatus.NEVER,
    CrlStatus.DUE,
    CrlStatus.FRESH,
)

IssuerOption = Annotated[str, typer.Option("--issuer", help="Only those whose issuer's name has this in it.")]
StatusOption = Annotated[CrlStatus | None, typer.Option("--status", help="Only those of this status.")]


def list_crls(
    url: ServiceOption = DEFAULT_URL,
    issuer: IssuerOption = "",
    status: StatusOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show every CRL that a service holds and every source of CRLs, the worst first."""
    query = f"&issuer={quote(issuer, safe='')}" if issuer else ""
    query += "" if status is None else f"&status={status.value}"
    try:
        lines = Service.at(url).crls(query=query)
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(lines)
        return
    for line in sorted(map(visible_answer, lines), key=_order):
        output.print(_rendered(line))
    output.print(Text(_counts(lines), style="dim"))


def _order(line: Mapping[str, Any]) -> tuple[int, str, str]:
    return _WORST_FIRST.index(line["status"]), line["issuer"] or "", line["source"] or line["fetched_from"]


def _rendered(line: Mapping[str, Any]) -> Text:
    text = Text.assemble((line["status"].ljust(7), _STYLES[line["status"]]), "  ", (line["issuer"] or "-", "bold"))
    if line["slot"] is not None:
        number = "" if line["crl_number"] is None else f" {line['crl_number']}"
        delta = "" if line["base_crl_number"] is None else f" (delta on {line['base_crl_number']})"
        until = line["next_update"] or "no nextUpdate"
        text.append(f"\n  crl{number}{delta}, {line['this_update']} to {until}, {line['entries']:,} entries")
        text.append(f"\n  slot {line['slot'][:12]}{''.join(f', {word}' for word in line['scope'])}", style="dim")
    text.append(f"\n  {_from(line)}", style="dim")
    if line["problem"] is not None:
        detail = f" ({line['detail']})" if line["detail"] else ""
        text.append(f"\n  {line['problem']}{detail}", style="red")
        text.append(f"; {line['failures']} in a row" if line["failures"] else "", style="red")
    if line["stalled"]:
        text.append(f"\n  its number has not moved since {line['number_moved_at']}", style="yellow")
    return text


def _from(line: Mapping[str, Any]) -> str:
    if line["source"] is None:
        return f"from {line['fetched_from']}, whose source is forgotten"
    progress = line["progress"]
    if progress is not None:
        total = "" if progress["total"] is None else f" of {progress['total']:,}"
        entries = entries_in_words(progress)
        return f"{line['kind']} {line['source']}, {progress['phase']}: {progress['done']:,}{total} bytes{entries}"
    return f"{line['kind']} {line['source']}, next attempt {line['next_attempt']}"


def _counts(lines: list[Mapping[str, Any]]) -> str:
    counts = {status: sum(1 for line in lines if line["status"] == status) for status in CrlStatus}
    words = [f"{count} {status}" for status, count in counts.items() if count]
    return ", ".join(words) or "nothing is held, and there is no source"
