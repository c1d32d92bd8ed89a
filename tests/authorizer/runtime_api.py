"""AWS's Lambda Runtime API, as far as a function needs it, and a function that runs under AWS's own runtime client."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

PATIENCE_S: Final = 30.0
"""How long to wait for what must happen."""

NEXT: Final = "/2018-06-01/runtime/invocation/next"
FUNCTION_ARN: Final = "arn:aws:lambda:eu-central-1:123456789012:function:authorizer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runtime has reported.

    Attributes:
        kind: `response`, `error`, or `init/error`.
        document: What it said.
    """

    kind: str
    document: Any


@dataclass
class Runtime:
    """The API: events go in, outcomes come out."""

    events: "queue.Queue[tuple[str, bytes] | None]" = field(default_factory=queue.Queue)
    outcomes: "queue.Queue[Outcome]" = field(default_factory=queue.Queue)
    sent: int = 0

    def invoke(self, event: object) -> Outcome:
        """Have the function called, and wait for what comes of it."""
        self.sent += 1
        self.events.put((f"request-{self.sent}", json.dumps(event).encode()))
        return self.outcomes.get(timeout=PATIENCE_S)


def _handler(runtime: Runtime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """The next event; the client waits for it."""
            following = runtime.events.get() if self.path == NEXT else None
            if following is None:
                self.close_connection = True
                return
            request_id, event = following
            self.send_response(200)
            for name, value in {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                "Lambda-Runtime-Deadline-Ms": "4102444800000",
                "Content-Type": "application/json",
                "Content-Length": str(len(event)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            """What came of one."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.path.rpartition("/")[2]
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()
            runtime.outcomes.put(Outcome("init/error" if "/init/" in self.path else kind, json.loads(body)))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the method it replaces
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def running_function(archive: Path, place: Path, environment: Mapping[str, str]) -> Iterator[Runtime]:
    """Run what is in an archive as Lambda does: unpacked, under the runtime client, with this environment alone.

    Args:
        archive: The zip.
        place: An empty directory: `/var/task` there. The log is written beside it.
        environment: Settings; what Lambda itself adds is added.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place)
    runtime = Runtime()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(runtime))
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    given = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "authorizer",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "LAMBDA_TASK_ROOT": str(place),
        **environment,
    }
    command = [sys.executable, "-m", "awslambdaric", "lambda_function.lambda_handler"]
    try:
        with place.with_suffix(".log").open("wb") as log:
            process = subprocess.Popen(command, cwd=place, env=given, stdout=log, stderr=log)
        try:
            yield runtime
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
    finally:
        runtime.events.put(None)
        server.shutdown()
        server.server_close()
        thread.join()
