"""A heartbeat: what a replica says of itself, as JSON in an envelope.

Rules it keeps: whoever reads one takes nothing but what this version knows, of its type and within its bounds; text is
short and printable. Members that are not known are another version's, and are passed over.

What it does not do: authenticate (`envelope`), write or read the cache (`heartbeats`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from service.application.fleet.standing import Standing
from service.core.model.verdict import Decision

MAX_OCTETS: Final = 8192
"""Of one heartbeat in its envelope: a usual one has 500, and the longest that anybody can write stays below."""

MAX_NAME: Final = 128
"""Characters of a replica's name (`REVET_REPLICA_NAME`)."""

MAX_TEXT: Final = 64
"""Characters of a version, a digest, or whatever else is no sentence."""

MAX_REASON: Final = 300
"""Characters of why a replica is not current; longer ones are cut by whoever writes."""

MOST_CODES: Final = 16
"""Codes of decisions in a heartbeat, those that were given most often: more than there are, and all that there is room
for in the longest heartbeat that older versions read (`MAX_OCTETS`)."""

MAX_COUNT: Final = 2**53 - 1
"""The largest number that every reader of JSON takes for itself (RFC 7493 §2.2)."""

Word = TypeVar("Word", bound=StrEnum)


class Role(StrEnum):
    """What a replica is there for."""

    SERVICE = "service"
    """It answers requests."""
    PREFETCH = "prefetch"
    """It fetches for others, and answers nobody."""


@dataclass(frozen=True, slots=True)
class Hits:
    """How often something was found somewhere, and how often it had to be looked for elsewhere."""

    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a host holds.

    Attributes:
        generation: Of its decisions: how often something changed there. Hosts count for themselves.
        crls: How many.
        crls_digest: Of which ones: two hosts with the same hold the same.
        blocks: How many.
    """

    generation: int
    crls: int
    crls_digest: str
    blocks: int


@dataclass(frozen=True, slots=True)
class Tallies:
    """What all processes of a replica have counted since it was started.

    Attributes:
        verdicts: Requests that were answered with a verdict that was kept.
        host: OCSP answers that the host had.
        redis: CRLs and OCSP answers that Redis had.
        leases_taken: How often it was the one to ask an authority.
        refused: How often it refused what came out of Redis.
        decisions: How many, by what callers were told to do and why; None where a version says so that did not count.
    """

    verdicts: Hits
    host: Hits
    redis: Hits
    leases_taken: int
    refused: int
    decisions: Mapping[tuple[str, str], int] | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a replica says of itself.

    Attributes:
        name: What it is called.
        at: When it said so, UTC.
        instance: Random, of this run of it: tells it from another one with its name.
        workers: Processes that answer; None where there are none.
        held: None where its store cannot be read.
        standing: How it stands with its fleet.
        reason: Why, where it is not current; empty otherwise.
        leases_held: CRLs that it asks for now, in place of all others.
        name_taken: Whether somebody else has written under its name of late.
    """

    name: str
    at: datetime
    instance: str
    version: str
    role: Role
    started_at: datetime
    workers: int | None
    held: Held | None
    standing: Standing
    reason: str
    leases_held: int
    name_taken: bool
    tallies: Tallies


