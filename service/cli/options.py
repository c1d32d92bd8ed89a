"""Options that several commands share, and how they end."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from service.cli.rendering import render_error
from service.settings import Settings, SettingsError, load_settings

EXIT_ALLOW: Final = 0
EXIT_DENY: Final = 1
EXIT_NOT_ASKED: Final = 2
"""The question could not be asked: unreadable file, wrong settings, service out of reach."""
EXIT_LOCAL: Final = 3
"""What was asked for is done, on one host of the fleet alone."""
EXIT_FAULT: Final = 70
"""A fault of ours: `EX_SOFTWARE` of sysexits.h, and never a verdict."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C, as shells write it: 128 and the number of SIGINT."""

TOKEN_VARIABLE: Final = "REVET_TOKEN"  # noqa: S105 - the name of a variable, not a token
"""The caller's token for a service that asks for one: of the command line alone, and no setting of a service."""

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""Where `make run` and an unconfigured `revet serve` answer."""

ConfigOption = Annotated[Path | None, typer.Option("--config", help="TOML file with settings (REVET_CONFIG).")]
CertificateArguments = Annotated[
    list[str],
    typer.Argument(
        help="PEM or DER files, each one a leaf, in PEM with intermediates below it; directories; patterns in quotes."
    ),
]
TrustStoreOption = Annotated[
    Path | None, typer.Option("--trust-store", help="PEM file or directory: decide here, without a service.")
]
UrlOption = Annotated[str | None, typer.Option("--url", help=f"Ask the service there; default {DEFAULT_URL}.")]
IntermediatesOption = Annotated[
    list[Path] | None, typer.Option("--intermediates", help="PEM or DER file with more intermediates; repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]

PIPE_WIDTH: Final = 4096
"""Columns where the output is no terminal: lines stay whole for `grep`."""


class _Console(Console):
    """One whose reader may go: whoever runs the commands decides what that means."""

    def on_broken_pipe(self) -> NoReturn:
        """Hand on what rich has caught, which would end with 1."""
        raise  # noqa: PLE0704 - rich calls this where it handles it


output = _Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
"""For what is asked for. Texts are taken as they are: brackets and colons in a stranger's name mean nothing."""
errors = _Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_WIDTH)


def read_settings(
    config: Path | None, overrides: dict[str, str] | None = None, *, exit_code: int = EXIT_NOT_ASKED
) -> Settings:
    """The settings from file and environment, with what the command line says above both.

    Raises:
        typer.Exit: they are wrong; the reasons are printed.
    """
    try:
        return load_settings(config, {**os.environ, **(overrides or {})})
    except SettingsError as error:
        raise fail_settings(error, exit_code) from error


def fail_settings(error: SettingsError, code: int = EXIT_NOT_ASKED) -> typer.Exit:
    """Print what is wrong with the settings, a line each; the exit to raise."""
    errors.print(render_error(*str(error).splitlines()))
    return typer.Exit(code)


def fail(message: str, code: int = EXIT_NOT_ASKED) -> typer.Exit:
    """Print a complaint; the exit to raise."""
    errors.print(render_error(message))
    return typer.Exit(code)
