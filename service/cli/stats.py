"""`revet stats`: how a service does, in a few lines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, JsonOption, fail, output
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError
from service.cli.stats_fleet import fleet_lines, fleet_table


def show_stats(url: ServiceOption = DEFAULT_URL, *, as_json: JsonOption = False) -> None:
    """Show how a service does: what it holds, what it decides, what fails."""
    try:
        answer = Service.at(url).call("GET", "/v1/stats")
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        output.print(json.dumps(answer, ensure_ascii=False, indent=2), markup=False)
        return
    shown = visible_answer(answer)
    table = Table(show_header=False, box=None)
    for label, value in (*_rows(shown), *fleet_lines(shown["fleet"])):
        table.add_row(label, Text(value))
    output.print(table)
    replicas = fleet_table(shown["fleet"], shown["at"])
    if replicas is not None:
        output.print(replicas)


def _rows(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    who = f"worker {stats['worker']['pid']} answers"
    yield "service", f"version {stats['version']}, up {stats['uptime_s']:.0f} s, {who}"
    yield from _host(stats["host"])
    decisions = (f"{one['count']:,} {one['decision']} {one['code']}" for one in stats["decisions"])
    yield "decisions", ", ".join(decisions) or "none"
    verdicts, ocsp = stats["caches"]["verdicts"], stats["caches"]["ocsp"]
    if verdicts is not None:
        yield "verdicts kept", f"{verdicts['entries']:,} here, {verdicts['hits']:,} hits, {verdicts['misses']:,} misses"
    yield "OCSP answers", f"{ocsp['in_memory']:,} in memory here, {ocsp['refusals']:,} refusals remembered"
    for one in stats["responders"]:
        if one["failures"]:
            yield "responder", f"{one['host']} {one['state']}, {one['failures']} failures in a row"
    for one in stats["trust_stores"]:
        certificates = "not loaded" if one["certificates"] is None else f"{one['certificates']} certificates"
        problem = "" if one["problem"] is None else f": {one['problem']}"
        yield "trust store", f"{one['name']}, {certificates}{problem}"
    if stats["shadow"]["total"]:
        yield "shadow", f"{stats['shadow']['total']:,} answers here would have been denials"


def _host(host: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    if host is None:
        yield "store", "cannot be read"
        return
    crls, sources, prefetcher = host["crls"], host["sources"], host["prefetcher"]
    by_status = ", ".join(f"{count} {status}" for status, count in crls["by_status"].items() if count)
    octets = f"{crls['size']:,} bytes"
    yield "CRLs", f"{crls['held']:,} held, {crls['entries']:,} entries, {octets} ({by_status or 'none'})"
    kinds = f"{sources['configured']:,} configured, {sources['learned']:,} learned"
    yield "sources", f"{kinds}, {sources['failing']:,} failing"
    alive = "alive" if prefetcher["alive"] else "does not answer"
    yield "prefetcher", f"{alive}, {prefetcher['due']:,} due, {prefetcher['lag_s']:.0f} s behind"
    yield "blocks", f"{host['blocks']:,}"
