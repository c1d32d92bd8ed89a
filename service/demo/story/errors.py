"""How a story ends before its end, and what the user is told.

DemoError
├── StoryError            a step did not show what it should
└── InterruptedStoryError the user wants to stop
"""

from typing import ClassVar, Final

from service.demo.errors import DemoError

EXIT_INTERRUPTED: Final = 130
"""What a shell says of a program that Ctrl-C has ended: 128 and the number of SIGINT."""


class StoryError(DemoError):
    """A step did not show what it should."""


class InterruptedStoryError(DemoError):
    """The user wants to stop."""

    exit_code: ClassVar[int] = EXIT_INTERRUPTED

    def __init__(self) -> None:
        """There is nothing to explain."""
        super().__init__("stopped before the end")
