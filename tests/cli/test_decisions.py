"""`revet decisions`: what it asks, what it prints, how it exits."""

import json
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from service.api import decision_examples as examples
from service.cli.app import app
from tests.cli.serving import Answer, answering

LINE: Final = examples.LINE
ONE: Final = examples.DECISION


def run(document: dict[str, Any], *arguments: str, status: int = 200, asked: list[Any] | None = None) -> Result:
    """Run it against a service that answers so."""

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        if asked is not None:
            asked.append((method, path, body))
        return status, document

    with answering(respond) as url:
        return CliRunner().invoke(app, ["decisions", *arguments, "--url", url])


def listing(*lines: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """A page."""
    return {"decisions": list(lines), "next": following}


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((), "?limit=20"),
        (("--limit", "5"), "?limit=5"),
        (("--code", "revoked", "--decision", "deny"), "?code=revoked&decision=deny&limit=20"),
        (("--trust-store", "a&b", "--before", "01a"), "?trust_store=a%26b&limit=20&before=01a"),
    ],
)
def test_what_is_asked(arguments: tuple[str, ...], path: str) -> None:
    """Every filter reaches the service."""
    asked: list[Any] = []
    assert 0 == run(listing(), *arguments, asked=asked).exit_code
    assert [("GET", f"/v1/decisions{path}", {})] == asked


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "2026-01-01T00:00:00Z revoked CN=device-1,O=Example 5eed01 default api 019b76daa8006f1d2c3b4a5968778695"),
        ({"subject": None, "serial_number": None, "code": "malformed"}, "malformed - - default api 019b"),
        ({"decision": "allow", "code": "ok", "enforced": "revoked"}, "ok (shadow: revoked) CN=device-1"),
        ({"left_out": 12_345}, "019b76daa8006f1d2c3b4a5968778695 (+12,345)"),
        ({"subject": "CN=\x1b[31m[/b]"}, "revoked CN=\\x1b[31m[/b] 5eed01"),
    ],
)
def test_the_list(changes: dict[str, Any], expected: str) -> None:
    """A line each; nothing that a stranger wrote commands the terminal."""
    result = run(listing({**LINE, **changes}))
    assert (0, True) == (result.exit_code, expected in " ".join(result.stdout.split())), result.stdout


def test_more_of_them() -> None:
    """How to see them is said."""
    assert "there are more: --before 01a" in run(listing(LINE, following="01a")).stdout


def test_none() -> None:
    """Is said."""
    result = run(listing())
    assert (0, "none\n") == (result.exit_code, result.stdout)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "answered deny / revoked (revoked)"),
        ({}, "subject CN=device-1,O=Example, serial 5eed01"),
        ({}, "took 1.25 ms"),
        ({}, "evidence kept: revet explain --decision 019b76daa8006f1d2c3b4a5968778695"),
        ({"case": None}, "evidence not kept"),
        ({"enforced": "revoked", "decision": "allow"}, "in shadow instead of a denial: revoked"),
        ({"repeats": "01a", "duration_s": None}, "repeats 01a"),
        ({"left_out": 1_000}, "given again 1,000 times"),
        ({"subject": None, "issuer": None}, "asked api, trust store default took"),
    ],
)
def test_one(changes: dict[str, Any], expected: str) -> None:
    """A line for each thing that there is to say."""
    asked: list[Any] = []
    result = run({**ONE, **changes}, "01a/b", asked=asked)
    assert (0, True) == (result.exit_code, expected in " ".join(result.stdout.split())), result.stdout
    assert [("GET", "/v1/decisions/01a%2Fb", {})] == asked


@pytest.mark.parametrize(("arguments", "document"), [((), listing(LINE)), (("01a",), ONE)])
def test_json(arguments: tuple[str, ...], document: dict[str, Any]) -> None:
    """As the API gives it."""
    result = run(document, *arguments, "--json")
    assert (0, document) == (result.exit_code, json.loads(result.stdout))


@pytest.mark.parametrize("arguments", [(), ("01a",), ("--json",)])
def test_a_problem(arguments: tuple[str, ...]) -> None:
    """Exit code 2, with what the service says."""
    result = run({"title": "no", "detail": "it is too old"}, *arguments, status=404)
    assert (2, "", True) == (result.exit_code, result.stdout, "it is too old" in result.stderr)


@pytest.mark.parametrize("arguments", [("--limit", "0"), ("--limit", "1001"), ("--code", "good"), ("--decision", "x")])
def test_a_word_that_is_none(arguments: tuple[str, ...]) -> None:
    """Nobody is asked."""
    asked: list[Any] = []
    assert (2, []) == (run(listing(), *arguments, asked=asked).exit_code, asked)
