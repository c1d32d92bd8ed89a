"""Where `check` and `explain` get their answers: from a running service, or decided here.

Files are read and asked about a few at a time, and their answers come in the order of the files: what is held in memory
is the same for ten files and for ten thousand. One that cannot be read or asked about never ends the others.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from service.cli.asking_here import deciding_here
from service.cli.asking_service import asking_service
from service.cli.check_files import UnreadError, read_certificate
from service.cli.options import DEFAULT_URL, TOKEN_VARIABLE, fail, read_settings
from service.cli.service_client import as_text

HERE_AT_ONCE: Final = 8
"""Decisions under way here: more would wait for the processor, which their deadline does not wait for."""

BATCH: Final = 64
"""Certificates of one question to a service: twice as many as it works on at once."""

BATCHES_AT_ONCE: Final = 4
"""Questions to a service that are under way: half of what one of its workers takes from everybody."""

Answer = Mapping[str, Any]

Ask = Callable[[Sequence[bytes]], Awaitable[Sequence[Answer | str]]]
"""For each certificate what `POST /v1/validate` answers, or why there is no answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one file.

    Attributes:
        file: Its name.
        answer: As `POST /v1/validate` gives it; None where there is none.
        error: Why not; None where there is one.
    """

    file: str
    answer: Answer | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a command asks about.

    Attributes:
        intermediates: Files with more certificates.
        trust_store: Decide here, with these anchors; None to ask a service or to take the settings'.
        url: Ask there; None for the default.
        config: TOML file with settings.
    """

    intermediates: tuple[Path, ...]
    trust_store: Path | None
    url: str | None
    config: Path | None


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, and how many at a time.

    Attributes:
        opened: Who answers, while its block lasts.
        batch: Certificates of one question.
        at_once: Questions under way.
    """

    opened: Callable[[], AbstractAsyncContextManager[Ask]]
    batch: int
    at_once: int

    async def rows(self, files: Iterable[str]) -> AsyncGenerator[Row, None]:
        """What comes of each file, in their order.

        Raises:
            typer.Exit: nobody can be asked; the reason is printed.
        """
        names = iter(files)
        async with self.opened() as ask:
            waiting: deque[asyncio.Task[list[Row]]] = deque()
            try:
                while (batch := tuple(islice(names, self.batch))) or waiting:
                    if batch:
                        waiting.append(asyncio.create_task(_rows(ask, batch)))
                    if len(waiting) == self.at_once or not batch:
                        for row in await waiting.popleft():
                            yield row
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)


def whom_to_ask(question: Question) -> Asking:
    """This machine where a trust store is given, by option or in the settings; a service otherwise.

    Raises:
        typer.Exit: options contradict each other, or a file that they name cannot be read; the reason is printed.
    """
    intermediates = tuple(as_text(_read(path)) for path in question.intermediates)
    if question.url is not None and question.trust_store is not None:
        raise fail("--url asks a service, --trust-store decides here: give one of them")
    if question.url is None:
        overrides = {} if question.trust_store is None else {"REVET_TRUST_STORE": str(question.trust_store)}
        settings = read_settings(question.config, overrides)
        if settings.trust_store is not None or settings.trust_store_dir is not None:
            return Asking(lambda: deciding_here(settings, intermediates), batch=1, at_once=HERE_AT_ONCE)
    hint = "" if question.url else "; give --url, or --trust-store to decide without a service"
    url, token = question.url or DEFAULT_URL, os.environ.get(TOKEN_VARIABLE)
    return Asking(lambda: asking_service(url, token, intermediates, hint), batch=BATCH, at_once=BATCHES_AT_ONCE)


def ask(asking: Asking, files: Iterable[str], tell: Callable[[Row], object]) -> None:
    """Tell what comes of each file.

    Raises:
        typer.Exit: nobody can be asked; the reason is printed.
        KeyboardInterrupt: somebody ended it; what was told before holds.
    """

    async def told() -> None:
        async with aclosing(asking.rows(files)) as rows:
            async for row in rows:
                tell(row)

    asyncio.run(told())


async def _rows(ask: Ask, names: tuple[str, ...]) -> list[Row]:
    """Read files and ask about those that could be read."""
    found: dict[int, Answer | str] = {}
    contents: dict[int, bytes] = {}
    for at, name in enumerate(names):
        try:
            contents[at] = read_certificate(name)
        except UnreadError as error:
            found[at] = str(error)
    if contents:
        found |= zip(contents, await ask(tuple(contents.values())), strict=True)
    return [_row(name, found[at]) for at, name in enumerate(names)]


def _row(name: str, found: Answer | str) -> Row:
    return Row(name, None, found) if isinstance(found, str) else Row(name, found, None)


def _read(path: Path) -> bytes:
    try:
        return read_certificate(str(path))
    except UnreadError as error:
        raise fail(f"{path}: {error}") from error
