"""The child in which a function runs, apart from the program that calls it: `python -I -S runtime.py SOURCE HANDLER`.

SOURCE is a directory or a zip; HANDLER is `module.function`. An event is a line of JSON on standard input, its answer a
line on standard output: `{"answer": …}` or `{"error": "…"}`. What the function itself prints goes to standard error.

Imports nothing but the standard library, and nothing of this package: -I and -S keep everything else from the function,
so that what runs here would run in Lambda.
"""

import importlib
import json
import os
import sys
from typing import Any


class _Invocation:
    """What Lambda hands to a handler as its context, as far as anybody reads it."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.aws_request_id = fields["aws_request_id"]
        self.function_name = fields["function_name"]
        self.invoked_function_arn = fields["invoked_function_arn"]
        self._remaining_ms = fields["remaining_ms"]

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may take."""
        return int(self._remaining_ms)


def main(source: str, handler: str) -> None:
    """Answer events until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.insert(0, source)
    module, _, function = handler.rpartition(".")
    called = getattr(importlib.import_module(module), function)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"answer": called(asked["event"], _Invocation(asked["context"]))}
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
            said = {"error": str(error)}
        sys.stdout.flush()
        answers.write(json.dumps(said) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
