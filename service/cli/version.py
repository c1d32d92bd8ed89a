"""`revet --version`."""

from typing import Annotated

import typer

from service.bootstrap.directories import VERSION


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
