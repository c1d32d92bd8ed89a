"""`revet --version`, and `revet version` for machines."""

from typing import Annotated

import typer

from service.bootstrap.directories import VERSION
from service.cli.json_output import print_json
from service.cli.options import JsonOption


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer's signature of a callback
    if value:
        typer.echo(f"revet {VERSION}")
        raise typer.Exit


def show_version(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Is this client certificate still good, right now?"""


def version(*, as_json: JsonOption = False) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": VERSION})
    else:
        typer.echo(f"revet {VERSION}")
