"""The log: one stream for everybody, in one form."""

import json
import logging
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import structlog

from service.adapters.logs import configure_logs
from service.adapters.redaction import REDACTED
from service.application.log_options import LogFormat, LogLevel
from tests.pki.authority import Authority
from tests.settings.given import TOKEN

pytestmark = pytest.mark.usefixtures("untouched_logging")


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


@pytest.fixture
def stream() -> StringIO:
    """Where the log goes."""
    return StringIO()


def fail(reason: str) -> None:
    """Raise an exception that quotes what it was given."""
    raise ValueError(reason)


def events(stream: StringIO) -> list[dict[str, object]]:
    """What was written, line by line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_in_json(stream: StringIO) -> None:
    """A time in UTC, a level, a name, who wrote it, and its fields; what all have comes first."""
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    structlog.get_logger("revet").info("crl_stored", entries=3)
    (event,) = events(stream)
    assert ["time", "level", "event", "logger", "entries"] == list(event)
    assert ("info", "crl_stored", "revet", 3) == (event["level"], event["event"], event["logger"], event["entries"])
    written = datetime.fromisoformat(str(event["time"]))
    assert timedelta(0) == written.utcoffset()
    assert abs(datetime.now(UTC) - written) < timedelta(hours=1)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (LogLevel.DEBUG, ["debug", "info", "warning", "error"]),
        (LogLevel.INFO, ["info", "warning", "error"]),
        (LogLevel.WARNING, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
    ],
)
def test_levels(stream: StringIO, level: LogLevel, expected: list[str]) -> None:
    """What is less important is not written, whoever writes it."""
    configure_logs(level, LogFormat.JSON, stream)
    for logger in (structlog.get_logger("revet"), logging.getLogger("some.library")):
        logger.debug("one")
        logger.info("one")
        logger.warning("one")
        logger.error("one")
    assert expected * 2 == [event["level"] for event in events(stream)]


def test_a_library_s_sentence(stream: StringIO) -> None:
    """Its name is always the same; the sentence and its extra fields are fields."""
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    logging.getLogger("uvicorn.error").info("Started %s", "x", extra={"color_message": "\x1b[1m", "port": 8080})
    (event,) = events(stream)
    del event["time"]
    assert {
        "level": "info",
        "event": "library_message",
        "logger": "uvicorn.error",
        "message": "Started x",
        "port": 8080,
    } == event


def test_a_warning_of_python_s_own(stream: StringIO) -> None:
    """It goes the same way."""
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("careful", UserWarning, stacklevel=1)
    (event,) = events(stream)
    assert ("py.warnings", "library_message") == (event["logger"], event["event"])


def test_what_is_about_every_request_is_left_out(stream: StringIO) -> None:
    """The service has events of its own for these."""
    configure_logs(LogLevel.DEBUG, LogFormat.JSON, stream)
    logging.getLogger("uvicorn.access").info("GET / 200")
    logging.getLogger("httpx").info("GET http://ca.example/")
    assert [] == events(stream)


def test_libraries_keep_no_handlers_of_their_own(stream: StringIO) -> None:
    """Nothing is written twice, or past the redaction."""
    own = logging.StreamHandler(StringIO())
    logging.getLogger("uvicorn").addHandler(own)
    configure_logs(LogLevel.INFO, LogFormat.JSON, StringIO())
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    logging.getLogger("uvicorn.error").info("one")
    assert 1 == len(events(stream))
    assert [] == logging.getLogger("uvicorn").handlers


def test_secrets_in_a_traceback(stream: StringIO) -> None:
    """The exception's text is looked at like any other; the values of variables are not shown at all."""
    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    leaf = Authority.root("Root").issue("Leaf").pem
    for logger in (structlog.get_logger("revet"), logging.getLogger("some.library")):
        try:
            fail(f"cannot use {leaf} of Bearer {TOKEN}")
        except ValueError:
            logger.exception("it_failed")
    for event in events(stream):
        assert f"ValueError: cannot use {REDACTED}" in str(event["exception"])
    assert TOKEN not in stream.getvalue()
    assert leaf.splitlines()[1] not in stream.getvalue()


def test_what_cannot_be_written_is_not_printed_past_the_redaction(
    stream: StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """The standard library would print the message and its arguments to standard error."""

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError(TOKEN)

    configure_logs(LogLevel.INFO, LogFormat.JSON, stream)
    logging.getLogger("some.library").info("%s", Unprintable())
    logging.getLogger("some.library").info("%d", TOKEN)
    assert ("", "") == capfd.readouterr()
    assert TOKEN not in stream.getvalue()


def test_an_event_on_a_console(stream: StringIO) -> None:
    """A line for people, without colours where there is no terminal; redacted like any other."""
    configure_logs(LogLevel.INFO, LogFormat.CONSOLE, stream)
    structlog.get_logger("revet").info("crl_stored", entries=3, token=TOKEN)
    (line,) = stream.getvalue().splitlines()
    assert "crl_stored" in line
    assert f"entries=3 token={REDACTED}" in line
    assert "\x1b" not in line


def test_a_traceback_on_a_console(stream: StringIO) -> None:
    """Plain, and redacted."""
    configure_logs(LogLevel.INFO, LogFormat.CONSOLE, stream)
    try:
        fail(f"Bearer {TOKEN}")
    except ValueError:
        structlog.get_logger("revet").exception("it_failed")
    assert stream.getvalue().endswith(f"ValueError: Bearer {REDACTED}\n")


def test_auto_is_for_people_on_a_terminal_and_for_machines_elsewhere(stream: StringIO) -> None:
    """The form follows the stream."""
    terminal = Terminal()
    configure_logs(LogLevel.INFO, LogFormat.AUTO, terminal)
    structlog.get_logger("revet").info("one")
    configure_logs(LogLevel.INFO, LogFormat.AUTO, stream)
    structlog.get_logger("revet").info("one")
    assert "\x1b" in terminal.getvalue()
    assert 1 == len(events(stream))


PROGRAM = """
import asyncio, contextlib, sys
import httpx, uvicorn
from service.adapters.logs import configure_logs
from service.application.log_options import LogFormat, LogLevel

async def app(scope, receive, send):
    raise ValueError(f"no good: {scope['headers']}")

async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"http://127.0.0.1:{port}/", headers={"X-Revet-Token": sys.argv[1]})
    server.should_exit = True
    await serving

configure_logs(LogLevel.INFO, LogFormat.JSON)
asyncio.run(main())
"""


def test_uvicorn_writes_into_the_same_log() -> None:
    """A real server, whose application fails with a token in the exception: every line is an event of ours."""
    run = subprocess.run([sys.executable, "-c", PROGRAM, TOKEN], capture_output=True, text=True, check=True, timeout=60)
    written = [json.loads(line) for line in run.stderr.splitlines()]
    assert {"library_message"} == {event["event"] for event in written}
    assert {"uvicorn.error"} == {event["logger"] for event in written}
    (failure,) = [event["exception"] for event in written if "exception" in event]
    assert f"(b'x-revet-token', b'{REDACTED}')" in failure
    assert ("", False) == (run.stdout, TOKEN in run.stderr)
