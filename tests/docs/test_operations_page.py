"""`docs/operations.md` names every event of the log, every exit code and every reason why a fetch gives nothing."""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from service.adapters import log_observer, operator_log, rotation_log
from service.adapters.log_stream import LOST_EVENT
from service.adapters.logs import LIBRARY_EVENT
from service.application.settled import SETTLED_S
from service.application.wording import describe_attempt
from service.bootstrap.directories import DECISIONS_DIRECTORY, METRICS_DIRECTORY, SPOOL_DIRECTORY, STORE_DIRECTORY
from service.cli.options import EXIT_NOT_ASKED
from service.core.model.attempt import Attempt, Problem
from service.processes.events import SupervisorEvent
from service.processes.exit_code import EXIT_CONFIGURATION, EXIT_LISTEN, EXIT_ORPHANED, EXIT_STOPPED
from service.processes.restart import FIRST_DELAY_S, LONGEST_DELAY_S, QUICK_DEATH_S
from service.settings import Settings
from tests.docs.pages import blocks, page, table, word

PAGE: Final = "operations.md"
EVENTS: Final = {word(row["event"]): row["level"] for row in table(PAGE, "events")}
OF_THE_SUPERVISOR: Final = {word(row["event"]): row["level"] for row in table(PAGE, "supervisor-events")}
NOT_OF_THE_OBSERVER: Final = {
    "audit",
    "audit_not_kept",
    "caller_limited",
    "connections_full",
    "decisions_available",
    "decisions_lost",
    "decisions_put_aside",
    "decisions_unavailable",
    "fault",
    "fleet_key_short",
    "fleet_without_key",
    "issuer_rule_by_key_identifier",
    "store_brought_forward",
    "store_waited_for",
    "limits_not_shared",
    "traces_not_sent",
    LOST_EVENT,
    LIBRARY_EVENT,
}


def _logged(module: ModuleType = log_observer) -> Iterator[tuple[str, str]]:
    """Every event that an observer writes, with the method that writes it."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_log"), attr="log"), args=[_, ast.Constant(event)]
            ):
                yield str(event), "log"
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_log"), attr=method), args=[ast.Constant(event)]
            ):
                yield str(event), method
            case _:
                pass


def test_every_event_is_there() -> None:
    """With its level; decisions have two."""
    logged = {**dict(_logged()), **dict(_logged(rotation_log))}
    assert len(logged) > len(NOT_OF_THE_OBSERVER)
    assert logged.keys() | NOT_OF_THE_OBSERVER == EVENTS.keys()
    for event, method in logged.items():
        expected = "info for a denial and for a sample of allows, debug for the others" if method == "log" else method
        assert expected == EVENTS[event], event


def test_every_event_of_administrators_is_there() -> None:
    """With its level, in the order of the code."""
    rows = {word(row["event"]): row["level"] for row in table(PAGE, "operator-events")}
    assert list(dict(_logged(operator_log)).items()) == list(rows.items())


def test_every_event_of_the_supervisor_is_there() -> None:
    """In the order of the code."""
    assert list(SupervisorEvent) == list(OF_THE_SUPERVISOR)


@pytest.mark.parametrize("line", [line for block in blocks(page(PAGE), "jsonl") for line in block.splitlines()])
def test_lines_of_the_log(line: str) -> None:
    """Each is JSON of an event that is explained, with its level, and begins with what every event has."""
    event = json.loads(line)
    assert ["time", "level", "event", "logger"] == list(event)[:4]
    levels = OF_THE_SUPERVISOR if event["logger"] == "revet.supervisor" else EVENTS
    described = levels[event["event"]]
    assert described == "any" or event["level"] in described.split()


def test_every_problem_is_there() -> None:
    """With the words of the service for it, and something to do."""
    rows = table(PAGE, "fetch-problems")
    assert {problem.value: describe_attempt(Attempt("x", problem)).removeprefix("x: ") for problem in Problem} == {
        word(row["problem"]): row["says"] for row in rows
    }
    assert list(Problem) == [word(row["problem"]) for row in rows]
    assert all(row["what to do"] for row in rows)


def test_exit_codes() -> None:
    """Those of `revet serve`, and the one that only children have."""
    codes = {int(word(row["code"])) for row in table(PAGE, "exit-codes")}
    assert {EXIT_STOPPED, EXIT_LISTEN, EXIT_NOT_ASKED, EXIT_CONFIGURATION} == codes
    assert f"the log has `{EXIT_ORPHANED}` where it ended itself" in page(PAGE)


def test_what_is_below_the_data_directory() -> None:
    """Every part is named."""
    for directory in (STORE_DIRECTORY, SPOOL_DIRECTORY, METRICS_DIRECTORY, DECISIONS_DIRECTORY):
        assert f"| `{directory}/` |" in page(PAGE)


def test_numbers(tmp_path: Path) -> None:
    """What the text says in numbers is what the code has."""
    grace_s = Settings(data_dir=tmp_path).shutdown_grace_s
    text = page(PAGE)
    assert f"within {QUICK_DEATH_S:g} seconds of its start it waits, {FIRST_DELAY_S:g} seconds first" in text
    assert f"and {LONGEST_DELAY_S:g} second at most" in text
    assert f"`REVET_SHUTDOWN_GRACE_S` ({grace_s:g})" in text
    assert (1.0, True) == (SETTLED_S, "A CRL is asked for once a second at most" in text)
