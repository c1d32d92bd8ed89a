"""`revet demo`: the story of a revocation, from 204 to 403, through every front door."""

from typing import Annotated

import typer

from service.demo.story.run import AtTheEnd, Options, run

KeepOption = Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")]


def demo(*, keep: KeepOption = False) -> None:
    """Tell the story of a revocation: from 204 to 403, through every front door.

    Makes authorities, starts a service and four doors on this machine, asks with curl, and ends by itself. Exit
    code 0: every step has shown what it should, 1: one has not, 2: curl, nginx or openssl is missing.
    """
    raise typer.Exit(run(Options(AtTheEnd.STAY if keep else AtTheEnd.STOP)))
