"""Answers of a running service: many certificates in one question, several questions under way.

Rules it keeps:

- A refusal that names a time (429, 503) is waited out, a few times; whatever else befalls a question that holds several
  certificates has each of them asked about alone, so that one of them cannot spoil the others.
- A service that is not there is not asked ten thousand times: after `GIVE_UP_AFTER` questions in a row without any
  answer the rest get the reason at once.
- What is no answer is none, whatever its status: nothing is allowed that nobody has decided.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import httpx

from service.adapters.clock import SystemClock
from service.cli.options import fail
from service.cli.service_client import TIMEOUT_S, AskError, as_text, read_answer
from service.cli.service_tls import ServiceTlsError, service_tls

GIVE_UP_AFTER: Final = 8
"""Questions in a row that got no answer from anybody."""

MAX_ATTEMPTS: Final = 6
"""Of one question that is refused for a while."""

MAX_WAIT_S: Final = 10.0
"""Seconds between two of them, whatever the service says."""

_BATCH_TIMEOUT_S: Final = 3 * TIMEOUT_S
"""A service works on half of a batch at a time."""

_LATER: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_NOBODY_ELSE: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""Who asks is refused, whatever he asks about."""

_CLOCK: Final = SystemClock()

_DECISIONS: Final = ("allow", "deny")
_NEEDED: Final = frozenset({"status", "code", "detail", "subject", "serial_number", "path"})
"""What a verdict has at the least."""

Answer = Mapping[str, Any]


class UnansweredError(Exception):
    """A question got no answer.

    Attributes:
        reason: For a person.
        is_for_all: Whether any other certificate would fare the same.
    """

    def __init__(self, reason: str, *, is_for_all: bool) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason
        self.is_for_all = is_for_all


@dataclass(slots=True)
class _Service:
    """A service that is asked.

    Attributes:
        client: Connections to it.
        url: Where it is.
        intermediates: Sent with every certificate.
        hint: What else the user can do, for complaints that it is not there.
        silent: Questions in a row that it has not answered.
        gone: Why it is not asked any more; None while it is.
    """

    client: httpx.AsyncClient
    url: str
    intermediates: tuple[str, ...]
    hint: str
    silent: int = field(default=0, init=False)
    gone: str | None = field(default=None, init=False)

    async def ask(self, certificates: Sequence[bytes]) -> list[Answer | str]:
        """For each certificate its answer, or why there is none."""
        items = [self._item(one) for one in certificates]
        if len(items) == 1:
            return [await self._alone(items[0])]
        try:
            found = (await self._asked("/v1/validate/batch", {"items": items})).get("results")
        except UnansweredError as error:
            if error.is_for_all:
                return [error.reason] * len(items)
            return [await self._alone(one) for one in items]
        if not isinstance(found, list) or len(found) != len(items):
            return [f"{self.url} has not answered each of the questions"] * len(items)
        return [self._read(one) for one in found]

    def _item(self, certificate: bytes) -> Mapping[str, object]:
        return {
            "certificate": as_text(certificate),
            "intermediates": list(self.intermediates),
            "trust_store": "default",
        }

    async def _alone(self, item: Mapping[str, object]) -> Answer | str:
        try:
            return self._read(await self._asked("/v1/validate", item))
        except UnansweredError as error:
            return error.reason

    def _read(self, found: object) -> Answer | str:
        match found:
            case {"problem": {"status": status, **problem}}:
                return f"{self.url} answered {status}: {problem.get('detail') or problem.get('title')}"
            case dict() if found.get("decision") in _DECISIONS and found.keys() >= _NEEDED:
                return found
            case _:
                return f"{self.url} answered with something that is no verdict"

    async def _asked(self, path: str, body: Mapping[str, object]) -> Answer:
        """The answer to one question, refusals for a while waited out.

        Raises:
            UnansweredError: there is none.
        """
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if self.gone is not None:
                raise UnansweredError(self.gone, is_for_all=True)
            try:
                response = await self.client.post(f"{self.url}{path}", json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise self._unheard(f"{self.url} could not be asked: {error}{self.hint}") from error
            self.silent = 0
            try:
                return read_answer(self.url, response)
            except AskError as error:
                if response.status_code in _NOBODY_ELSE:
                    self.gone = error.reason
                elif response.status_code in _LATER and attempt < MAX_ATTEMPTS:
                    await _CLOCK.sleep(_wait_s(response))
                    continue
                raise UnansweredError(error.reason, is_for_all=self.gone is not None) from error
        raise AssertionError  # the last attempt returns or raises

    def _unheard(self, reason: str) -> UnansweredError:
        self.silent += 1
        if self.silent >= GIVE_UP_AFTER:
            self.gone = reason
        return UnansweredError(reason, is_for_all=True)


@asynccontextmanager
async def asking_service(
    url: str, token: str | None, intermediates: tuple[str, ...], hint: str
) -> AsyncIterator[Callable[[Sequence[bytes]], Awaitable[list[Answer | str]]]]:
    """Have a service asked while the block lasts.

    Args:
        url: Where it is.
        token: The caller's, where it asks for one.
        intermediates: Certificates beside those of each file, PEM or base64 of DER.
        hint: What else the user can do, for complaints that it is not there.

    Raises:
        typer.Exit: the environment names files for TLS that cannot be used; the reason is printed.
    """
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        tls = service_tls(os.environ)
    except ServiceTlsError as error:
        raise fail(f"{url} was not asked: {error}") from None
    async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=_BATCH_TIMEOUT_S, headers=headers) as client:
        yield _Service(client, url.rstrip("/"), intermediates, hint).ask


def _wait_s(response: httpx.Response) -> float:
    """Seconds until a service wants to be asked again."""
    told = response.headers.get("retry-after", "")
    return min(float(told), MAX_WAIT_S) if told.isdecimal() else 1.0
