"""The commands of operators: what they ask, what they print, how they exit."""

import json
from io import StringIO
from typing import Any, Final

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from service.api import operator_examples as examples
from service.cli import refresh
from service.cli.app import app
from tests.cli.serving import Answer, answering

URL: Final = "http://crl.example/issuing.crl"
NOTHING: Final = {"started": [], "unknown": [], "outcomes": [], "running": [], "asked_at": "2026-01-01T00:00:00Z"}

DOWNLOADING: Final = {"phase": "downloading", "done": 0, "total": None, "entries": 0, "entries_total": None, "at": ""}
INGESTING: Final = {**DOWNLOADING, "phase": "ingesting"}
FLEET: Final[dict[str, Any]] = examples.STATS["fleet"]
TOTALS: Final[dict[str, Any]] = FLEET["totals"]
RESPONDER: Final[dict[str, Any]] = {
    "host": "http://a:80",
    "asked": 7,
    "failed": 0,
    "mean_s": None,
    "state": "closed",
    "failures": 0,
    "answered_at": None,
}


def run(url: str, *arguments: str) -> Result:
    """Run a command against a service."""
    return CliRunner().invoke(app, [*arguments, "--url", url])


def always(document: dict[str, Any], status: int = 200, asked: list[Any] | None = None) -> Any:  # noqa: ANN401 - a function
    """Answer the same each time, and remember what was asked."""

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        if asked is not None:
            asked.append((method, path, body))
        return status, document

    return respond


@pytest.mark.parametrize(
    ("arguments", "answer", "asked", "printed", "code"),
    [
        ((), {"started": [URL]}, ("/v1/refresh", {}), f"{URL}  started\n", 0),
        ((URL,), {"started": [URL]}, ("/v1/refresh", {"sources": [URL]}), f"{URL}  started\n", 0),
        (
            (URL, "x"),
            {"started": [URL], "unknown": ["x"]},
            ("/v1/refresh", {"sources": [URL, "x"]}),
            f"{URL}  started\nx  unknown\n",
            1,
        ),
        (
            ("--wait",),
            {"started": [URL, "x"], "outcomes": [_ok := {"source": URL, "problem": None, "detail": ""},
             {"source": "x", "problem": "stale", "detail": "why\x1b"}]},
            ("/v1/refresh?wait=true", {}),
            f"{URL}  refreshed\nx  stale (why\\x1b)\n",
            1,
        ),
        (
            ("--wait",),
            {"started": [str(n) for n in range(30)], "outcomes": [{**_ok, "source": str(n)} for n in range(30)]},
            ("/v1/refresh?wait=true", {}),
            "30 of 30 refreshed\n",
            0,
        ),
        (("--wait", "--json", URL), {"started": [URL], "outcomes": [_ok]}, None, None, 0),
    ],
)  # fmt: skip
def test_refresh(
    arguments: tuple[str, ...], answer: dict[str, Any], asked: tuple[str, Any] | None, printed: str | None, code: int
) -> None:
    """Who is asked for what; exit code 1 where anything failed or is unknown."""
    requests: list[Any] = []
    with answering(always({**NOTHING, **answer}, 202, requests)) as url:
        result = run(url, "refresh", *arguments)
    assert code == result.exit_code
    if asked is not None:
        assert [("POST", *asked)] == requests
    if printed is None:
        assert {**NOTHING, **answer} == json.loads(result.stdout)
    else:
        assert printed == result.stdout


