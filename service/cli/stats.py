"""`revet stats`: how a service does, in a few lines."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.table import Column, Table
from rich.text import Text

from service.cli.json_output import print_json
from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, JsonOption, fail, output
from service.cli.rendering import visible_answer
from service.cli.service_client import AskError
from service.cli.stats_fleet import fleet_lines, fleet_table, share

_LABEL_WIDTH: Final = 13
"""Characters of the labels, above and below the tables between them."""

_CACHE_COLUMNS: Final = ("cache", "of", "hits", "misses", "found", "evicted", "entries", "bytes")
_RESPONDER_COLUMNS: Final = ("host", "state", "asked", "failed", "mean", "answered at")


def show_stats(url: ServiceOption = DEFAULT_URL, *, as_json: JsonOption = False) -> None:
    """Show how a service does: what it holds, what it decides, what fails."""
    try:
        answer = Service.at(url).call("GET", "/v1/stats")
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(answer)
        return
    shown = visible_answer(answer)
    output.print(_labelled(_rows(shown)))
    output.print(_table(_CACHE_COLUMNS, map(_cache_cells, shown["caches"])))
    if shown["responders"]:
        output.print(_table(_RESPONDER_COLUMNS, map(_responder_cells, shown["responders"])))
    if shown["fleet"] is not None:
        output.print(_labelled(fleet_lines(shown["fleet"])))
    replicas = fleet_table(shown["fleet"], shown["at"])
    if replicas is not None:
        output.print(replicas)


def _labelled(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(Column(min_width=_LABEL_WIDTH), Column(overflow="fold"), show_header=False, box=None)
    for label, value in rows:
        table.add_row(label, Text(value))
    return table


def _table(columns: tuple[str, ...], rows: Iterable[Iterable[str]]) -> Table:
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None)
    for cells in rows:
        table.add_row(*map(Text, cells))
    return table


def _rows(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    who = f"worker {stats['worker']['pid']} answers for {len(stats['workers'])}"
    yield "service", f"version {stats['version']}, up {stats['uptime_s']:.0f} s, {who}"
    yield from _host(stats["host"])
    decisions = (f"{one['count']:,} {one['decision']} {one['code']}" for one in stats["decisions"])
    yield "decisions", ", ".join(decisions) or "none"
    yield from _asked_for(stats)
    ocsp = stats["ocsp"]
    refreshes = ", ".join(f"{count:,} {what}" for what, count in ocsp["refreshes"].items() if what != "under_way")
    yield "OCSP", f"{ocsp['refusals']:,} refusals remembered; asked for ahead: {refreshes}"
    if stats["redis"] is not None:
        yield "Redis", _redis(stats["redis"])
    for one in stats["responders"]:
        if one["failures"]:
            yield "responder", f"{one['host']} {one['state']}, {one['failures']} failures in a row"
    for one in stats["trust_stores"]:
        certificates = "not loaded" if one["certificates"] is None else f"{one['certificates']} certificates"
        problem = "" if one["problem"] is None else f": {one['problem']}"
        yield "trust store", f"{one['name']}, {certificates}{problem}"
    if stats["shadow"]["total"]:
        yield "shadow", f"{stats['shadow']['total']:,} answers would have been denials"


def _asked_for(stats: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where verdicts were asked for, and how long they took; nothing before there was one."""
    fronts: Counter[str] = Counter()
    for one in stats["decisions"]:
        fronts.update(one["fronts"])
    if fronts:
        yield "asked by", ", ".join(f"{count:,} {front}" for front, count in sorted(fronts.items()))
    latency = stats["latency"]
    if latency["count"]:
        within = ((share, latency[f"p{share}_s"]) for share in (50, 95, 99))
        told = ", ".join(f"{share} % within {_milliseconds(seconds)}" for share, seconds in within)
        yield "made in", f"{told}, of {latency['count']:,} that were not kept ones"


def _redis(redis: Mapping[str, Any]) -> str:
    took = "" if redis["latency_ms"] is None else f"{redis['latency_ms']:.1f} ms"
    if redis["up"]:
        return f"up, {took}"
    return f"not asked: {redis['reason']}" if redis["breaker"] == "open" else f"down: {redis['reason']}"


def _cache_cells(cache: Mapping[str, Any]) -> Iterator[str]:
    yield cache["tier"]
    yield cache["kind"]
    yield f"{cache['hits']:,}"
    yield f"{cache['misses']:,}"
    yield share(cache)
    yield f"{cache['evictions']:,}"
    for name in ("entries", "bytes"):
        yield "-" if cache[name] is None else f"{cache[name]:,}"


def _responder_cells(responder: Mapping[str, Any]) -> Iterator[str]:
    yield responder["host"]
    yield responder["state"] or "-"
    for name in ("asked", "failed"):
        yield "-" if responder[name] is None else f"{responder[name]:,}"
    yield "-" if responder["mean_s"] is None else _milliseconds(responder["mean_s"])
    yield responder["answered_at"] or "never"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


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
