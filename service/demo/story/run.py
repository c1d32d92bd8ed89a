"""The story from start to end, as `revet demo` tells it."""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from service.demo.companion import stay
from service.demo.errors import EXIT_FAILED, EXIT_STOPPED, CompanionError, DemoError
from service.demo.stop import StopSignals
from service.demo.story.alb_door import open_alb, open_alb_verify
from service.demo.story.errors import InterruptedStoryError, StoryError
from service.demo.story.gateway_door import open_gateway
from service.demo.story.nlb_door import open_nlb
from service.demo.story.programs import Programs, find_programs
from service.demo.story.stage import Build, Stage, set_stage
from service.demo.story.steps import emergency, revocation, show_stage, show_what_stays, who_gets_in
from service.demo.story.telling import Say, Teller

BUILDERS: Final = (open_gateway, open_alb, open_alb_verify, open_nlb)


class AtTheEnd(Enum):
    """What becomes of everything when the story is told."""

    STOP = "stop"
    STAY = "stay until Ctrl-C"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user has chosen.

    Attributes:
        at_the_end: What becomes of everything when the story is told.
        builders: Of the doors.
    """

    at_the_end: AtTheEnd = AtTheEnd.STOP
    builders: tuple[Build, ...] = BUILDERS


def run(options: Options) -> int:
    """Tell the story. For the main thread.

    Returns:
        The exit code: 0 when every step has shown what it should, or that of the error that was printed.
    """
    try:
        with StopSignals() as stop:
            _tell_or_stop(options, stop)
    except DemoError as error:
        sys.stderr.write(f"revet demo: {error.reason}\n")
        return error.exit_code
    except OSError as error:  # a full disk, no more processes
        sys.stderr.write(f"revet demo: {error}\n")
        return EXIT_FAILED
    return EXIT_STOPPED


def _tell_or_stop(options: Options, stop: StopSignals) -> None:
    """Tell it; what fails while the user wants to stop, fails because he does."""
    try:
        _tell(options, stop, find_programs(os.environ), _say)
    except (StoryError, CompanionError):
        if stop.asked():
            raise InterruptedStoryError from None
        raise


def _tell(options: Options, stop: StopSignals, programs: Programs, say: Say) -> None:
    begun = time.monotonic()
    say("From 204 to 403: a certificate is revoked, and every front door learns of it. Starting ...")
    with (
        tempfile.TemporaryDirectory(prefix="revet-demo-") as directory,
        set_stage(Path(directory), programs, options.builders, stop.asked) as stage,
    ):
        _steps(stage, Teller(say), stop)
        if options.at_the_end is AtTheEnd.STAY:
            show_what_stays(stage, Teller(say))
            stay(stage.check, stop.asked)
    say(f"\nEverything is stopped and removed, after {time.monotonic() - begun:.0f} s.")


def _steps(stage: Stage, tell: Teller, stop: StopSignals) -> None:
    show_stage(stage, tell)
    for step in (who_gets_in, revocation, emergency):
        try:
            step(stage, tell, stop.asked)
        except StoryError:
            stage.check()  # a program that has ended is the better explanation
            raise
        stage.check()
        if stop.asked():
            raise InterruptedStoryError


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