class HeartbeatError(ValueError):
    """It is no heartbeat that this version understands."""


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """The content of its envelope, which has its name and its moment."""
    tallies = heartbeat.tallies
    document = {
        "instance": heartbeat.instance,
        "version": heartbeat.version,
        "role": heartbeat.role.value,
        "started_at": heartbeat.started_at.isoformat(),
        "workers": heartbeat.workers,
        "held": None if heartbeat.held is None else asdict(heartbeat.held),
        "standing": heartbeat.standing.value,
        "reason": _printable(heartbeat.reason)[:MAX_REASON],
        "leases_held": heartbeat.leases_held,
        "name_taken": heartbeat.name_taken,
        "tallies": {
            "verdicts": asdict(tallies.verdicts),
            "host": asdict(tallies.host),
            "redis": asdict(tallies.redis),
            "leases_taken": tallies.leases_taken,
            "refused": tallies.refused,
            **({} if tallies.decisions is None else {"decisions": _by_decision(tallies.decisions)}),
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def decode_heartbeat(name: str, at: datetime, content: bytes) -> Heartbeat:
    """The heartbeat in an envelope.

    Args:
        name: What the envelope is about.
        at: When it was made.
        content: What is in it.

    Raises:
        HeartbeatError: it is none.
    """
    try:
        document = _Members(json.loads(content))
        held = document.optional("held")
        workers = None if document.is_null("workers") else document.count("workers")
        return Heartbeat(
            name=_text(name, MAX_NAME),
            at=at.astimezone(UTC),
            instance=document.text("instance", MAX_TEXT),
            version=document.text("version", MAX_TEXT),
            role=document.word("role", Role),
            started_at=document.moment("started_at"),
            workers=workers,
            held=None if held is None else _held(held),
            standing=document.word("standing", Standing),
            reason=document.text("reason", MAX_REASON),
            leases_held=document.count("leases_held"),
            name_taken=document.truth("name_taken"),
            tallies=_tallies(document.members("tallies")),
        )
    except (ValueError, RecursionError, OverflowError) as error:  # ValueError: those of JSON, of numbers and of moments
        raise HeartbeatError(f"no heartbeat: {type(error).__name__}") from None


class _Members:
    """The members of an object, each of the type that is asked for, or `ValueError`."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict):
            raise HeartbeatError("no object")
        self._members: Mapping[str, object] = document

    def text(self, name: str, longest: int) -> str:
        return _text(self._members.get(name), longest)

    def word(self, name: str, words: type[Word]) -> Word:
        return words(self.text(name, MAX_TEXT))

    def moment(self, name: str) -> datetime:
        found = datetime.fromisoformat(self.text(name, MAX_TEXT))
        if found.tzinfo is None:
            raise HeartbeatError(f"{name} has no offset")
        return found.astimezone(UTC)

    def count(self, name: str) -> int:
        found = self._members.get(name)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= MAX_COUNT:
            raise HeartbeatError(f"{name} is no number of anything")
        return found

    def truth(self, name: str) -> bool:
        found = self._members.get(name)
        if not isinstance(found, bool):
            raise HeartbeatError(f"{name} is neither true nor false")
        return found

    def is_null(self, name: str) -> bool:
        return name in self._members and self._members[name] is None

    def has(self, name: str) -> bool:
        return name in self._members

    def counts(self) -> Mapping[str, int]:
        """All of them, which are numbers of something that has a short name."""
        return {_text(name, MAX_TEXT): self.count(name) for name in self._members}

    def members(self, name: str) -> "_Members":
        return _Members(self._members.get(name))

    def optional(self, name: str) -> "_Members | None":
        return None if self.is_null(name) else self.members(name)


def _held(document: _Members) -> Held:
    return Held(
        generation=document.count("generation"),
        crls=document.count("crls"),
        crls_digest=document.text("crls_digest", MAX_TEXT),
        blocks=document.count("blocks"),
    )


def _tallies(document: _Members) -> Tallies:
    verdicts, host, redis = (document.members(name) for name in ("verdicts", "host", "redis"))
    return Tallies(
        verdicts=Hits(verdicts.count("hits"), verdicts.count("misses")),
        host=Hits(host.count("hits"), host.count("misses")),
        redis=Hits(redis.count("hits"), redis.count("misses")),
        leases_taken=document.count("leases_taken"),
        refused=document.count("refused"),
        decisions=_decisions(document.members("decisions")) if document.has("decisions") else None,
    )


def _decisions(document: _Members) -> Mapping[tuple[str, str], int]:
    """How many of each kind; a code that only a newer version knows is one all the same, or sums would be wrong."""
    return {
        (decision.value, code): count
        for decision in Decision
        for code, count in document.members(decision.value).counts().items()
    }


def _by_decision(decisions: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {decision.value: {} for decision in Decision}
    most = sorted(decisions.items(), key=lambda one: (-one[1], one[0]))[:MOST_CODES]
    for (decision, code), count in most:
        found[decision][code] = count
    return found


def _text(found: object, longest: int) -> str:
    if not isinstance(found, str) or len(found) > longest or not found.isprintable():
        raise HeartbeatError("no text, or too long, or not printable")
    return found


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)
