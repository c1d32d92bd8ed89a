"""A function in a process of its own: its environment, its end, its failures."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.demo.gateway.authorization import Invocation
from service.demo.gateway.function import Function, FunctionError
from tests.demo.running import gone, until

SOURCE = """
import os, sys, time
def lambda_handler(event, context):
    print("noise")
    if event.get("raise"):
        raise RuntimeError(event["raise"])
    if event.get("hang"):
        time.sleep(60)
    if event.get("exit"):
        os._exit(3)
    return {"event": event, "pid": os.getpid(), "names": sorted(os.environ), "id": context.aws_request_id,
            "directory": os.getcwd(), "files": os.listdir(),
            "path": [one for one in sys.path if "site-packages" in one]}
"""


@pytest.fixture
def function(directory: Path) -> Iterator[Function]:
    """A function that tells what it sees."""
    (directory / "lambda_function.py").write_text(SOURCE)
    with Function(directory, {"REVET_URL": "http://127.0.0.1:1"}, timeout_s=5) as made:
        yield made


def test_it_sees_its_own_environment(function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this process's environment, and no installed package, is there."""
    monkeypatch.setenv("REVET_TOKEN", "somebody else's")

    said = function({"a": "ü"}, Invocation("request-1"))

    assert ({"a": "ü"}, "request-1", []) == (said["event"], said["id"], said["path"])
    assert {"REVET_URL"} == set(said["names"]) - {"LC_CTYPE"}  # Python's own doing (PEP 538)
    assert os.getpid() != said["pid"]


def test_it_stays_warm_until_it_is_closed(function: Function) -> None:
    """One process answers one event after the other; a closed one is started anew."""
    first, second = (function({}, Invocation("x"))["pid"] for _ in range(2))
    function.close()
    third = function({}, Invocation("x"))["pid"]

    assert first == second != third
    assert 2 == function.cold_starts
    assert gone(first)


def test_what_it_raises_is_told(function: Function) -> None:
    """The message of what it raised comes out, and the process stays."""
    with pytest.raises(FunctionError, match=r"^Unauthorized$"):
        function({"raise": "Unauthorized"}, Invocation("x"))
    function({}, Invocation("x"))

    assert 1 == function.cold_starts


@pytest.mark.parametrize("how", ["hang", "exit"])
def test_what_does_not_answer_is_started_anew(directory: Path, how: str) -> None:
    """A function that hangs is ended, and one that ends is an error; the next event is a cold start."""
    (directory / "lambda_function.py").write_text(SOURCE)
    with Function(directory, {}, timeout_s=0.5 if how == "hang" else 5) as function:
        with pytest.raises(FunctionError):
            function({how: True}, Invocation("x"))

        # A start takes longer than half a second where much else runs.
        function._timeout_s = 20  # noqa: SLF001 - the patience of the test, not of what is tested
        function({}, Invocation("x"))

        assert 2 == function.cold_starts


def test_a_module_that_cannot_be_imported_is_an_error(directory: Path) -> None:
    """A function that does not start answers nothing."""
    (directory / "lambda_function.py").write_text("import no_such_module")

    with Function(directory, {}, timeout_s=20) as function, pytest.raises(FunctionError, match=r"ended|pipe"):
        function({}, Invocation("x"))


def test_a_zip(tmp_path: Path) -> None:
    """A zip is run as it would be uploaded: unpacked, in the directory of its files, which goes with it."""
    archive = tmp_path / "function.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("lambda_function.py", SOURCE)
        file.writestr("ca.pem", "somebody")

    with Function(archive, {}) as function:
        said = function({"a": 1}, Invocation("x"))
        assert {"a": 1} == said["event"]
        assert ["ca.pem", "lambda_function.py"] == sorted(set(said["files"]) - {"__pycache__"})

    assert not Path(said["directory"]).exists()


def test_what_it_prints_goes_to_the_log(directory: Path, tmp_path: Path) -> None:
    """What it prints is no answer, and can be read elsewhere."""
    (directory / "lambda_function.py").write_text(SOURCE)
    log = tmp_path / "log"
    with log.open("wb") as stream, Function(directory, {}, log=stream) as function:
        function({}, Invocation("x"))

        until(lambda: "noise\n" == log.read_text(), "the function's words are in the log")
