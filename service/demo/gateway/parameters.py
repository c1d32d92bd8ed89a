"""Headers that an integration sets out of what the authorizer has said: `requestParameters`, in either kind of API.

| kind | what is set | to what |
| --- | --- | --- |
| REST | `integration.request.header.NAME` | `context.authorizer.KEY` |
| HTTP | `overwrite:header.NAME` | `$context.authorizer.KEY` |

Rules: a header that is set replaces the client's own, in whatever case that one's name is. A key that the authorizer
has not said sets nothing, so that the client's own passes: what API Gateway does then is not documented, and this is
the worst that it could be. An integration's path is mapped too, but handed on whole here, whatever is said of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

IDENTITY: Final[Mapping[str, str]] = {
    "integration.request.header.X-Revet-Decision": "context.authorizer.decision",
    "integration.request.header.X-Revet-Code": "context.authorizer.code",
    "integration.request.header.X-Revet-Subject": "context.authorizer.subject",
    "integration.request.header.X-Revet-Serial": "context.authorizer.serial_number",
    "integration.request.header.X-Revet-Fingerprint": "context.authorizer.fingerprint_sha256",
    "integration.request.header.X-Revet-Decision-Id": "context.authorizer.decision_id",
    "integration.request.header.X-Revet-Valid-Until": "context.authorizer.valid_until",
}
"""What tells a backend who was let in, under the names that proxies and the sidecar have for it."""

_FORMS: Final = (
    ("integration.request.header.", "context.authorizer."),
    ("overwrite:header.", "$context.authorizer."),
)
_PATH: Final = "integration.request.path."


@dataclass(frozen=True, slots=True)
class SetHeader:
    """A header, and the key of the authorizer's context that it is set to."""

    name: str
    key: str


def set_headers(request_parameters: Mapping[str, str]) -> tuple[SetHeader, ...]:
    """The headers that an integration's `requestParameters` set.

    Raises:
        ValueError: they map something else, which is not played here.
    """
    wanted = {to: source for to, source in request_parameters.items() if not to.startswith(_PATH)}
    return tuple(_set_header(to, source) for to, source in wanted.items())


def replaced(
    headers: Iterable[tuple[str, str]], settings: Iterable[SetHeader], context: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """A request's headers, with those in place that are set.

    Args:
        headers: As the client has sent them.
        settings: Which are set.
        context: What the authorizer has said.
    """
    said = {one.name: _in_header(context[one.key]) for one in settings if one.key in context}
    gone = {name.lower() for name in said}
    return (*((name, value) for name, value in headers if name.lower() not in gone), *said.items())


def _set_header(to: str, source: str) -> SetHeader:
    for target, origin in _FORMS:
        name, key = to.removeprefix(target), source.removeprefix(origin)
        if to.startswith(target) and source.startswith(origin) and name and key:
            return SetHeader(name, key)
    raise ValueError(f"{to}: {source} sets no header to what the authorizer says")


def _in_header(value: object) -> str:
    # What is not Latin-1 cannot be in a header.
    return str(value).encode("ascii", "backslashreplace").decode()