def test_refresh_that_takes_longer_than_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing tells when it has ended."""
    monkeypatch.setattr(refresh, "LOOK_EVERY_S", 0.01)
    looks = 0

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        nonlocal looks
        del body, path
        if method == "POST":
            return 202, {**NOTHING, "started": [URL], "running": [URL]}
        looks += 1
        (line,) = examples.CRLS["crls"]
        attempt = "2025-12-31T23:59:59Z" if looks < 3 else "2026-01-01T00:00:01Z"
        return 200, {"crls": [{**line, "last_attempt": attempt}], "after": None}

    with answering(respond) as url:
        result = run(url, "refresh", "--wait", URL)
    assert (0, f"{URL}  refreshed\n") == (result.exit_code, result.stdout)
    assert looks >= 3


def test_bars_while_a_large_one_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a terminal: octets of how many, then entries of how many; a bar that is done with is gone."""
    monkeypatch.setattr(refresh, "LOOK_EVERY_S", 0.01)
    terminal = Console(file=StringIO(), force_terminal=True, width=200, color_system=None)
    monkeypatch.setattr(refresh, "errors", terminal)
    steps = [
        {**DOWNLOADING, "done": 3_000_000},
        {**DOWNLOADING, "done": 20_000_000, "total": 40_000_000},
        {**INGESTING, "total": 40_000_000},
        {**INGESTING, "done": 10_000_000, "total": 39_000_000, "entries": 250_000, "entries_total": 1_000_000},
        None,
    ]
    (line,) = examples.CRLS["crls"]
    looks = iter(steps)

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        del body, path
        if method == "POST":
            return 202, {**NOTHING, "started": [URL], "running": [URL]}
        step = next(looks, None)
        attempt = "2025-12-31T23:59:59Z" if step else "2026-01-01T00:00:01Z"
        return 200, {"crls": [{**line, "progress": step, "last_attempt": attempt}], "after": None}

    with answering(respond) as url:
        result = run(url, "refresh", "--wait", URL)
    assert (0, f"{URL}  refreshed\n") == (result.exit_code, result.stdout)
    everything = written(terminal)
    assert f"downloading {URL}" in everything
    assert "20.0/40.0 MB" in everything
    assert f"ingesting {URL}" in everything
    assert "10.0/39.0 MB 250,000 of 1,000,000 entries" in everything


def written(terminal: Console) -> str:
    """What a terminal has shown so far."""
    assert isinstance(terminal.file, StringIO)
    return terminal.file.getvalue()


@pytest.mark.parametrize(
    "command", [("refresh",), ("refresh", "--wait"), ("stats",), ("crl", "list"), ("crl", "reset", "--slot", "a")]
)
def test_nobody_there(command: tuple[str, ...]) -> None:
    """Exit code 2, and why."""
    result = run("http://127.0.0.1:9", *command)
    assert 2 == result.exit_code
    assert "could not be asked" in result.stderr


@pytest.mark.parametrize("command", [("refresh", "x"), ("refresh", "x", "--wait"), ("crl", "reset", "--source", "x")])
def test_a_problem(command: tuple[str, ...]) -> None:
    """Exit code 2, with what the service says."""
    with answering(always({"detail": "there is none", "title": "no"}, 404)) as url:
        result = run(url, *command)
    assert (2, True) == (result.exit_code, "there is none" in result.stderr)


def test_the_list() -> None:
    """Page by page, the worst first, with counts."""
    (line,) = examples.CRLS["crls"]
    ended = {**line, "id": "0", "status": "ended", "problem": "unreachable", "detail": "no route", "failures": 3}
    asked: list[str] = []

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        del method, body
        asked.append(path)
        return 200, {"crls": [line], "after": "8e"} if path.endswith("after=") else {"crls": [ended], "after": None}

    with answering(respond) as url:
        result = run(url, "crl", "list", "--issuer", "CN=Example Issuing", "--status", "fresh")
    assert 0 == result.exit_code
    query = "/v1/crls?limit=10000&issuer=CN%3DExample%20Issuing&status=fresh&after="
    assert [query, f"{query}8e"] == asked
    assert [
        "ended    CN=Example Issuing,O=Example",
        "  crl 7, 2025-12-31T23:00:00Z to 2026-01-02T00:00:00Z, 1 entries",
        "  slot 6ac942018e36",
        "  learned http://crl.example/issuing.crl, next attempt 2026-01-01T00:55:00Z",
        "  unreachable (no route); 3 in a row",
        "fresh    CN=Example Issuing,O=Example",
    ] == result.stdout.splitlines()[:6]
    assert "1 fresh, 1 ended" == result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"progress": {**DOWNLOADING, "done": 5000, "total": 9000}},
            "downloading: 5,000 of 9,000 bytes",
        ),
        ({"progress": {**DOWNLOADING, "done": 5000}}, "downloading: 5,000 bytes"),
        (
            {"progress": {**INGESTING, "done": 5000, "total": 9000, "entries": 1200, "entries_total": 2000}},
            "ingesting: 5,000 of 9,000 bytes, 1,200 of 2,000 entries",
        ),
        ({"source": None}, "whose source is forgotten"),
        ({"slot": None, "issuer": None, "status": "never"}, "never    -"),
        ({"stalled": True}, "its number has not moved since 2025-12-31T23:55:00Z"),
        ({"base_crl_number": 3}, "crl 7 (delta on 3)"),
        ({"issuer": "CN=\x1b[31m"}, "CN=\\x1b[31m"),
    ],
)
def test_lines_of_the_list(changes: dict[str, Any], expected: str) -> None:
    """What is special about one is said, and nothing that a stranger wrote commands the terminal."""
    (line,) = examples.CRLS["crls"]
    with answering(always({"crls": [{**line, **changes}], "after": None})) as url:
        assert expected in run(url, "crl", "list").stdout


