"""The fleet in `revet stats`: a few lines, and a table of replicas."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from rich.table import Column, Table
from rich.text import Text

_COLUMNS: Final = (
    "replica",
    "state",
    "workers",
    "version",
    "up",
    "allow",
    "deny",
    "CRLs",
    "blocks",
    "asked",
    "found",
    "refused",
)

_DIGITS: Final = 6
"""Of the digest of what is held: enough for a look down a column."""

_MINUTE_S: Final = 60
_HOUR_S: Final = 60 * _MINUTE_S
_DAY_S: Final = 24 * _HOUR_S


def fleet_lines(fleet: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """How this replica does with Redis, by labels; nothing where there is none."""
    if fleet is None:
        return
    reachable = "Redis answers" if fleet["reachable"] else f"Redis does not answer: {fleet['reason']}"
    present = sum(1 for one in fleet["replicas"] if one["presence"] == "present")
    unproven = "" if fleet["authenticated"] else ", without a key: anybody may have written this"
    yield "fleet", f"{fleet['replica']} answers, {reachable}, {present:,} replicas present{unproven}"
    yield "all replicas", _totals(fleet["totals"])
    shared = {kind: found for kind, found in fleet["events"].items() if kind != "heartbeat"}
    for label, counts in (("shared", shared), ("refused", fleet["refused"])):
        told = (f"{count:,} {kind} {what}" for kind, found in counts.items() for what, count in found.items())
        yield label, ", ".join(told) or "nothing"
    for one in fleet["replicas"]:
        if one["reason"] and one["presence"] == "present":
            yield "replica", f"{one['name']} is {one['standing']}: {one['reason']}"
        if one["name_taken"]:
            yield "replica", f"{one['name']} is the name of several; each hides the others"
    if fleet["unreadable"] or fleet["omitted"]:
        yield "heartbeats", f"{fleet['unreadable']:,} unreadable, {fleet['omitted']:,} not looked into"


def fleet_table(fleet: Mapping[str, Any] | None, at: str) -> Table | None:
    """Every replica that was heard of within an hour; None where there is none.

    Args:
        fleet: As the service tells it, made visible (`rendering.visible_answer`).
        at: The moment of its answer.
    """
    if fleet is None or not fleet["replicas"]:
        return None
    table = Table(*(Column(name, overflow="fold") for name in _COLUMNS), box=None)
    for one in fleet["replicas"]:
        table.add_row(*map(Text, _cells(one, datetime.fromisoformat(at))))
    return table


def _cells(replica: Mapping[str, Any], at: datetime) -> Iterator[str]:
    host, hits = replica["host"], replica["hits"]
    yield replica["name"]
    yield f"gone {_ago(replica['at'], at)}" if replica["presence"] == "gone" else replica["standing"]
    yield replica["role"] if replica["workers"] is None else f"{replica['workers']:,}"
    yield replica["version"]
    yield _ago(replica["started_at"], at)
    for decision in ("allow", "deny"):
        yield "-" if replica["decisions"] is None else f"{_decided(replica['decisions'], decision):,}"
    yield "-" if host is None else f"{host['crls']:,} {host['crls_digest'][:_DIGITS]}"
    yield "-" if host is None else f"{host['blocks']:,}"
    yield f"{replica['leases']['taken']:,}"
    yield "/".join(share(one) for one in hits.values())
    yield f"{replica['refused']:,}"


def _decided(decisions: Iterable[Mapping[str, Any]], decision: str) -> int:
    return sum(one["count"] for one in decisions if one["decision"] == decision)


def _totals(totals: Mapping[str, Any]) -> str:
    """What those that are there have decided; of how many of them, where some do not say."""
    if totals["oldest_s"] is None:
        return "nothing is known of what they decided"
    silent = totals["replicas"] - totals["counted"]
    without = f", without {silent:,} that do not say" if silent else ""
    return f"{totals['allow']:,} allow, {totals['deny']:,} deny, as of {totals['oldest_s']:.0f} s ago{without}"


def share(counts: Mapping[str, int]) -> str:
    """Which share of what was looked for was found, of `hits` and `misses`."""
    looked = counts["hits"] + counts["misses"]
    return "-" if not looked else f"{100 * counts['hits'] // looked}%"


def _ago(moment: str, at: datetime) -> str:
    """How long before a moment another one was: by another clock it may be after it."""
    seconds = max(0, int((at - datetime.fromisoformat(moment)).total_seconds()))
    for unit, length in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
