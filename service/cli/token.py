"""`revet token`: makes a token, or hides one behind its digest.

Never takes one as an argument: whoever lists processes would see it, and the shell would remember it.
"""

import getpass
import sys
from typing import Annotated

import typer

from service.application.tokens import TokenError, entry_of, make_token
from service.cli.json_output import print_json
from service.cli.options import JsonOption, fail

HashOption = Annotated[
    bool, typer.Option("--hash", help="Read a token from the terminal, without echo, or from standard input.")
]


def token(*, hashed: HashOption = False, as_json: JsonOption = False) -> None:
    """Make a bearer token: one line for whoever asks, and one, `sha256:` and its digest, for the service's file.

    With --hash: the second line for a token that exists.
    """
    made = None if hashed else make_token()
    try:
        entry = entry_of(_given() if made is None else made)
    except TokenError as error:
        raise fail(str(error)) from None
    if as_json:
        print_json({"token": made, "entry": entry})
        return
    if made is not None:
        typer.echo(made)
    typer.echo(entry)


def _given() -> str:
    """The token that somebody types, or that a pipe or a file holds in its first line."""
    if sys.stdin.isatty():
        return getpass.getpass("Token: ").strip()
    return sys.stdin.readline().strip()
