"""`revet refresh`: have CRLs fetched now, and see what comes of it."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Annotated, Any, Final, Self

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.cli.crl_progress import entries_in_words
from service.cli.json_output import print_json
from service.cli.operating import Service, ServiceOption
from service.cli.options import DEFAULT_URL, EXIT_DENY, JsonOption, errors, fail, output
from service.cli.rendering import visible, visible_answer
from service.cli.service_client import AskError

LOOK_EVERY_S: Final = 0.5
"""Seconds between two looks at how far it has come: it is written down once a second."""

ANSWER_WITHIN_S: Final = 90.0
"""Seconds: a service answers after sixty with what has not ended by then."""

FEW: Final = 20
"""Sources that are listed one by one where all are meant; of more, those that failed."""

SourceArguments = Annotated[
    list[str] | None, typer.Argument(help="Sources: URLs, files, objects as `revet crl list` names them; default all.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for the end, and say what came of each.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", min=1.0, help="Seconds to wait at most.")]


def refresh(
    sources: SourceArguments = None,
    url: ServiceOption = DEFAULT_URL,
    timeout: TimeoutOption = 600.0,
    *,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> None:
    """Have CRLs fetched now. Exit code 0: done, 1: something failed or is unknown, 2: could not be asked."""
    service = Service.at(url)
    body: Mapping[str, object] = {"sources": sources} if sources else {}
    try:
        answer = _waited(service, body, timeout) if wait else service.call("POST", "/v1/refresh", body)
    except AskError as error:
        raise fail(error.reason) from error
    if as_json:
        print_json(answer)
    else:
        _show(answer, is_waited=wait, is_named=bool(sources))
    failed = answer["unknown"] or answer["running"] or any(one["problem"] for one in answer["outcomes"])
    raise typer.Exit(EXIT_DENY if failed else 0)


def _show(answer: Mapping[str, Any], *, is_waited: bool, is_named: bool) -> None:
    answer = visible_answer(answer)
    every = answer["outcomes"] if is_waited else [{"source": one} for one in answer["started"]]
    is_short = is_named or len(every) <= FEW
    for one in every:
        problem = one.get("problem")
        if problem is not None:
            detail = f" ({one['detail']})" if one["detail"] else ""
            output.print(f"{one['source']}  {problem}{detail}")
        elif is_short:
            output.print(f"{one['source']}  {'refreshed' if is_waited else 'started'}")
    for word in ("running", "unknown"):
        for source in answer[word]:
            output.print(f"{source}  {word}")
    if not is_short:
        good = sum(1 for one in every if one.get("problem") is None)
        output.print(f"{good} of {len(answer['started'])} {'refreshed' if is_waited else 'started'}")


def _waited(service: Service, body: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
    """Have it done, and meanwhile show how far it has come.

    Raises:
        AskError: it could not be asked.
    """
    give_up_at = time.monotonic() + timeout_s
    with ThreadPoolExecutor(1) as thread, _Bars(service) as bars:
        request = thread.submit(service.call, "POST", "/v1/refresh?wait=true", body, ANSWER_WITHIN_S)
        _until(request, bars.look)
        answer = dict(request.result())
        while answer["running"] and time.monotonic() < give_up_at:
            time.sleep(LOOK_EVERY_S)
            answer = _later(answer, bars.look())
    return answer


def _until(request: "Future[Any]", look: Callable[[], object]) -> None:
    while not wait((request,), LOOK_EVERY_S).done:
        look()


def _later(answer: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The answer, with what has ended since."""
    by_source = {line["source"]: line for line in lines if line["source"] is not None}
    outcomes, running = list(answer["outcomes"]), []
    for source in answer["running"]:
        line = by_source.get(source)
        if line is None or line["last_attempt"] is None or line["last_attempt"] < answer["asked_at"]:
            running.append(source)
        else:
            outcomes.append({"source": source, "problem": line["problem"], "detail": line["detail"]})
    return {**answer, "outcomes": outcomes, "running": running}


class _Bars:
    """A bar for each phase of each source whose progress the service shows; nothing where the output is no terminal."""

    def __init__(self, service: Service) -> None:
        """Show nothing yet."""
        self._service = service
        self._tasks: dict[tuple[str, str, int | None], TaskID] = {}
        entries = TextColumn("{task.fields[entries]}")
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), entries, TimeElapsedColumn())
        self._progress = Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def look(self) -> list[Mapping[str, Any]]:
        """Ask how far it has come.

        Raises:
            AskError: it could not be asked.
        """
        lines = self._service.crls()
        under_way = {
            (line["source"], progress["phase"], progress["total"]): progress
            for line in lines
            if (progress := line["progress"]) is not None
        }
        for key in self._tasks.keys() - under_way.keys():
            self._progress.remove_task(self._tasks.pop(key))
        for key, progress in under_way.items():
            source, phase, total = key
            if key not in self._tasks:
                self._tasks[key] = self._progress.add_task(f"{phase} {visible(source)}", total=total, entries="")
            entries = entries_in_words(progress).removeprefix(", ")
            self._progress.update(self._tasks[key], completed=progress["done"], entries=entries)
        self._progress.refresh()
        return lines
