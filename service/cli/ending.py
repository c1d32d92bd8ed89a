"""How commands end when something comes in between: none of these may look like a verdict.

Exit code 1 says that something is denied or has failed, and scripts act on it. So whoever reads having gone, the end of
what is typed, and a fault of ours each get another code; left alone, Python and typer would take 1 for all of them.
"""

import errno
import os
import traceback
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from service.cli.options import EXIT_FAULT, EXIT_NOT_ASKED, fail


class Commands(TyperGroup):
    """All commands."""

    def invoke(self, ctx: Any) -> object:  # noqa: ANN401 - typer keeps its class of contexts to itself
        """Run the command that is meant.

        Raises:
            typer.Exit: it has ended, with this code.
        """
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except BrokenPipeError:
            # What is left is for nobody, and Python would complain about it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(EXIT_NOT_ASKED) from None
        except EOFError:
            raise fail("nothing was typed") from None
        except OSError as error:
            if error.errno != errno.ENOSPC or error.filename is not None:
                raise _fault() from error
            # What is printed finds no room: no fault of ours, and what is left of it is for nobody.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise fail(f"cannot write: {error.strerror}") from None
        except Exception as error:
            raise _fault() from error


def _fault() -> typer.Exit:
    """Print where it happened; the exit to raise."""
    traceback.print_exc()
    return fail("that is a fault of revet's; please report what stands above", EXIT_FAULT)
