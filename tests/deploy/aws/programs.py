"""A program `aws` for a shell, which hands its arguments to the stand-in in the process of the test."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from tests.deploy.aws.command_line import CommandLine

_PROGRAM: Final = """#!{python} -SE
import json, os, sys
from http.client import HTTPConnection
connection = HTTPConnection("127.0.0.1", {port}, timeout=50)
connection.request("POST", "/", json.dumps([os.getcwd(), *sys.argv[1:]]))
answer = connection.getresponse()
text = answer.read().decode()
print(text, file=sys.stdout if answer.status == 200 else sys.stderr, end="" if not text else "\\n")
sys.exit(answer.status != 200)
"""


@dataclass(slots=True)
class Program:
    """The program.

    Attributes:
        directory: Where it is, for PATH.
        asked: Its arguments, each time.
        refused: What was wrong with those that were refused.
    """

    directory: Path
    asked: list[list[str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@contextmanager
def program(directory: Path, command_line: CommandLine) -> Iterator[Program]:
    """The program, while the block lasts."""
    made = Program(directory)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            where, *arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.asked.append(arguments)
            status, said = 200, ""
            try:
                said = command_line.run(arguments, Path(where))
            except Exception as error:  # noqa: BLE001 - whatever it is, the shell hears it, and so does the test
                status, said = 500, f"{arguments}: {type(error).__name__}: {error}"
                made.refused.append(said)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        file = directory / "aws"
        file.write_text(_PROGRAM.format(python=sys.executable, port=server.server_port))
        file.chmod(0o755)
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
