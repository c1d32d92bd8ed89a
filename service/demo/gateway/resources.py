"""Which of an API's resources a path belongs to: the most specific one, as API Gateway chooses."""

from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Match:
    """A resource and what its variables stand for."""

    resource: str
    parameters: dict[str, str]


def find(resources: tuple[str, ...], path: str) -> Match | None:
    """The resource that a path belongs to; None where it belongs to none."""
    found = [match for one in resources if (match := _match(one, path)) is not None]
    return min(found, key=_vagueness, default=None)


def _match(resource: str, path: str) -> Match | None:
    wanted, given = resource.strip("/").split("/"), path.strip("/").split("/")
    parameters: dict[str, str] = {}
    for place, segment in enumerate(wanted):
        rest = given[place:]
        if segment.startswith("{") and segment.endswith("+}"):
            if not any(rest):
                return None
            parameters[segment[1:-2]] = unquote("/".join(rest))
            return Match(resource, parameters)
        if not rest:
            return None
        if segment.startswith("{") and segment.endswith("}") and rest[0]:
            parameters[segment[1:-1]] = unquote(rest[0])
        elif segment != rest[0]:
            return None
    return Match(resource, parameters) if len(given) == len(wanted) else None


def _vagueness(match: Match) -> tuple[int, ...]:
    """Literal segments go before variables, and these before the greedy one."""
    segments = match.resource.strip("/").split("/")
    return tuple(2 if one.endswith("+}") else 1 if one.startswith("{") else 0 for one in segments)
