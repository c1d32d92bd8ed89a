"""What `--json` prints: one JSON document on standard output, and nothing beside it.

It is written as it is: rich would break lines at the width of a terminal, and JSON with them. Complaints stay lines on
standard error, with `--json` too: whoever reads the document asks the exit code first.
"""

import json
import re
from typing import Final

import typer

_OUTSIDE_ASCII: Final = re.compile(r"[^\n -~]")
"""Outside of strings JSON has none of these, so that each of them stands in one and may be escaped there."""


def json_text(document: object, *, indent: int | None = 2) -> str:
    """JSON that a terminal may be shown: what it would obey is escaped, letters of every script are not.

    Args:
        document: What JSON can hold; strings that no file system could decode (lone surrogates) among them.
        indent: Spaces for each level; None for one line.
    """
    return _OUTSIDE_ASCII.sub(_escaped, json.dumps(document, ensure_ascii=False, indent=indent))


def print_json(document: object) -> None:
    """Print the document of a command."""
    typer.echo(json_text(document))


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else json.dumps(character)[1:-1]
