"""The Lambda authorizer beside the bare HTTP call that it makes, and how long it takes to import.

What is measured:

- bare HTTP call: the same question over one kept connection, by `http.client` alone, and its answer read.
- authorizer: an event of a REST API, from the call of the handler to its answer, over one kept connection.
- importing it: in a new interpreter each time, isolated and without `site`, from the statement to its end.

One service with one worker answers both, from its cache of verdicts. The function's log goes nowhere.
"""

import contextlib
import http.client
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from bench.measuring import Contestant, Time, Timing, race
from bench.serving import UnusableError, questions, served

BARE: Final = "bare HTTP call"
AUTHORIZER: Final = "authorizer"
IMPORT: Final = "importing the authorizer"

IMPORTS: Final = 20
SOURCE: Final = Path(__file__).parents[1] / "authorizer" / "lambda_function.py"

_ARN: Final = "arn:aws:execute-api:eu-central-1:123456789012:abcdef1234/prod/GET/pets"
_IMPORTING: Final = """
import sys, time
sys.path.insert(0, {directory!r})
began = time.perf_counter()
import lambda_function
print(time.perf_counter() - began)
"""


def call_timings() -> list[Timing]:
    """Seconds of one call, bare and through the authorizer.

    Raises:
        UnusableError: somebody is not allowed in.
    """
    with TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        place = Path(directory)
        asked = questions(place)
        question = asked.one.read_text().strip()
        url = stack.enter_context(served(place / "service", asked, {})).url
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        stack.callback(connection.close)
        authorizer = _authorizer(url)
        stack.callback(authorizer.revet.connection.close)
        stack.enter_context(contextlib.redirect_stdout(stack.enter_context(Path(os.devnull).open("w"))))
        everybody = (
            Contestant(BARE, lambda: _bare(connection, question)),
            Contestant(AUTHORIZER, _authorized(authorizer, json.loads(question)["certificate"])),
        )
        return race(everybody, Time.PASSING)


def import_timings() -> list[Timing]:
    """Seconds of one import, an interpreter each; the first warms the disk up and does not count."""
    command = (sys.executable, "-I", "-S", "-c", _IMPORTING.format(directory=str(SOURCE.parent)))
    seconds = [float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(IMPORTS + 1)]
    return [Timing(IMPORT, seconds[1:])]


def _authorizer(url: str) -> Any:  # noqa: ANN401 - of a module that no package holds
    spec = importlib.util.spec_from_file_location("lambda_function", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Authorizer({"REVET_URL": url})


def _bare(connection: http.client.HTTPConnection, question: str) -> None:
    connection.request("POST", "/v1/validate", question, {"Content-Type": "application/json"})
    connection.getresponse().read()


def _authorized(authorizer: Any, certificate: str) -> Callable[[], None]:  # noqa: ANN401 - as above
    shown = {"clientCert": {"clientCertPem": certificate, "serialNumber": "0a:0b"}}
    event = {"type": "REQUEST", "methodArn": _ARN, "requestContext": {"identity": shown}}

    def call() -> None:
        answer = authorizer.authorize(event)
        if answer["context"]["code"] != "ok":
            raise UnusableError(f"not allowed: {answer}")

    return call
