"""What can go wrong with the demonstration, and what the user is told.

DemoError
├── UsageError            the machine or the command line has to change first
├── CompanionError        a program that belongs to it did not start, or ended by itself
├── PortTakenError        a port that the certificates name belongs to another program
└── UnusablePkiError      there is no complete PKI in the directory, or not for long
    └── NoPkiError        there never was one
"""

from typing import ClassVar, Final

EXIT_STOPPED: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2


class DemoError(Exception):
    """The demonstration cannot go on.

    Attributes:
        reason: One or more sentences for a person.
    """

    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class UsageError(DemoError):
    """The machine or the command line has to change first."""

    exit_code: ClassVar[int] = EXIT_USAGE


class CompanionError(DemoError):
    """A program that belongs to the demonstration did not start, or ended by itself."""


class PortTakenError(DemoError):
    """A port that the certificates name belongs to another program."""


class UnusablePkiError(DemoError):
    """There is no complete PKI in the directory, or not for long."""


class NoPkiError(UnusablePkiError):
    """There never was a PKI in the directory."""