def test_reset() -> None:
    """What was reset, and what to do next."""
    asked: list[Any] = []
    with answering(always(examples.RESET, 200, asked)) as url:
        result = run(url, "crl", "reset", "--issuer", "CN=Example Issuing,O=Example")
    assert [("POST", "/v1/crls/reset", {"issuer": "CN=Example Issuing,O=Example"})] == asked
    assert 0 == result.exit_code
    assert (
        "6ac942018e36  CN=Example Issuing,O=Example, held: crl 7 from http://crl.example/issuing.crl" in result.stdout
    )


@pytest.mark.parametrize("arguments", [(), ("--issuer", "CN=a", "--slot", "b")])
def test_reset_of_nothing_or_too_much(arguments: tuple[str, ...]) -> None:
    """Nobody is asked."""
    result = run("http://127.0.0.1:9", "crl", "reset", *arguments)
    assert (2, True) == (result.exit_code, "give one of" in result.stderr)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "1 held, 1 entries, 271 bytes (1 fresh)"),
        ({}, "12 allow ok, 1 deny revoked"),
        ({"host": None}, "cannot be read"),
        ({"shadow": {"total": 4, "denials": [], "recent": []}}, "4 answers would have been denials"),
        ({"trust_stores": [{"name": "x", "certificates": None, "problem": "no PEM"}]}, "x, not loaded: no PEM"),
        ({"responders": [{**RESPONDER, "state": "open", "failures": 3}]}, "http://a:80 open, 3 failures in a row"),
        ({}, "worker 4711 answers for 2"),
        ({}, "11 api, 2 nginx"),
        ({}, "50 % within 0.5 ms, 95 % within 200 ms, 99 % within 240 ms, of 4"),
        ({}, "0 refusals remembered; asked for ahead: 1 renewed, 0 unchanged, 0 failed, 0 dropped"),
        ({}, "up, 0.4 ms"),
        (
            {"redis": {"up": False, "latency_ms": 3.0, "breaker": "open", "reason": "no answer"}},
            "Redis          not asked: no answer",
        ),
        (
            {"redis": {"up": False, "latency_ms": None, "breaker": "closed", "reason": "it is full"}},
            "Redis          down: it is full",
        ),
        ({}, "12 allow, 1 deny, as of 1 s ago"),
        ({"fleet": {**FLEET, "totals": {**TOTALS, "replicas": 3}}}, "as of 1 s ago, without 2 that do not say"),
        (
            {"fleet": {**FLEET, "totals": {**TOTALS, "oldest_s": None}}},
            "all replicas   nothing is known of what they decided",
        ),
        ({}, "revet-0 answers, Redis answers, 1 replicas present"),
        ({}, "1 crl leased, 1 crl miss, 2 ocsp hit"),
        ({"fleet": {**FLEET, "refused": {"crl": {"unauthentic": 7}}}}, "7 crl unauthentic"),
        ({"fleet": {**FLEET, "reachable": False, "reason": "ConnectionError"}}, "does not answer: ConnectionError"),
        ({"fleet": {**FLEET, "authenticated": False}}, "without a key: anybody may have written this"),
        ({"fleet": {**FLEET, "unreadable": 3, "omitted": 4}}, "3 unreadable, 4 not looked into"),
        ({"fleet": {**FLEET, "replicas": []}}, "0 replicas present"),
        (
            {"fleet": {**FLEET, "events": {"heartbeat": {"written": 4711}, "crl": {"hit": 1}}}},
            "shared         1 crl hit",
        ),
    ],
)
def test_stats(changes: dict[str, Any], expected: str) -> None:
    """In a line each."""
    with answering(always({**examples.STATS, **changes})) as url:
        result = run(url, "stats")
    assert (0, True) == (result.exit_code, expected in result.stdout)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "memory verdict 9 4 69% 0 3 6,144"),
        ({}, "redis ocsp 2 1 66% 0 - -"),
        ({}, "http://ocsp.example:80 closed 3 1 80 ms 2025-12-31T23:59:00Z"),
        ({"responders": [RESPONDER]}, "http://a:80 closed 7 0 - never"),
        (
            {"responders": [{**RESPONDER, "host": "(other)", "state": None, "asked": None, "failed": None}]},
            "(other) - - - - never",
        ),
        ({"responders": [{**RESPONDER, "host": "[red]\x1b"}]}, "[red]\\x1b closed 7 0 - never"),
    ],
)
def test_tables(changes: dict[str, Any], expected: str) -> None:
    """Caches and responders, a line each; what a stranger wrote commands no terminal."""
    with answering(always({**examples.STATS, **changes})) as url:
        result = run(url, "stats")
    assert expected in [" ".join(line.split()) for line in result.stdout.splitlines()], result.stdout


