"""`revet check` over many files: which ones, what is told of each, and how it ends."""

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner, Result

from service.api.examples import ALLOW
from service.cli import asking_service
from service.cli.app import app
from service.cli.check_csv import COLUMNS
from service.cli.check_files import MAX_FILE_BYTES
from tests.cli.conftest import Files
from tests.cli.serving import Answer, Respond, answering
from tests.pki import Authority
from tests.pki.clock import validity_of_now

MANY: Final = 200
"""More than one question to a service holds, and than people are shown one by one."""


def run(*typed: object) -> Result:
    """Type it."""
    return CliRunner().invoke(app, ["check", *map(str, typed)])


def here(files: Files, *typed: object) -> Result:
    """Decided here."""
    return run("--trust-store", files.trust_store, *typed)


def document(result: Result) -> dict[str, Any]:
    """What `--json` printed."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def names(result: Result) -> list[str]:
    """The files of a document, in its order."""
    return [Path(row["file"]).name for row in document(result)["results"]]


def lines(text: str) -> list[dict[str, str]]:
    """What `--csv` wrote."""
    return list(csv.DictReader(StringIO(text, newline="")))


@pytest.fixture
def many(files: Files) -> Path:
    """A directory with copies of one certificate, two levels of them, and what is none of them."""
    below = files.directory / "many" / "below"
    below.mkdir(parents=True)
    for number in range(MANY // 2):
        (below.parent / f"{number:03}.pem").write_bytes(files.good.read_bytes())
        (below / f"{number:03}.CRT").write_bytes(files.good.read_bytes())
    (below / "key.txt").write_text("no certificate")
    (below / "again").symlink_to(below.parent)
    return below.parent


def service(spoilt: Callable[[str], Any] = lambda _: None, seen: list[int] | None = None) -> Respond:
    """A service that allows everything; what `spoilt` says of a certificate is in the place of its answer."""

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        del method
        items = body["items"] if path.endswith("batch") else [body]
        if seen is not None:
            seen.append(len(items))
        found = [spoilt(one["certificate"]) or ALLOW for one in items]
        return 200, {"results": found} if path.endswith("batch") else found[0]

    return respond


def test_directories_and_patterns(files: Files, many: Path) -> None:
    """Certificates of a directory and below, by name; of a pattern what it fits; in the order that is typed."""
    (many / "[x].pem").write_bytes(files.good.read_bytes())
    with answering(service()) as url:
        result = run("--json", "--url", url, f"{many}/00*.pem", files.good, many / "below", f"{many}/[x].pem")
    pattern = [f"{number:03}.pem" for number in range(10)]
    directory = [f"{number:03}.CRT" for number in range(MANY // 2)]
    assert [*pattern, "good.pem", *directory, "[x].pem"] == names(result)


@pytest.mark.parametrize("batch", [True, False])
def test_one_bad_file_never_ends_the_run(files: Files, many: Path, batch: bool) -> None:
    """Here as at a service: its row says why there is no answer, and the others have theirs."""
    (many / "010.pem").unlink()
    (many / "010.pem").symlink_to("nowhere")
    (many / "020.pem").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (many / "030.pem").write_bytes(b"no certificate")
    with answering(service()) as url:
        result = run(
            "--json", *(("--url", url) if batch else ("--trust-store", files.trust_store)), many, "nobody*.pem"
        )
    rows = {Path(row["file"]).name: row for row in document(result)["results"]}
    assert "No such file or directory" == rows["010.pem"]["error"] == rows["nobody*.pem"]["error"]
    assert (None, f"larger than {MAX_FILE_BYTES:,} bytes") == (rows["020.pem"]["answer"], rows["020.pem"]["error"])
    assert "allow" == rows["099.CRT"]["answer"]["decision"]
    assert (2, 3, MANY + 1) == (result.exit_code, *(document(result)["summary"][one] for one in ("errors", "done")))


def test_a_directory_without_certificates(files: Files) -> None:
    """Is not passed over: who typed it meant something."""
    (files.directory / "empty").mkdir()
    result = here(files, files.good, files.directory / "empty")
    assert (2, True) == (result.exit_code, "empty: a directory without a file that ends with .pem" in result.stderr)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("good",), 0),
        (("good", "expired"), 1),
        (("good", "nobody"), 2),
        (("expired", "nobody"), 2),
        (("nobody", "expired", "good"), 2),
    ],
)
def test_the_gravest_exit_code_wins(files: Files, typed: tuple[str, ...], code: int) -> None:
    """What nobody was asked about is graver than a denial: nobody knows what it is."""
    result = here(files, *(files.directory / f"{name}.pem" for name in typed))
    assert code == result.exit_code


def test_summary_by_code(files: Files) -> None:
    """The most frequent first; of one file there is none."""
    result = here(files, files.good, files.good, files.expired, "nobody.pem")
    assert [["files", "decision", "code"], ["2", "allow", "ok"], ["1", "deny", "expired"], ["1", "not", "asked"]] == [
        line.split() for line in result.stdout.splitlines()[-4:]
    ]
    assert "files" not in here(files, files.good).stdout


def test_of_many_files_only_what_is_not_allowed_is_shown(files: Files, many: Path) -> None:
    """And how many were."""
    (many / "foreign.pem").write_bytes(files.foreign.read_bytes())
    result = here(files, many)
    told, _, *summary = result.stdout.splitlines()[0:1] + result.stdout.splitlines()[-3:]
    assert f"{many}/foreign.pem  deny / untrusted" in told.replace("invalid", "untrusted")
    assert [[str(MANY), "allow", "ok"], ["1", "deny", "untrusted"]] == [line.split() for line in summary]


def test_csv(files: Files) -> None:
    """A line for each file below the names of the columns, in a file or at standard output; the summary elsewhere."""
    where = files.directory / "report.csv"
    result = here(files, "--csv", where, files.good, files.expired, "nobody.pem")
    written = here(files, "--csv", "-", files.good, files.expired, "nobody.pem")
    good, expired, nobody = lines(where.read_text())
    assert list(COLUMNS) == list(good)
    assert ("allow", "ok", "CN=good", "") == tuple(good[name] for name in ("decision", "code", "subject", "error"))
    assert ("deny", "expired") == (expired["decision"], expired["code"])
    assert ("nobody.pem", "", "No such file or directory") == (nobody["file"], nobody["code"], nobody["error"])
    assert [row["code"] for row in lines(written.stdout)] == ["ok", "expired", ""]
    assert (2, True, True) == (result.exit_code, "allow / unknown" in result.stdout, "not asked" in written.stderr)


@pytest.mark.parametrize("begin", ["=1+1", "+1", "-1", "@x", " =1", "＝1"])  # noqa: RUF001 - a wide one
def test_csv_is_no_formula(files: Files, begin: str) -> None:
    """No cell begins as a formula does: an apostrophe says that it is text."""
    name = files.directory / "evil.pem"
    name.write_bytes(files.good.read_bytes())
    with answering(service(lambda _: {**ALLOW, "subject": f"{begin}\t\r\nx", "detail": '"quoted", and so on'})) as url:
        result = run("--csv", "-", "--url", url, name)
    (row,) = lines(result.stdout)
    assert (f"'{begin}\\x09\\x0d\\x0ax", '"quoted", and so on') == (row["subject"], row["detail"])
    assert all(cell.startswith('"') for cell in result.stdout.splitlines()[1].split('","')[:1])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("--json", "--csv", "-"), "both want standard output"),
        (("--csv", "other.pem"), "that is a certificate's name"),
        (("--csv", "/nowhere/report.csv"), "cannot write: /nowhere/report.csv: No such file or directory"),
        (("--csv", "/dev/full"), "No space left on device"),
    ],
)
def test_where_lines_cannot_go(files: Files, typed: tuple[str, ...], words: str) -> None:
    """Nobody is to take half a report for one."""
    result = here(files, *typed, files.good)
    assert (2, True) == (result.exit_code, words in result.stderr), result.output


def test_quiet(files: Files) -> None:
    """The exit code is the answer, complaints are still complaints."""
    result = here(files, "--quiet", files.expired, "nobody.pem")
    assert ("", "revet: nobody.pem: No such file or directory\n") == (result.stdout, result.stderr)


def test_names_cannot_command_the_terminal(files: Files) -> None:
    """Neither of files nor of certificates; nor is there markup in them."""
    evil = files.directory / "\x1b[2J[red]:bomb:.pem"
    evil.write_text(Authority.root("\x1b[31m[bold]", **validity_of_now()).pem)
    result = here(files, evil, files.directory / "\x1b]0;gone")
    assert "\x1b" not in result.output
    assert "\\x1b[2J[red]:bomb:.pem" in result.stdout
    assert "\\x1b[31m[bold]" in result.stdout
    assert "\\x1b]0;gone: No such file" in result.stderr


def test_a_service_is_asked_about_many_at_once(many: Path) -> None:
    """And each answer goes with its file."""
    seen: list[int] = []
    with answering(service(seen=seen)) as url:
        result = run("--json", "--url", url, many)
    assert (0, MANY, [8, 64, 64, 64]) == (result.exit_code, len(names(result)), sorted(seen))


def test_a_problem_in_a_batch_is_of_one_file(files: Files, many: Path) -> None:
    """And so is what is no verdict: it allows nothing."""
    (many / "010.pem").write_bytes(files.foreign.read_bytes())
    (many / "020.pem").write_bytes(files.expired.read_bytes())
    spoilt = {
        files.foreign.read_text(): {"problem": {"status": 422, "title": "No", "detail": "too long"}},
        files.expired.read_text(): {"decision": "maybe"},
    }
    with answering(service(spoilt.get)) as url:
        result = run("--json", "--url", url, many)
    errors = [row["error"] for row in document(result)["results"] if row["error"]]
    assert [f"{url} answered 422: too long", f"{url} answered with something that is no verdict"] == errors
    assert 2 == result.exit_code


def test_a_batch_that_is_refused_is_asked_one_by_one(files: Files) -> None:
    """So that one certificate cannot spoil those beside it."""

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        if path.endswith("batch"):
            return 413, {"title": "Too large"}
        return service()(method, path, body)

    with answering(respond) as url:
        result = run("--json", "--url", url, files.good, files.expired)
    assert ["allow", "allow"] == [row["answer"]["decision"] for row in document(result)["results"]]


def test_a_service_that_wants_to_be_asked_later_is(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it says so every time: then its words are why there is no answer."""
    monkeypatch.setattr(asking_service, "MAX_WAIT_S", 0)
    asked = iter((429, 503, 503))

    def respond(method: str, path: str, body: dict[str, Any]) -> Answer:
        status = next(asked, 200)
        return service()(method, path, body) if status == 200 else (status, {"title": "Later"})

    with answering(respond) as url:
        once = run("--url", url, files.good)
    with answering(lambda *_: (503, {"title": "Later"})) as url:
        never = run("--url", url, files.good)
    assert (0, 2, True) == (once.exit_code, never.exit_code, "answered 503: Later" in never.stderr)


@pytest.mark.parametrize("answer", [None, (401, {"title": "Unauthorized", "detail": "a token is needed"})])
def test_a_service_that_answers_nobody_is_not_asked_about_each(many: Path, answer: Answer | None) -> None:
    """Every file has its row all the same."""
    seen: list[Any] = []

    def respond(*asked: Any) -> Answer:  # noqa: ANN401 - whatever is asked
        seen.append(asked)
        assert answer is not None
        return answer

    if answer is None:
        result = run("--json", "--url", "http://127.0.0.1:1", many)
    else:
        with answering(respond) as url:
            result = run("--json", "--url", url, many)
    reasons = {row["error"] for row in document(result)["results"]}
    assert (2, MANY, 1, True) == (result.exit_code, len(names(result)), len(reasons), len(seen) <= 4)
