"""`revet decisions`: what a service has decided, the newest first; and one of them."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import typer
from rich.table import Column, Table
from rich.text import Text

from service.cli.json_output import print_json
from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, JsonOption, fail, output
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError
from service.core.model.failure import Code
from service.core.model.verdict import Decision

DEFAULT_LINES: Final = 20
"""What a terminal shows at once."""

MOST_LINES: Final = 1_000
"""What a service answers at once."""

_STYLES: Final[Mapping[str, str]] = {Decision.ALLOW: "green", Decision.DENY: "red"}
_COLUMNS: Final = ("at", "code", "subject", "serial", "store", "front", "decision")

IdArgument = Annotated[str | None, typer.Argument(help="Show this one alone.")]
CodeOption = Annotated[Code | None, typer.Option("--code", help="Only those with this code.")]
DecisionOption = Annotated[Decision | None, typer.Option("--decision", help="Only denials, or only allows.")]
StoreOption = Annotated[str | None, typer.Option("--trust-store", help="Only those of this trust store.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=MOST_LINES, help="How many.")]
BeforeOption = Annotated[str | None, typer.Option("--before", help="Only those before the decision with this id.")]


def show_decisions(  # noqa: PLR0913, PLR0917 - each an option
    decision_id: IdArgument = None,
    url: ServiceOption = DEFAULT_URL,
    code: CodeOption = None,
    decision: DecisionOption = None,
    trust_store: StoreOption = None,
    limit: LimitOption = DEFAULT_LINES,
    before: BeforeOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what a service has decided, the newest first: denials, and allows where they are kept."""
    wanted = {"code": code, "decision": decision, "trust_store": trust_store, "limit": limit, "before": before}
    query = urlencode({name: str(value) for name, value in wanted.items() if value is not None})
    path = f"?{query}" if decision_id is None else f"/{quote(decision_id, safe='')}"
    try:
        answer = Service.at(url).call("GET", f"/v1/decisions{path}")
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(answer)
    elif decision_id is None:
        _show_list(visible_answer(answer))
    else:
        _show_one(visible_answer(answer))


def _show_list(answer: Mapping[str, Any]) -> None:
    table = Table(*(Column(name, overflow="fold") for name in _COLUMNS), box=None)
    for line in answer["decisions"]:
        table.add_row(*_cells(line))
    if answer["decisions"]:
        output.print(table)
    else:
        output.print(Text("none", style="dim"))
    if answer["next"] is not None:
        output.print(Text(f"there are more: --before {answer['next']}", style="dim"))


def _cells(line: Mapping[str, Any]) -> Iterator[Text]:
    yield Text(line["at"])
    shadow = "" if line["enforced"] is None else f" (shadow: {line['enforced']})"
    yield Text(f"{line['code']}{shadow}", style=_STYLES[line["decision"]])
    yield Text("-" if line["subject"] is None else line["subject"])
    yield Text("-" if line["serial_number"] is None else line["serial_number"])
    yield Text(line["trust_store"])
    yield Text(line["front"])
    again = f" (+{line['left_out']:,})" if line["left_out"] else ""
    yield Text(f"{line['decision_id']}{again}", style="dim")


def _show_one(answer: Mapping[str, Any]) -> None:
    table = Table(show_header=False, box=None)
    for label, value in _facts(answer):
        table.add_row(label, Text(value))
    output.print(table)


def _facts(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "decision", answer["decision_id"]
    yield "at", answer["at"]
    yield "answered", f"{answer['decision']} / {answer['status']} ({answer['code']})"
    yield "why", answer["detail"]
    if answer["enforced"] is not None:
        yield "in shadow", f"instead of a denial: {answer['enforced']}"
    yield "asked", f"{answer['front']}, trust store {answer['trust_store']}"
    if answer["subject"] is not None:
        yield "subject", f"{answer['subject']}, serial {answer['serial_number']}"
        yield "issuer", answer["issuer"]
        yield "SHA-256", answer["fingerprint_sha256"]
    if answer["duration_s"] is not None:
        yield "took", f"{1000 * answer['duration_s']:.3g} ms"
    if answer["repeats"] is not None:
        yield "repeats", answer["repeats"]
    if answer["left_out"]:
        yield "given again", f"{answer['left_out']:,} times besides those that are listed"
    how = "not kept" if answer["case"] is None else f"kept: revet explain --decision {answer['decision_id']}"
    yield "evidence", how