def test_stats_of_a_service_that_has_decided_nothing() -> None:
    """Nothing is said of how long it took, nor of who asked."""
    latency = {**examples.STATS["latency"], "count": 0, "p50_s": None, "p95_s": None, "p99_s": None}
    nothing = {"decisions": [], "latency": latency, "responders": [], "caches": []}
    with answering(always({**examples.STATS, **nothing})) as url:
        result = run(url, "stats")
    assert (0, True) == (result.exit_code, "decisions      none" in result.stdout)
    assert not any(said in result.stdout for said in ("made in", "asked by", "answered at"))


def test_stats_of_one_that_has_no_fleet() -> None:
    """Nothing is said of one."""
    with answering(always({**examples.STATS, "fleet": None, "redis": None})) as url:
        result = run(url, "stats")
    assert (0, False) == (result.exit_code, "Redis" in result.stdout or "replica" in result.stdout)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "revet-0 current 2 1.2.3 1 h 12 1 1 a1c03e 2 2 69%/93%/50% 0"),
        ({"decisions": None}, "1 h - - 1 a1c03e"),
        ({"hits": {"verdicts": {"hits": 0, "misses": 0}}}, "2 - 0"),
        ({"presence": "gone", "at": "2025-12-31T23:56:00Z"}, "revet-0 gone 4 min 2"),
        ({"presence": "gone", "at": "2026-01-01T00:00:30Z"}, "revet-0 gone 0 s 2"),
        ({"started_at": "2025-12-29T23:00:00Z"}, "1.2.3 2 d 12"),
        ({"standing": "behind"}, "revet-0 behind 2"),
        ({"workers": None, "role": "prefetch"}, "current prefetch 1.2.3"),
        ({"host": None}, "1 h 12 1 - - 2"),
        ({"name": "a\x1b[31m"}, "a\\x1b[31m current"),
        ({"name": "[red]a[/b]"}, "[red]a[/b] current"),
    ],
)
def test_replicas(changes: dict[str, Any], expected: str) -> None:
    """In a table, in which nothing that a stranger wrote commands the terminal."""
    replica = {**FLEET["replicas"][0], **changes}
    with answering(always({**examples.STATS, "fleet": {**FLEET, "replicas": [replica]}})) as url:
        result = run(url, "stats")
    line = " ".join(result.stdout.splitlines()[-1].split())
    assert (0, True) == (result.exit_code, expected in line), line


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"standing": "behind", "reason": "no answer"}, "revet-0 is behind: no answer"),
        ({"name_taken": True}, "revet-0 is the name of several"),
        ({"standing": "behind", "reason": "[/b]"}, "revet-0 is behind: [/b]"),
    ],
)
def test_what_is_wrong_with_a_replica(changes: dict[str, Any], expected: str) -> None:
    """Has a line of its own."""
    replica = {**FLEET["replicas"][0], **changes}
    with answering(always({**examples.STATS, "fleet": {**FLEET, "replicas": [replica]}})) as url:
        assert expected in run(url, "stats").stdout


@pytest.mark.parametrize(
    ("command", "document"), [(("stats",), examples.STATS), (("crl", "reset", "--slot", "a"), examples.RESET)]
)
def test_json(command: tuple[str, ...], document: dict[str, Any]) -> None:
    """As the API gives it."""
    with answering(always(document)) as url:
        assert document == json.loads(run(url, *command, "--json").stdout)
